#include "config.h"

#include "view_rows.h"

#include <math.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "view_block.h"

static bool ask(struct view_asking *asking, const char *text)
{
	size_t slot = ((uintptr_t)text >> 3) % VIEW_ASKED_TEXTS;

	if (asking->asked[slot].text != text) {
		asking->asked[slot].text = text;
		asking->asked[slot].passes = match_test(asking->match, text);
	}
	return asking->asked[slot].passes;
}

bool view_rows_match(struct view_asking *asking, size_t index)
{
	const struct view_source *source = asking->source;
	const char *text = source->text(source->rows, index, 0);

	if (match_test(asking->match, text))
		return true;
	for (unsigned part = 1; (text = source->text(source->rows, index, part)); part++)
		if (ask(asking, text))
			return true;
	return false;
}

static void take(const struct view_source *source, struct view_block *block)
{
	if (source->take)
		source->take(source->rows, block);
	else
		view_take(source->rows, block, source->id, source->key, source->text, NULL);
}

/* Whether a row is known to pass; there may be no time to ask. */
static bool row_passes(struct view *view, struct view_asking *asking, size_t index, uint64_t key,
		       bool in_time)
{
	bool passes = false;

	if (answers_recall(&view->answers, index, key, &passes))
		return passes;
	if (answers_find(&view->answers, key, &passes)) {
		answers_note(&view->answers, index, key, passes);
		return passes;
	}
	view->unasked += !in_time;
	if (!in_time)
		return false;
	asking->row_count++;
	passes = view_rows_match(asking, index);
	answers_put(&view->answers, key, passes);
	answers_note(&view->answers, index, key, passes);
	return passes;
}

/* Adds those of some rows that pass the filter; with `in_time` false only those of which that is known. */
static void add_passing(struct view *view, struct view_asking *asking, const struct view_block *block,
			bool in_time)
{
	uint64_t keys[VIEW_BLOCK_ROWS];
	struct view_row *added = view->rows + view->count;

	for (size_t i = 0; i < block->count; i++) {
		keys[i] = answers_key(block->rows[i].id, block->last[i]);
		answers_prefetch(&view->answers, block->first + i, keys[i]);
	}
	for (size_t i = 0; i < block->count; i++) {
		*added = block->rows[i];
		added += row_passes(view, asking, block->first + i, keys[i], in_time);
	}
	view->count = (size_t)(added - view->rows);
}

/* Of the slice, at least, is for new rows. */
static const double new_share = 0.2;

/* Goes on to the next rows of the source; false: there are no more. */
static bool next_block(struct view_block *block)
{
	size_t left;

	block->first += block->count;
	left = block->source_count - block->first;
	block->count = left < VIEW_BLOCK_ROWS ? left : VIEW_BLOCK_ROWS;
	return left > 0;
}

/* Adds the rows that pass a filter whose answers are kept. */
static void add_lasting(struct view *view, struct view_asking *asking, struct view_block *block,
			double slice_s)
{
	struct view_row rows[VIEW_BLOCK_ROWS];
	double begin_s = monotonic_s(), end_s = 0;

	block->rows = rows;
	answers_begin(&view->answers, asking->match, block->source_count);
	/* Where there was no time for a row, those behind it are most likely new, too. */
	while (view->unasked == 0 && next_block(block)) {
		if (asking->row_count == 0)
			end_s = fmax(begin_s + slice_s, monotonic_s() + slice_s * new_share);
		take(asking->source, block);
		add_passing(view, asking, block,
			    asking->row_count < VIEW_BLOCK_ROWS || monotonic_s() < end_s);
	}
	if (view->unasked > 0)
		view->unasked += block->source_count - block->first - block->count;
	block->rows = NULL;
}

static void add_all(struct view *view, const struct view_source *source, struct view_block *block)
{
	while (next_block(block)) {
		block->rows = view->rows + view->count;
		take(source, block);
		view->count += block->count;
	}
}

/* Leaves those that pass the filter. */
static void keep_passing(struct view *view, struct view_asking *asking)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->count; i++)
		if (view_rows_match(asking, view->rows[i].index))
			view->rows[kept++] = view->rows[i];
	view->count = kept;
}

void view_rows_collect(struct view *view, const struct view_source *source,
		       const struct view_terms *terms)
{
	struct view_asking asking = {.source = source, .match = terms->filter};
	struct view_block block = {.source_count = source->count, .column = view_column(view, source)};

	if (source->count > view->capacity) {
		view->rows = xreallocarray(view->rows, source->count, sizeof(*view->rows));
		view->capacity = source->count;
	}
	view->total = source->count;
	view->count = 0;
	view->unasked = 0;
	if (terms->filter && source->text && source->lasting) {
		add_lasting(view, &asking, &block, terms->slice_s);
		return;
	}
	add_all(view, source, &block);
	if (terms->filter && source->text)
		keep_passing(view, &asking);
}
