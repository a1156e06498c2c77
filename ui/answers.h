/*
 * What a pattern was answered about rows before: to read the names of a hundred thousand rows again at each
 * refresh takes many times as long as to remember. Of a row 8 bytes are kept.
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
};

void answers_fini(struct answers *answers);

/* Forgets all but answers to this pattern, and those too when they are of far more than `rows` rows. */
void answers_begin(struct answers *answers, const struct match *match, size_t rows);

/* The key of a row by its id, and by an address that is another one when its texts are others. */
uint64_t answers_key(uint64_t id, const void *address);

/* Takes a key's place into the processor's caches, for a question that is asked soon. */
void answers_prefetch(const struct answers *answers, uint64_t key);

/* True: the answer is known, and in `*ret_passes`. */
bool answers_find(const struct answers *answers, uint64_t key, bool *ret_passes);

/* Remembers an answer that is not known yet. */
void answers_put(struct answers *answers, uint64_t key, bool passes);

#endif
