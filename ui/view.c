/*
 * Order, selection and scrolling of a list.
 */
#include "config.h"

#include "view.h"

#include <stdlib.h>

#include "err.h"

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
	free(view->ids);
	*view = (struct view){.page = 1};
}

static int compare_rows(const void *left, const void *right, void *data)
{
	const struct order_context *context = data;
	const struct view_source *source = context->source;
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	int result = source->compare(source->rows, a, b, context->view->sort);

	if (result != 0)
		return context->view->reverse ? -result : result;

	uint64_t a_id = source->id(source->rows, a), b_id = source->id(source->rows, b);

	return (a_id > b_id) - (a_id < b_id);
}

static void collect_rows(struct view *view, const struct view_source *source)
{
	if (source->count > view->capacity) {
		view->order = xreallocarray(view->order, source->count, sizeof(*view->order));
		view->ids = xreallocarray(view->ids, source->count, sizeof(*view->ids));
		view->capacity = source->count;
	}
	view->count = source->count;
	for (size_t i = 0; i < source->count; i++)
		view->order[i] = i;
}

static void select_position(struct view *view, size_t position)
{
	if (view->count == 0) {
		view->selected = 0;
		return;
	}
	view->selected = position < view->count ? position : view->count - 1;
	view->selected_id = view->ids[view->selected];
}

static void find_selection(struct view *view)
{
	if (!view->moved) {
		select_position(view, 0);
		return;
	}
	for (size_t i = 0; i < view->count; i++) {
		if (view->ids[i] == view->selected_id) {
			view->selected = i;
			return;
		}
	}
	select_position(view, view->selected);
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

void view_update(struct view *view, const struct view_source *source, size_t page)
{
	struct order_context context = {.view = view, .source = source};

	view->page = page > 0 ? page : 1;
	collect_rows(view, source);
	if (view->count > 1)
		qsort_r(view->order, view->count, sizeof(*view->order), compare_rows, &context);
	for (size_t i = 0; i < view->count; i++)
		view->ids[i] = source->id(source->rows, view->order[i]);
	find_selection(view);
	scroll_to_selection(view);
}

void view_move(struct view *view, long rows)
{
	size_t distance = rows < 0 ? (size_t)-rows : (size_t)rows;
	size_t position = view->selected + distance;

	if (rows < 0)
		position = distance < view->selected ? view->selected - distance : 0;
	view->moved = true;
	select_position(view, position);
	scroll_to_selection(view);
}

void view_first(struct view *view)
{
	view->moved = false;
	select_position(view, 0);
	scroll_to_selection(view);
}

void view_last(struct view *view)
{
	view->moved = true;
	select_position(view, view->count > 0 ? view->count - 1 : 0);
	scroll_to_selection(view);
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
