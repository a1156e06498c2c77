#include "config.h"

#include "symbol/known_functions.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"

enum { FUNCTIONS_MAX = 1 << 17 };

struct known_function {
	uint64_t start, end;
	struct symbol *symbol;
};

/* How many begin at or below the address. */
static size_t count_below(const struct known_functions *known, uint64_t address)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (known->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void known_functions_add(struct known_functions *known, uint64_t start, uint64_t end,
			 struct symbol *symbol)
{
	size_t at = count_below(known, start);

	if (start >= end || known->count == FUNCTIONS_MAX ||
	    (at > 0 && known->items[at - 1].end > start) ||
	    (at < known->count && known->items[at].start < end))
		return;
	if (known->count == known->capacity) {
		known->capacity = known->capacity ? 2 * known->capacity : 64;
		known->items =
		    xreallocarray(known->items, known->capacity, sizeof(*known->items));
	}
	memmove(known->items + at + 1, known->items + at,
		(known->count - at) * sizeof(*known->items));
	known->items[at] = (struct known_function){start, end, symbol};
	known->count++;
}

struct symbol *known_functions_find(const struct known_functions *known, uint64_t address)
{
	size_t at = count_below(known, address);

	return at > 0 && address < known->items[at - 1].end ? known->items[at - 1].symbol : NULL;
}

void known_functions_fini(struct known_functions *known)
{
	free(known->items);
	*known = (struct known_functions){0};
}
