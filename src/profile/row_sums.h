/* The rows of one group while they are summed, anew at each refresh: of stacks, and of what was folded. */
#ifndef RSP_PROFILE_ROW_SUMS_H
#define RSP_PROFILE_ROW_SUMS_H

#include "profile/folded_rows.h"

struct row_sum {
	struct row_key key;
	struct row_place place;
	uint64_t self_samples, total_samples; /* since attachment */
	struct sample_sums self, total;
	double trend[SNAPSHOT_TREND];
	uint64_t last_stack; /* number of the stack that was counted last */
	UT_hash_handle hh;
};

/* Only group and clock are set at first; see row_sums_free(). */
struct row_sums {
	enum snapshot_group group;
	const struct sample_clock *clock; /* borrowed */
	struct row_sum *rows;		  /* a hash table, owned */
	uint64_t stacks;
	/* Frames of the stack before, outermost first, and their rows: the next has most of them, too. */
	struct row_sums_caller {
		const struct symbol_frame *frame;
		uint64_t thread;
		struct row_sum *row;
	} *callers; /* owned */
	size_t caller_count, callers_size;
};

/* Adds the samples of a stack to the rows of its frames, once to each. `thread` may be 0: not told apart. */
void row_sums_add_stack(struct row_sums *sums, const struct stack *stack, uint32_t thread,
			const struct sample_counts *counts);

/* Adds a folded row; before any stack, since a row's place is that of its folded one. */
void row_sums_add_folded(struct row_sums *sums, const struct folded_row *row);

void row_sums_free(struct row_sums *sums);

#endif
