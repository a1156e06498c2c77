/*
 * Many rows of a source at once. A source with very many of them has a function of its own for that, made of
 * view_take() and its others: so they are no calls, and what they need is fetched before its turn, for memory
 * answers slowly.
 */
#ifndef RSP_UI_VIEW_BLOCK_H
#define RSP_UI_VIEW_BLOCK_H

#include "view.h"

enum { VIEW_BLOCK_ROWS = 64 };

/* Rows of a source, and what was found of them. */
struct view_block {
	size_t first, count;	/* at most VIEW_BLOCK_ROWS */
	size_t source_count;
	unsigned column;	/* to order by */
	struct view_row *rows;	/* to be written */
	const char *last[VIEW_BLOCK_ROWS]; /* what each row is known by last */
};

/* The functions are those of a view_source; `fetch` takes what they need of a row into the processor's caches. */
static inline __attribute__((always_inline)) void
view_take(const void *rows, struct view_block *block, uint64_t (*id)(const void *, size_t),
	  struct view_key (*key)(const void *, size_t, unsigned),
	  const char *(*text)(const void *, size_t, unsigned), void (*fetch)(const void *, size_t))
{
	enum { FETCHED_AHEAD = 32 };

	for (size_t i = 0; i < block->count; i++) {
		size_t index = block->first + i;
		struct view_row *row = &block->rows[i];

		if (fetch && index + FETCHED_AHEAD < block->source_count)
			fetch(rows, index + FETCHED_AHEAD);
		row->index = index;
		row->id = id(rows, index);
		if (key)
			row->key = key(rows, index, block->column);
		block->last[i] = text ? text(rows, index, VIEW_LAST_PART) : NULL;
	}
}

#endif
