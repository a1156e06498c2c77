/*
 * Selection, search and scrolling of a list. Each is a pass or two over the rows.
 */
#include "config.h"

#include "view.h"

#include <stdint.h>
#include <stdlib.h>

#include "view_order.h"
#include "view_rows.h"

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

unsigned view_column(const struct view *view, const struct view_source *source)
{
	return source->unknown >> view->sort & 1 ? source->instead : view->sort;
}

size_t view_index(const struct view *view, size_t position)
{
	return view->rows[position].index;
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
					  struct view_asking *asking, const struct view_row *from)
{
	bool back = view->seek == VIEW_SEEK_PREVIOUS;
	const struct view_row *ahead = NULL, *around = NULL;

	for (size_t i = 0; i < view->count; i++) {
		const struct view_row *row = &view->rows[i];
		int side = view_order_compare(order, row, from);

		if (side == 0 && view->seek == VIEW_SEEK_HERE && view_rows_match(asking, row->index))
			return row;

		const struct view_row **best = (back ? side < 0 : side > 0) ? &ahead : &around;

		/* To ask costs the most. */
		if (ahead && best == &around)
			continue;
		if (*best && (view_order_compare(order, row, *best) < 0) == back)
			continue;
		if (view_rows_match(asking, row->index))
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
		struct view_asking asking = {.source = source, .match = wanted};

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
	view_rows_collect(view, source, terms);
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
