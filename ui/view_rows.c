#include "config.h"

#include "view_rows.h"

#include <stdint.h>
#include <time.h>

#include "err.h"

/* What so many rows need is fetched from memory at a time. */
enum { BLOCK_ROWS = 64 };

/* So many rows before their turn. */
enum { FETCHED_AHEAD = 16 };

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

static void fetch_ahead(const struct view_source *source, size_t index)
{
	if (source->fetch && index + FETCHED_AHEAD < source->count)
		source->fetch(source->rows, index + FETCHED_AHEAD);
}

static void add_row(struct view *view, const struct view_source *source, size_t index)
{
	struct view_row *row = &view->rows[view->count++];

	row->index = index;
	row->id = source->id(source->rows, index);
	if (source->key)
		row->key = source->key(source->rows, index, view->sort);
}

/* The answer about a row that does not come where it came before; false: there was no time to ask. */
static bool find_answer(struct view *view, struct view_asking *asking, size_t index, uint64_t key,
			bool in_time, bool *ret_passes)
{
	if (answers_find(&view->answers, key, ret_passes))
		return true;
	view->unasked += !in_time;
	if (!in_time)
		return false;
	asking->row_count++;
	*ret_passes = view_rows_match(asking, index);
	answers_put(&view->answers, key, *ret_passes);
	return true;
}

/* Adds those of some rows that pass the filter; with `in_time` false only those of which that is known. */
static void add_block(struct view *view, struct view_asking *asking, size_t first, size_t count,
		      bool in_time)
{
	const struct view_source *source = asking->source;
	uint64_t keys[BLOCK_ROWS];
	bool known[BLOCK_ROWS], passes[BLOCK_ROWS];

	for (size_t i = 0; i < count; i++) {
		fetch_ahead(source, first + i);
		keys[i] = answers_key(source->id(source->rows, first + i),
				      source->text(source->rows, first + i, VIEW_LAST_PART));
		known[i] = answers_follow(&view->answers, keys[i], &passes[i]);
		if (!known[i])
			answers_prefetch(&view->answers, keys[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (!known[i] &&
		    !find_answer(view, asking, first + i, keys[i], in_time, &passes[i]))
			continue;
		answers_came(&view->answers, keys[i], passes[i]);
		if (passes[i])
			add_row(view, source, first + i);
	}
}

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void filter_rows(struct view *view, const struct view_source *source,
			const struct match *filter, double slice_s)
{
	double end_s = 0;
	struct view_asking asking = {.source = source, .match = filter};

	if (!source->lasting) {
		for (size_t i = 0; i < source->count; i++)
			if (view_rows_match(&asking, i))
				add_row(view, source, i);
		return;
	}
	answers_begin(&view->answers, filter, source->count);
	for (size_t i = 0; i < source->count; i += BLOCK_ROWS) {
		if (asking.row_count == 0)
			end_s = now_s() + slice_s;
		add_block(view, &asking, i,
			  source->count - i < BLOCK_ROWS ? source->count - i : BLOCK_ROWS,
			  asking.row_count < BLOCK_ROWS || now_s() < end_s);
	}
}

void view_rows_collect(struct view *view, const struct view_source *source,
		       const struct view_terms *terms)
{
	if (source->count > view->capacity) {
		view->rows = xreallocarray(view->rows, source->count, sizeof(*view->rows));
		view->capacity = source->count;
	}
	view->total = source->count;
	view->count = 0;
	view->unasked = 0;
	if (terms->filter && source->text) {
		filter_rows(view, source, terms->filter, terms->slice_s);
		return;
	}
	for (size_t i = 0; i < source->count; i++) {
		fetch_ahead(source, i);
		add_row(view, source, i);
	}
}
