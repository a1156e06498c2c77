/*
 * A table with open addressing, at most half full, of pairs of slots: what a processor cannot guess is
 * whether a key is in its first slot, and with pairs it need not. The lowest bit of a key is given up for the
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

void answers_fini(struct answers *answers)
{
	free(answers->pattern);
	free(answers->slots);
	free(answers->latest);
	*answers = (struct answers){0};
}

static void forget(struct answers *answers)
{
	free(answers->pattern);
	answers->pattern = NULL;
	answers->used = 0;
	if (answers->slots)
		memset(answers->slots, 0, answers->slot_count * sizeof(*answers->slots));
	if (answers->latest)
		memset(answers->latest, 0, answers->latest_count * sizeof(*answers->latest));
}

static void have_latest(struct answers *answers, size_t rows)
{
	if (rows <= answers->latest_count)
		return;
	answers->latest = xreallocarray(answers->latest, rows, sizeof(*answers->latest));
	memset(answers->latest + answers->latest_count, 0,
	       (rows - answers->latest_count) * sizeof(*answers->latest));
	answers->latest_count = rows;
}

/* Gives up the answers for places for those about so many rows. */
static void make_room(struct answers *answers, size_t rows)
{
	size_t count = SLOTS_LEAST;

	while (count < 2 * rows)
		count *= 2;
	answers_fini(answers);
	answers->slots = xcalloc(count, sizeof(*answers->slots));
	answers->slot_count = count;
}

void answers_begin(struct answers *answers, const struct match *match, size_t rows)
{
	const char *pattern = match_pattern(match);
	bool same = answers->pattern && strcmp(answers->pattern, pattern) == 0;
	bool few = answers->used > SLOTS_LEAST && answers->used / ROWS_KEPT > rows;

	if (same && !few) {
		have_latest(answers, rows);
		return;
	}
	/* Memory that is new costs more than memory that is cleared. */
	if (few || answers->slot_count < 2 * rows)
		make_room(answers, rows);
	else
		forget(answers);
	have_latest(answers, rows);
	answers->pattern = xstrdup(pattern);
}

/* Puts a key, with its answer, into the first free slot. */
static void put(struct answers *answers, uint64_t slot)
{
	size_t at = answers_place(answers, slot);

	while (answers->slots[at])
		at = (at + 1) & (answers->slot_count - 1);
	answers->slots[at] = slot;
}

static void grow(struct answers *answers)
{
	struct answers old = *answers;

	answers->slot_count = 2 * old.slot_count;
	answers->slots = xcalloc(answers->slot_count, sizeof(*answers->slots));
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i])
			put(answers, old.slots[i]);
	free(old.slots);
}

void answers_put(struct answers *answers, uint64_t key, bool passes)
{
	if (answers->used >= answers->slot_count / 2)
		grow(answers);
	put(answers, (key & ~UINT64_C(1)) | passes);
	answers->used++;
}
