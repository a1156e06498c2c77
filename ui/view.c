/*
 * Filter, selection, search and scrolling of a list. Each is a pass or two over the rows.
 */
#include "config.h"

#include "view.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "err.h"
#include "view_order.h"

/* Answers are kept for so many texts: modules and files are those of many rows. */
enum { ASKED_TEXTS = 512 };

/* What so many rows need is fetched from memory at a time. */
enum { BLOCK_ROWS = 64 };

/* A pattern and what it was asked about in this update. */
struct asking {
	const struct view_source *source;
	const struct match *match;
	size_t row_count; /* new ones that it was asked about */
	struct {
		const char *text;
		bool passes;
	} asked[ASKED_TEXTS];
};

void view_init(struct view *view, unsigned sort)
{
	*view = (struct view){.sort = sort, .page = 1};
}

void view_fini(struct view *view)
{
	free(view->rows);
	answers_fini(&view->answers);
	*view = (struct view){.page = 1};
}

size_t view_index(const struct view *view, size_t position)
{
	return view->rows[position].index;
}

static bool ask(struct asking *asking, const char *text)
{
	size_t slot = ((uintptr_t)text >> 3) % ASKED_TEXTS;

	if (asking->asked[slot].text != text) {
		asking->asked[slot].text = text;
		asking->asked[slot].passes = match_test(asking->match, text);
	}
	return asking->asked[slot].passes;
}

static bool matches(struct asking *asking, size_t index)
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

static void add_row(struct view *view, const struct view_source *source, size_t index)
{
	struct view_row *row = &view->rows[view->count++];

	row->index = index;
	row->id = source->id(source->rows, index);
	if (source->key)
		row->key = source->key(source->rows, index, view->sort);
}

/*
 * Adds those of some rows that pass the filter; with `in_time` false only those of which that is known.
 * Memory answers slowly, and many at a time.
 */
