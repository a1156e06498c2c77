/*
 * Rows whose stacks are no longer kept one by one: what these came to, for good. There may be one
 * for each function that was ever sampled, so a row is small, and what belongs to the last minute
 * is kept only as long as that.
 */
#ifndef RSP_PROFILE_FOLDED_ROWS_H
#define RSP_PROFILE_FOLDED_ROWS_H

#include "err.h"
#include "profile/row_key.h"
#include "profile/sample_counts.h"
#include "stack/stack_table.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* What a row has of the last minute; the totals in it are not used. */
struct folded_recent {
	struct sample_counts self, total;
};

struct folded_row {
	struct row_key key;
	struct row_place place;
	struct sample_totals self, total;
	struct folded_recent *recent; /* owned; NULL: nothing */
	uint64_t last_stack;	      /* `stamp` of the stack that was added last */
	UT_hash_handle hh;
};

/*
 * The kernel's functions have no lines, and are many: they are only among the functions, and count
 * for themselves by line, too.
 */
static inline bool folded_without_lines(const struct module *module)
{
	return module->kind == MODULE_KALLSYMS;
}

/* A hash table of rows, NULL at first. */
void folded_rows_free(struct folded_row **rows);

/* Adds a stack's samples to the rows of its frames; `stamp` is another one for each stack. */
void folded_rows_add(struct folded_row **rows, enum snapshot_group group, const struct stack *stack,
		     const struct sample_counts *samples, const struct sample_clock *clock,
		     uint64_t stamp);

/* Frees what belongs to the last minute no longer. */
void folded_rows_age(struct folded_row *rows, const struct sample_clock *clock);

#endif
