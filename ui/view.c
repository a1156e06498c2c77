/*
 * Order, filter, selection, search and scrolling of a list. Each is a pass or two over the rows:
 * with very many of them only the page that is seen is sorted.
 */
#include "config.h"

#include "view.h"

#include <stdlib.h>

#include "err.h"

/* So few are simply sorted. */
enum { SORT_AT_ONCE = 32 };

struct order_context {
	const struct view *view;
	const struct view_source *source;
};

void view_init(struct view *view, unsigned sort)
{
	*view = (struct view){.sort = sort, .page = 1};
}

void view_fini(struct view *view)
{
	free(view->order);
	*view = (struct view){.page = 1};
}

static int compare_indexes(const struct order_context *context, size_t a, size_t b)
{
	const struct view_source *source = context->source;
	int result = source->compare(source->rows, a, b, context->view->sort);

	if (result != 0)
		return context->view->reverse && !source->in_order ? -result : result;

	uint64_t a_id = source->id(source->rows, a), b_id = source->id(source->rows, b);

	return (a_id > b_id) - (a_id < b_id);
}

static int compare_rows(const void *left, const void *right, void *context)
{
	return compare_indexes(context, *(const size_t *)left, *(const size_t *)right);
}

static void sort(struct order_context *context, size_t *order, size_t count)
{
	if (count > 1)
		qsort_r(order, count, sizeof(*order), compare_rows, context);
}

static void swap(size_t *a, size_t *b)
{
	size_t old = *a;

	*a = *b;
	*b = old;
}

/* Brings the row of rank `nth` to its place, and all that come before it in front of it. */
static void place_nth(struct order_context *context, size_t *order, size_t count, size_t nth)
{
	size_t low = 0, high = count, guess = nth;
	uint32_t random = 1;

	while (high - low > SORT_AT_ONCE) {
		size_t less = low, at = low, more = high;

		/* Rows often come in the order that is asked for: then this is the one. */
		size_t pivot = order[guess];

		while (at < more) {
			int result = compare_indexes(context, order[at], pivot);

			if (result < 0)
				swap(&order[less++], &order[at++]);
			else if (result > 0)
				swap(&order[at], &order[--more]);
			else
				at++;
		}
		if (nth < less)
			high = less;
		else if (nth >= more)
			low = more;
		else
			return;
		random = random * 1664525U + 1013904223U;
		guess = low + (size_t)random % (high - low);
	}
	sort(context, order + low, high - low);
}

/* Puts the rows of the page in order, at their positions. */
static void sort_page(const struct view *view, struct order_context *context)
{
	size_t end = view->top + view->page < view->count ? view->top + view->page : view->count;

	if (end <= view->top)
		return;
	if (view->top > 0)
		place_nth(context, view->order, view->count, view->top);
	if (end < view->count)
		place_nth(context, view->order + view->top, view->count - view->top,
			  end - view->top);
	sort(context, view->order + view->top, end - view->top);
}

static bool matches(const struct view_source *source, const struct match *match, size_t index)
{
	const char *text;

	for (unsigned part = 0; (text = source->text(source->rows, index, part)); part++)
		if (match_test(match, text))
			return true;
	return false;
}

static void collect_rows(struct view *view, const struct view_source *source,
			 const struct match *filter)
{
	if (source->count > view->capacity) {
		view->order = xreallocarray(view->order, source->count, sizeof(*view->order));
		view->capacity = source->count;
	}
	view->total = source->count;
	view->count = 0;
	for (size_t i = 0; i < source->count; i++)
		if (!filter || !source->text || matches(source, filter, i))
			view->order[view->count++] = i;
}

/* How many rows come before this one. */
static size_t rank_of(const struct view *view, const struct order_context *context, size_t index)
{
	size_t rank = 0;

	for (size_t i = 0; i < view->count; i++)
		rank += compare_indexes(context, view->order[i], index) < 0;
	return rank;
}

static void select_position(struct view *view, size_t position)
{
	view->selected = position < view->count ? position : view->count - 1;
	view->by_position = true;
}

/* Finds the selected row again; the row at its place when it is gone. */
static void find_selection(struct view *view, const struct order_context *context)
{
	const struct view_source *source = context->source;

	if (!view->moved) {
		select_position(view, 0);
		return;
	}
	for (size_t i = 0; !view->by_position && i < view->count; i++) {
		if (source->id(source->rows, view->order[i]) == view->selected_id) {
			view->selected = rank_of(view, context, view->order[i]);
			return;
		}
	}
	select_position(view, view->selected);
}

/*
 * The index of the row that the search finds from the selected one on, or SIZE_MAX: the nearest in
 * its direction, or else the farthest in the other one, for it goes round.
 */
static size_t find_wanted(const struct view *view, const struct order_context *context,
			  const struct match *wanted, size_t from)
{
	bool back = view->seek == VIEW_SEEK_PREVIOUS;
	size_t ahead = SIZE_MAX, around = SIZE_MAX;

	for (size_t i = 0; i < view->count; i++) {
		size_t index = view->order[i];
		int side = compare_indexes(context, index, from);

		if (!matches(context->source, wanted, index))
			continue;
		if (side == 0 && view->seek == VIEW_SEEK_HERE)
			return index;

		size_t *best = (back ? side < 0 : side > 0) ? &ahead : &around;

		if (*best == SIZE_MAX || (compare_indexes(context, index, *best) < 0) == !back)
			*best = index;
	}
	return ahead != SIZE_MAX ? ahead : around;
}

static void search(struct view *view, struct order_context *context,
		   const struct match *wanted)
{
	size_t found = SIZE_MAX;

	if (view->seek == VIEW_SEEK_NONE || !wanted || !context->source->text)
		return;
	if (view->count > 0) {
		place_nth(context, view->order, view->count, view->selected);
		found = find_wanted(view, context, wanted, view->order[view->selected]);
	}
	view->missed = found == SIZE_MAX;
	if (view->missed)
		return;
	view->moved = true;
	select_position(view, rank_of(view, context, found));
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
	struct order_context context = {.view = view, .source = source};
	size_t line = view->selected - view->top;

	view->page = terms->page > 0 ? terms->page : 1;
	collect_rows(view, source, terms->filter);
	if (view->count == 0) {
		view->missed = view->seek != VIEW_SEEK_NONE;
		view->selected = view->top = 0;
		view->seek = VIEW_SEEK_NONE;
		return;
	}

	bool keeps_line = terms->hold && view->moved && !view->by_position;

	find_selection(view, &context);
	if (keeps_line)
		view->top = view->selected > line ? view->selected - line : 0;
	search(view, &context, terms->wanted);
	view->seek = VIEW_SEEK_NONE;
	scroll_to_selection(view);
	sort_page(view, &context);
	view->selected_id = source->id(source->rows, view->order[view->selected]);
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