static void add_block(struct view *view, struct asking *asking, size_t first, size_t count,
		      bool in_time)
{
	const struct view_source *source = asking->source;
	uint64_t keys[BLOCK_ROWS];
	bool passes;

	for (size_t i = 0; i < count; i++) {
		keys[i] = answers_key(source->id(source->rows, first + i),
				      source->text(source->rows, first + i, VIEW_LAST_PART));
		answers_prefetch(&view->answers, keys[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (!answers_find(&view->answers, keys[i], &passes)) {
			passes = in_time && matches(asking, first + i);
			view->unasked += !in_time;
			asking->row_count += in_time;
			if (in_time)
				answers_put(&view->answers, keys[i], passes);
		}
		if (passes)
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
	double end_s = now_s() + slice_s;
	struct asking asking = {.source = source, .match = filter};

	if (!source->lasting) {
		for (size_t i = 0; i < source->count; i++)
			if (matches(&asking, i))
				add_row(view, source, i);
		return;
	}
	answers_begin(&view->answers, filter, source->count);
	for (size_t i = 0; i < source->count; i += BLOCK_ROWS)
		add_block(view, &asking, i,
			  source->count - i < BLOCK_ROWS ? source->count - i : BLOCK_ROWS,
			  asking.row_count < BLOCK_ROWS || now_s() < end_s);
}

static void collect_rows(struct view *view, const struct view_source *source,
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
	for (size_t i = 0; i < source->count; i++)
		add_row(view, source, i);
}

/* How many rows come before this one. */
static size_t rank_of(const struct view *view, const struct view_order *order,
		      const struct view_row *row)
{
	size_t rank = 0;

	for (size_t i = 0; i < view->count; i++)
		rank += view_order_compare(order, &view->rows[i], row) < 0;
	return rank;
}

static void select_position(struct view *view, size_t position)
{
	view->selected = position < view->count ? position : view->count - 1;
	view->by_position = true;
}

/*
 * Finds the selected row again; the row at its place when it is gone. False: the filter may still let it
 * through.
 */
static bool find_selection(struct view *view, const struct view_order *order)
{
	if (!view->moved) {
		select_position(view, 0);
		return true;
	}

	bool by_id = !view->by_position;

	for (size_t i = 0; by_id && i < view->count; i++) {
		if (view->rows[i].id == view->selected_id) {
			view->selected = rank_of(view, order, &view->rows[i]);
			return true;
		}
	}
	select_position(view, view->selected);
	return !by_id || view->unasked == 0;
}

/*
 * The row that the search finds from the selected one on, or NULL: the nearest in its direction, or
 * else the farthest in the other one, for it goes round.
 */
static const struct view_row *find_wanted(const struct view *view, const struct view_order *order,
					  struct asking *asking, const struct view_row *from)
{
	bool back = view->seek == VIEW_SEEK_PREVIOUS;
	const struct view_row *ahead = NULL, *around = NULL;

	for (size_t i = 0; i < view->count; i++) {
		const struct view_row *row = &view->rows[i];
		int side = view_order_compare(order, row, from);

		if (side == 0 && view->seek == VIEW_SEEK_HERE && matches(asking, row->index))
			return row;

		const struct view_row **best = (back ? side < 0 : side > 0) ? &ahead : &around;

		/* To ask costs the most. */
		if (ahead && best == &around)
			continue;
		if (*best && (view_order_compare(order, row, *best) < 0) == back)
			continue;
		if (matches(asking, row->index))
			*best = row;
	}
	return ahead ? ahead : around;
}

/* Goes to the row that is searched for; false: there is none, or nothing to look for. */
static bool search(struct view *view, const struct view_order *order,
		   const struct view_source *source, const struct match *wanted)
{
	const struct view_row *found = NULL;

	if (view->seek == VIEW_SEEK_NONE || !wanted || !source->text)
		return false;
	if (view->count > 0) {
		struct asking asking = {.source = source, .match = wanted};

		view_order_nth(order, view->rows, view->count, view->selected);
		found = find_wanted(view, order, &asking, &view->rows[view->selected]);
	}
	if (!found)
		return false;
	view->moved = true;
	select_position(view, rank_of(view, order, found));
	return true;
}

/* The search is over, unless rows are still to come in which it may find something. */
static void end_search(struct view *view, bool found)
{
	if (view->seek == VIEW_SEEK_NONE || (!found && view->unasked > 0))
		return;
	view->missed = !found;
	view->seek = VIEW_SEEK_NONE;
}

static void scroll_to_selection(struct view *view)
{
	if (view->top + view->page > view->count)
		view->top = view->count > view->page ? view->count - view->page : 0;
	if (view->selected < view->top)
		view->top = view->selected;
	if (view->selected >= view->top + view->page)
		view->top = view->selected - view->page + 1;
}

void view_update(struct view *view, const struct view_source *source,
		 const struct view_terms *terms)
{
	const struct view_order order = {.own = !source->key, .reverse = view->reverse};
	size_t line = view->selected - view->top, end;

	view->page = terms->page > 0 ? terms->page : 1;
	collect_rows(view, source, terms);
	if (view->count == 0) {
		view->selected = view->top = 0;
		end_search(view, false);
		return;
	}

	bool keeps_line = terms->hold && view->moved && !view->by_position;
	bool known = find_selection(view, &order);

	if (keeps_line)
		view->top = view->selected > line ? view->selected - line : 0;

	bool found = search(view, &order, source, terms->wanted);

	end_search(view, found || !terms->wanted || !source->text);
	scroll_to_selection(view);
	end = view->top + view->page < view->count ? view->top + view->page : view->count;
	view_order_page(&order, view->rows, view->count, view->top, end);
	if (known || found)
		view->selected_id = view->rows[view->selected].id;
	view->by_position = false;
}

/* Goes to a position by a key. */
static void go(struct view *view, size_t position)
{
	if (view->count == 0)
		return;
	select_position(view, position);
	scroll_to_selection(view);
}

void view_move(struct view *view, long rows)
{
	size_t distance = rows < 0 ? (size_t)-rows : (size_t)rows;
	size_t position = view->selected + distance;

	if (rows < 0)
		position = distance < view->selected ? view->selected - distance : 0;
	view->moved = true;
	go(view, position);
}

bool view_point(struct view *view, size_t line)
{
	if (line >= view->page || view->top + line >= view->count)
		return false;
	view->moved = true;
	go(view, view->top + line);
	return true;
}

void view_first(struct view *view)
{
	view->moved = false;
	go(view, 0);
}

void view_last(struct view *view)
{
	view->moved = true;
	go(view, SIZE_MAX);
}

void view_pin(struct view *view)
{
	view->moved = true;
}

void view_search(struct view *view, enum view_seek seek)
{
	view->seek = seek;
	view->missed = false;
}

void view_sort(struct view *view, unsigned column)
{
	view->sort = column;
	view->reverse = false;
}

void view_reverse(struct view *view)
{
	view->reverse = !view->reverse;
}
