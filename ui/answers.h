/*
 * What a pattern was answered about rows before: to read the names of a hundred thousand rows again at each
 * refresh takes many times as long as to remember. Of a row 16 bytes are kept: in a table, and in the order of
 * the last refresh, which is nearly that of this one and takes no search.
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
	uint64_t *before, *now; /* owned; keys with answers as they came, in the last refresh and in this one */
	size_t before_count, now_count, capacity;
	size_t next; /* of `before` */
};

void answers_fini(struct answers *answers);

/*
 * Begins a refresh of so many rows. Forgets all but answers to this pattern, and those too when they are of
 * far more rows.
 */
void answers_begin(struct answers *answers, const struct match *match, size_t rows);

/* The key of a row by its id, and by an address that is another one when its texts are others. */
uint64_t answers_key(uint64_t id, const void *address);

/* Takes a key's place into the processor's caches, for a question that is asked soon. */
void answers_prefetch(const struct answers *answers, uint64_t key);

/* True: the row comes where it came before, with the answer in `*ret_passes`. */
bool answers_follow(struct answers *answers, uint64_t key, bool *ret_passes);

/* Remembers that a row with this answer came, once for each in their order. */
void answers_came(struct answers *answers, uint64_t key, bool passes);

/* True: the answer is known, and in `*ret_passes`. */
bool answers_find(const struct answers *answers, uint64_t key, bool *ret_passes);

/* Remembers an answer that is not known yet. */
void answers_put(struct answers *answers, uint64_t key, bool passes);

#endif
