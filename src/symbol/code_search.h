/* Exploring the paths that execution can take from an address on, until they leave the function. */
#ifndef RSP_SYMBOL_CODE_SEARCH_H
#define RSP_SYMBOL_CODE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/code_state.h"
#include "symbol/code_text.h"
#include "symbol/symtab.h"

enum code_exit {
	CODE_EXIT_RETURN, /* at a return, or a jump through a pointer in a fixed place */
	CODE_EXIT_JUMP,	  /* at a jump through a register: a tail call or a jump table */
	CODE_EXIT_GOAL,	  /* in front of the instruction that `goal` is in */
	CODE_EXIT_RESULT, /* ends the thread or process by a CODE_RESULT */
	CODE_EXIT_NEW_STACK, /* jumps away on a stack that is not the one of the path */
};

/* Told of each end that a path has; true ends the search. */
typedef bool (*code_exit_fn)(void *context, enum code_exit how, const struct code_state *state);

struct code_search {
	struct code_text *text;
	const struct symtab *symtab;
	const uint64_t *goal; /* NULL: none */
	code_exit_fn on_exit;
	void *context;
};

/*
 * Follows all paths from `vaddr`, each instruction once, what comes next before what a conditional
 * jump leads to. Paths that run into a function that does not return end without being told.
 */
void code_search_run(const struct code_search *search, uint64_t vaddr, bool after_call);

#endif
