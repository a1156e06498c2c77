/*
 * What a pattern was answered about rows before: to read the names of a hundred thousand rows again at each
 * refresh takes many times as long as to remember.
 */
#ifndef RSP_UI_ANSWERS_H
#define RSP_UI_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"

/* One that is all zero knows no answers. */
struct answers {
	char *pattern;	 /* owned; that the answers are to; NULL: there are none */
	uint64_t *slots; /* owned; a key with the answer in its lowest bit; 0: free */
	size_t slot_count;
	size_t used;
	uint64_t *latest; /* owned; as slots, by the place of the row at the refresh before: mostly the same */
	size_t latest_count;
};

void answers_fini(struct answers *answers);

/*
 * Begins a refresh of so many rows. Forgets all but answers to this pattern, and those too when they are of
 * far more rows.
 */
void answers_begin(struct answers *answers, const struct match *match, size_t rows);

/* The key of a row by its id, and by an address that is another one when its texts are others. */
static inline uint64_t answers_key(uint64_t id, const void *address)
{
	uint64_t mixed = (id ^ (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xbf58476d1ce4e5b9);

	mixed ^= mixed >> 32;
	return mixed > 1 ? mixed : 2;
}

/* The first slot of a key's pair. */
static inline size_t answers_place(const struct answers *answers, uint64_t key)
{
	return (size_t)(key >> 1) & (answers->slot_count - 1) & ~(size_t)1;
}

/* What is in memory one after the other is read much faster than what is anywhere. */
static inline bool answers_recall(const struct answers *answers, size_t index, uint64_t key, bool *ret_passes)
{
	*ret_passes = answers->latest[index] & 1;
	return (answers->latest[index] ^ key) <= 1;
}

/* Takes the place of a key that is not the latest into the processor's caches, for a question that is asked soon. */
static inline void answers_prefetch(const struct answers *answers, size_t index, uint64_t key)
{
	if ((answers->latest[index] ^ key) > 1)
		__builtin_prefetch(&answers->slots[answers_place(answers, key)]);
}

static inline void answers_note(struct answers *answers, size_t index, uint64_t key, bool passes)
{
	answers->latest[index] = (key & ~UINT64_C(1)) | passes;
}

/* True: the answer is known, and in `*ret_passes`. */
static inline bool answers_find(const struct answers *answers, uint64_t key, bool *ret_passes)
{
	for (size_t at = answers_place(answers, key);; at = (at + 2) & (answers->slot_count - 1)) {
		uint64_t first = answers->slots[at], second = answers->slots[at + 1];
		uint64_t found = (first ^ key) > 1 ? second : first;

		*ret_passes = found & 1;
		if ((found ^ key) <= 1)
			return true;
		if (!second)
			return false;
	}
}

/* Remembers an answer that is not known yet. */
void answers_put(struct answers *answers, uint64_t key, bool passes);

#endif
