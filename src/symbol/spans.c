/*
 * Address ranges: sorted by start, each with a link to the nearest earlier one that reaches past
 * its start. The chain of links from the last span that starts at or below an address holds every
 * span that contains the address, innermost first.
 */
#include "config.h"

#include "symbol/spans.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SPANS_MAX = 4 << 20,
	SPANS_FIRST = 64,
};

#define NO_PARENT UINT32_MAX

int spans_add(struct spans *spans, const struct span *span)
{
	if (spans->count == spans->capacity) {
		size_t capacity = spans->capacity ? spans->capacity * 2 : SPANS_FIRST;
		struct span *items;

		if (spans->count >= SPANS_MAX)
			return -E2BIG;
		items = reallocarray(spans->items, capacity, sizeof *items);
		if (!items)
			return -ENOMEM;
		spans->items = items;
		spans->capacity = capacity;
	}
	spans->items[spans->count++] = *span;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	if (a->start != b->start)
		return (a->start > b->start) - (a->start < b->start);
	if (a->end != b->end)
		return (a->end < b->end) - (a->end > b->end);
	return (a->key > b->key) - (a->key < b->key);
}

void spans_sort(struct spans *spans)
{
	if (spans->count > 1)
		qsort(spans->items, spans->count, sizeof *spans->items, compare);
}

static void shrink(struct spans *spans)
{
	struct span *items;

	if (!spans->count)
		return;
	items = reallocarray(spans->items, spans->count, sizeof *items);
	if (items) {
		spans->items = items;
		spans->capacity = spans->count;
	}
}

void spans_link(struct spans *spans)
{
	uint32_t top = NO_PARENT;

	shrink(spans);
	for (uint32_t i = 0; i < spans->count; i++) {
		struct span *span = &spans->items[i];

		while (top != NO_PARENT && spans->items[top].end <= span->start)
			top = spans->items[top].parent;
		span->parent = top;
		top = i;
	}
}

const struct span *spans_find(const struct spans *spans, uint64_t address)
{
	size_t low = 0, high = spans->count;
	uint32_t at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	at = (uint32_t)(low - 1);
	while (at != NO_PARENT && spans->items[at].end <= address)
		at = spans->items[at].parent;
	return at == NO_PARENT ? NULL : &spans->items[at];
}

void spans_fini(struct spans *spans)
{
	free(spans->items);
	*spans = (struct spans){0};
}
