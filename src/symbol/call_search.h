/* Which functions a function calls, as far as its direct calls and jumps tell. */
#ifndef RSP_SYMBOL_CALL_SEARCH_H
#define RSP_SYMBOL_CALL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/code_text.h"

struct call_search {
	struct code_text *text;
	/* Whether a function that is called is one of those that are looked for. */
	bool (*is_wanted)(void *context, uint64_t vaddr);
	void *context;
	uint64_t start;	       /* of the function */
	uint64_t prologue_end; /* branches to behind `start` and up to here are noted */
};

struct call_search_result {
	/* Itself, or a function that it calls, or one that that calls; or this was too much to be
	 * followed. */
	bool calls_wanted;
	bool branches_into; /* the prologue, from wherever the function jumps to */
};

/*
 * Follows the function and what it calls, two calls deep, within bounds and the text's budget. What
 * is called through a pointer, or lies behind a jump table, is not seen.
 */
struct call_search_result call_search_run(const struct call_search *search);

#endif
