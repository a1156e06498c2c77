/*
 * A table with open addressing, at most half full. The lowest bit of a key is given up for the
 * answer: two rows would have to agree in the 63 others.
 */
#include "config.h"

#include "answers.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"

enum { SLOTS_LEAST = 1024 };

/* How many times as many answers as there are rows are kept. */
enum { ROWS_KEPT = 4 };

/* So many in a row are gone, or moved, at most, or what follows them is not known by its order. */
enum { GONE_MOST = 32 };

void answers_fini(struct answers *answers)
{
	free(answers->pattern);
	free(answers->slots);
	free(answers->before);
	free(answers->now);
	*answers = (struct answers){0};
}

static void begin_order(struct answers *answers, size_t rows)
{
	uint64_t *before = answers->now;

	answers->now = answers->before;
	answers->before = before;
	answers->before_count = answers->now_count;
	answers->now_count = answers->next = 0;
	if (rows <= answers->capacity)
		return;
	answers->before = xreallocarray(answers->before, rows, sizeof(*answers->before));
	answers->now = xreallocarray(answers->now, rows, sizeof(*answers->now));
	answers->capacity = rows;
}

void answers_begin(struct answers *answers, const struct match *match, size_t rows)
{
	const char *pattern = match_pattern(match);

	if (!answers->pattern || strcmp(answers->pattern, pattern) != 0 ||
	    (answers->used > SLOTS_LEAST && answers->used / ROWS_KEPT > rows)) {
		answers_fini(answers);
		answers->pattern = xstrdup(pattern);
	}
	begin_order(answers, rows);
}

uint64_t answers_key(uint64_t id, const void *address)
{
	uint64_t mixed = (id ^ (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xbf58476d1ce4e5b9);

	mixed ^= mixed >> 32;
	return mixed > 1 ? mixed : 2;
}

bool answers_follow(struct answers *answers, uint64_t key, bool *ret_passes)
{
	/* Some that have gone are passed over; one that is new is not in the way. */
	for (size_t at = answers->next; at < answers->before_count && at <= answers->next + GONE_MOST; at++) {
		if (answers->before[at] >> 1 != key >> 1)
			continue;
		*ret_passes = answers->before[at] & 1;
		answers->next = at + 1;
		return true;
	}
	return false;
}

void answers_came(struct answers *answers, uint64_t key, bool passes)
{
	if (answers->now_count < answers->capacity)
		answers->now[answers->now_count++] = (key & ~UINT64_C(1)) | passes;
}

static size_t place_of(const struct answers *answers, uint64_t key)
{
	return (size_t)(key >> 1) & (answers->slot_count - 1);
}

void answers_prefetch(const struct answers *answers, uint64_t key)
{
	if (answers->slot_count > 0)
		__builtin_prefetch(&answers->slots[place_of(answers, key)]);
}

/* The slot that has the key, or where it belongs. */
static uint64_t *find_slot(const struct answers *answers, uint64_t key)
{
	size_t at = place_of(answers, key);

	while (answers->slots[at] && answers->slots[at] >> 1 != key >> 1)
		at = (at + 1) & (answers->slot_count - 1);
	return &answers->slots[at];
}

bool answers_find(const struct answers *answers, uint64_t key, bool *ret_passes)
{
	uint64_t found = answers->slot_count > 0 ? *find_slot(answers, key) : 0;

	*ret_passes = found & 1;
	return found != 0;
}

static void grow(struct answers *answers)
{
	struct answers old = *answers;

	answers->slot_count = old.slot_count ? 2 * old.slot_count : SLOTS_LEAST;
	answers->slots = xcalloc(answers->slot_count, sizeof(*answers->slots));
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i])
			*find_slot(answers, old.slots[i]) = old.slots[i];
	free(old.slots);
}

void answers_put(struct answers *answers, uint64_t key, bool passes)
{
	if (answers->used >= answers->slot_count / 2)
		grow(answers);
	*find_slot(answers, key) = (key & ~UINT64_C(1)) | passes;
	answers->used++;
}
