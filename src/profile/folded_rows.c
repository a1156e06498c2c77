#include "config.h"

#include "profile/folded_rows.h"

#include <stdlib.h>

void folded_rows_free(struct folded_row **rows)
{
	struct folded_row *row, *next;

	HASH_ITER (hh, *rows, row, next) {
		HASH_DEL(*rows, row);
		free(row->recent);
		free(row);
	}
}

static struct folded_row *find_or_make(struct folded_row **rows, const struct row_key *key)
{
	struct folded_row *row;

	HASH_FIND(hh, *rows, key, sizeof(*key), row);
	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->key = *key;
	row->place = row_place_begin(key);
	HASH_ADD(hh, *rows, key, sizeof(row->key), row);
	return row;
}

static struct folded_recent *find_or_make_recent(struct folded_row *row)
{
	if (!row->recent)
		row->recent = xcalloc(1, sizeof(*row->recent));
	return row->recent;
}

static void add_self(struct folded_row *row, const struct sample_counts *samples,
		     const struct sample_clock *clock)
{
	sample_totals_add(&row->self, &samples->totals);
	if (sample_counts_are_recent(samples, clock))
		sample_counts_merge_recent(&find_or_make_recent(row)->self, samples, clock);
}

static void add_total(struct folded_row *row, const struct sample_counts *samples,
		      const struct sample_clock *clock)
{
	sample_totals_add(&row->total, &samples->totals);
	if (sample_counts_are_recent(samples, clock))
		sample_counts_merge_recent(&find_or_make_recent(row)->total, samples, clock);
}

static void add_frame(struct folded_row **rows, enum snapshot_group group,
		      const struct symbol_frame *frame, const struct module *module, bool innermost,
		      const struct sample_counts *samples, const struct sample_clock *clock,
		      uint64_t stamp)
{
	const struct row_key key = row_key_of(frame, module, 0, group);
	struct folded_row *row = find_or_make(rows, &key);

	row_place_learn(&row->place, frame, group);
	if (innermost)
		add_self(row, samples, clock);
	if (row->last_stack != stamp)
		add_total(row, samples, clock);
	row->last_stack = stamp;
}

void folded_rows_add(struct folded_row **rows, enum snapshot_group group, const struct stack *stack,
		     const struct sample_counts *samples, const struct sample_clock *clock,
		     uint64_t stamp)
{
	bool innermost = true;

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		struct symbol *symbol = stack->symbols[i];

		symbol_keep(symbol);
		for (size_t j = 0; j < symbol->frame_count; j++) {
			if (group != GROUP_LINE || !folded_without_lines(symbol->module))
				add_frame(rows, group, &symbol->frames[j], symbol->module,
					  innermost, samples, clock, stamp);
			innermost = false;
		}
	}
}

void folded_rows_age(struct folded_row *rows, const struct sample_clock *clock)
{
	for (struct folded_row *row = rows; row; row = row->hh.next) {
		if (!row->recent || sample_counts_are_recent(&row->recent->total, clock))
			continue;
		free(row->recent);
		row->recent = NULL;
	}
}
