#include "config.h"

#include "profile/row_sums.h"

#include <stdlib.h>

static struct row_sum *find_or_make(struct row_sums *sums, const struct row_key *key)
{
	struct row_sum *row;

	HASH_FIND(hh, sums->rows, key, sizeof(*key), row);
	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->key = *key;
	row->place = row_place_begin(key);
	HASH_ADD(hh, sums->rows, key, sizeof(row->key), row);
	return row;
}

static void add_sums(struct sample_sums *to, const struct sample_sums *from)
{
	for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++)
		to->in[window] += from->in[window];
	to->since_mark += from->since_mark;
	to->before_mark += from->before_mark;
}

/* The row of a frame that `depth` others called, one by another. */
static struct row_sum *row_of(struct row_sums *sums, size_t depth, const struct symbol_frame *frame,
			      const struct module *module, uint32_t thread)
{
	struct row_sums_caller *caller;
	struct row_key key;

	if (depth == sums->callers_size) {
		sums->callers_size = depth ? 2 * depth : 64;
		sums->callers =
		    xreallocarray(sums->callers, sums->callers_size, sizeof(*sums->callers));
	}
	caller = &sums->callers[depth];
	if (depth < sums->caller_count && caller->frame == frame && caller->thread == thread &&
	    caller->row->key.module == module)
		return caller->row;
	key = row_key_of(frame, module, thread, sums->group);
	*caller = (struct row_sums_caller){frame, thread, find_or_make(sums, &key)};
	row_place_learn(&caller->row->place, frame, sums->group);
	return caller->row;
}

void row_sums_add_stack(struct row_sums *sums, const struct stack *stack, uint32_t thread,
			const struct sample_counts *counts)
{
	struct sample_sums samples = {.since_mark = 0};
	struct row_sum *row = NULL;
	size_t depth = 0;

	sums->stacks++;
	sample_counts_sum(counts, sums->clock, &samples);
	for (uint32_t i = stack->frame_count; i-- > 0;) {
		const struct symbol *symbol = stack->symbols[i];

		for (size_t j = symbol->frame_count; j-- > 0; depth++) {
			row = row_of(sums, depth, &symbol->frames[j], symbol->module, thread);
			if (row->last_stack == sums->stacks)
				continue;
			row->last_stack = sums->stacks;
			row->total_samples += counts->totals.all;
			add_sums(&row->total, &samples);
		}
	}
	sums->caller_count = depth;
	if (!row)
		return;
	row->self_samples += counts->totals.all;
	add_sums(&row->self, &samples);
	sample_counts_add_trend(counts, sums->clock, row->trend);
}

void row_sums_add_folded(struct row_sums *sums, const struct folded_row *folded)
{
	struct row_sum *row = find_or_make(sums, &folded->key);

	row->place = folded->place;
	row->self_samples = folded->self.all;
	row->total_samples = folded->total.all;
	sample_totals_sum(&folded->self, &row->self);
	sample_totals_sum(&folded->total, &row->total);
	if (!folded->recent)
		return;
	sample_counts_sum(&folded->recent->self, sums->clock, &row->self);
	sample_counts_sum(&folded->recent->total, sums->clock, &row->total);
	sample_counts_add_trend(&folded->recent->self, sums->clock, row->trend);
}

void row_sums_free(struct row_sums *sums)
{
	struct row_sum *row, *next;

	HASH_ITER (hh, sums->rows, row, next) {
		HASH_DEL(sums->rows, row);
		free(row);
	}
	free(sums->callers);
}
