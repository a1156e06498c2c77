/*
 * Address ranges that may nest or overlap, and the question which of them an address is in. Used
 * for symbols, compilation units and functions.
 */
#ifndef RSP_SYMBOL_SPANS_H
#define RSP_SYMBOL_SPANS_H

#include <stddef.h>
#include <stdint.h>

/* One range [start, end). `data` is borrowed from whoever added it. */
struct span {
	uint64_t start;
	uint64_t end;
	const void *data;
	uint64_t key;	 /* the adder's own: a rank, an offset */
	uint32_t parent; /* set by spans_link() */
};

/* A growing array of spans; owns `items`. All zero is an empty one. */
struct spans {
	struct span *items;
	size_t count;
	size_t capacity;
};

/* Appends a span. -E2BIG past the cap on ranges, -ENOMEM; either way the array stays usable. */
int spans_add(struct spans *spans, const struct span *span);

/* Orders by start, of equal starts the longest first, so that the inner one is met last. */
void spans_sort(struct spans *spans);

/* Gives back unused memory and finds for each span the one around it. Only for ordered spans. */
void spans_link(struct spans *spans);

/* The span with the highest start that contains `address`; NULL: none does. Needs spans_link(). */
const struct span *spans_find(const struct spans *spans, uint64_t address);

/* Frees the array; the struct may be used again. */
void spans_fini(struct spans *spans);

#endif
