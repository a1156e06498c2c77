/*
 * What the screen needs of a snapshot, and what keys do to the pictures of calls, the tree and the
 * flame graph, and to details.
 */
#include "config.h"

#include "profile/cpu_profile.h"
#include "screen_state.h"

static bool shows_calls(const struct screen *screen)
{
	return screen->focus == PANE_TREE || screen->focus == PANE_FLAME;
}

struct snapshot_request screen_request(const struct screen *screen)
{
	bool calls = shows_calls(screen), combined = screen->focus == PANE_COMBINED;
	enum detail_kind detail = screen->focus == PANE_DETAIL ? screen->detail.kind : DETAIL_NONE;

	return (struct snapshot_request){
	    .stacks = detail == DETAIL_SITE || detail == DETAIL_GROWTH,
	    .threads = screen->focus == PANE_THREADS,
	    .combined = combined,
	    .cpu_tree = (calls && !screen->by_heap) || detail == DETAIL_FUNCTION,
	    .heap_tree = calls && screen->by_heap,
	    .callers = screen->focus == PANE_TREE && screen->callers,
	    .fold_kernel = (calls || combined || detail == DETAIL_FUNCTION) && !screen->choice.kernel_unfolded,
	    .source_of = detail == DETAIL_FUNCTION ? screen->detail.id : 0,
	};
}

void screen_show_calls(struct screen *screen, enum layout_mode mode)
{
	if (!shows_calls(screen))
		screen->by_heap = screen->focus == PANE_HEAP || screen->focus == PANE_LEAKS;
	screen_show(screen, mode);
}

static bool move_flame(struct screen *screen, enum command command)
{
	static const struct {
		enum command command;
		enum flame_move move;
	} moves[] = {
	    {COMMAND_LEFT, FLAME_LEFT}, {COMMAND_RIGHT, FLAME_RIGHT}, {COMMAND_UP, FLAME_UP},
	    {COMMAND_DOWN, FLAME_DOWN}, {COMMAND_FIRST, FLAME_TOP},   {COMMAND_OPEN, FLAME_ZOOM},
	    {COMMAND_BACK, FLAME_BACK},
	};

	if (command == COMMAND_CLOSE && screen->flame.zoomed) {
		flame_move(&screen->flame, FLAME_RESET);
		return true;
	}
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		if (moves[i].command == command) {
			flame_move(&screen->flame, moves[i].move);
			return true;
		}
	}
	return false;
}

/* The row that was selected last, which may be since the last drawing. */
static uint64_t selected_node(const struct screen *screen)
{
	const struct view *view = &screen->panes[PANE_TREE].view;

	if (view->by_position && !screen->filter && view->selected < screen->tree.count)
		return screen->tree.rows[view->selected].id;
	return view->selected_id;
}

static bool move_tree(struct screen *screen, enum command command)
{
	switch (command) {
	case COMMAND_OPEN:
	case COMMAND_EXPAND:
		tree_view_toggle(&screen->tree, selected_node(screen));
		return true;
	case COMMAND_EXPAND_ALL:
		tree_view_toggle_all(&screen->tree);
		return true;
	case COMMAND_CALLERS:
		screen->callers = !screen->callers;
		return true;
	default:
		return false;
	}
}

bool screen_move_calls(struct screen *screen, enum command command)
{
	if (!shows_calls(screen))
		return false;
	switch (command) {
	case COMMAND_SORT_SELF:
	case COMMAND_SORT_TOTAL:
		screen->by_heap = false;
		return true;
	case COMMAND_SORT_LIVE:
		screen->by_heap = true;
		return true;
	default:
		return screen->focus == PANE_TREE ? move_tree(screen, command)
						  : move_flame(screen, command);
	}
}

/* Of what kind the rows of a pane are, for details. */
static enum detail_kind detail_of(const struct screen *screen, enum pane_id shown)
{
	switch (shown) {
	case PANE_CPU:
		return screen->choice.shown_group == GROUP_MODULE ? DETAIL_NONE : DETAIL_FUNCTION;
	case PANE_COMBINED:
		return DETAIL_FUNCTION;
	case PANE_HEAP:
		return screen->choice.shown_group == GROUP_MODULE ? DETAIL_NONE : DETAIL_SITE;
	case PANE_LEAKS:
		return DETAIL_SITE;
	case PANE_GROWTH:
		return DETAIL_GROWTH;
	default:
		return DETAIL_NONE;
	}
}

/* The id of what details are of: for the row of a line, or of a thread, that of its function or site. */
static uint64_t selected_row(const struct screen *screen, enum pane_id shown, const struct view *view)
{
	const struct snapshot_function *row;

	if (shown == PANE_HEAP && screen->choice.sites_grouped)
		return screen->choice.sites[view_index(view, view->selected)].site_id;
	if (screen->focus != PANE_CPU || screen->choice.shown_group == GROUP_FUNCTION)
		return view->selected_id;
	row = &screen->choice.functions[view_index(view, view->selected)];
	return cpu_profile_function_id(row->name, row->module);
}

bool screen_open_detail(struct screen *screen)
{
	const struct view *view = &screen_focused_table(screen)->view;
	enum pane_id shown = screen_shown_pane(screen, screen->focus);
	enum detail_kind kind = detail_of(screen, shown);

	if (!screen->open_row)
		return false;
	screen->open_row = false;
	if (kind == DETAIL_NONE || view->count == 0)
		return false;
	detail_open(&screen->detail, kind, selected_row(screen, shown, view));
	screen->back_mode = screen->mode;
	screen->back_focus = screen->focus;
	view_first(&screen->panes[PANE_DETAIL].view);
	screen_focus(screen, PANE_DETAIL);
	return true;
}

bool screen_move_detail(struct screen *screen, enum command command)
{
	bool back = command == COMMAND_BACK || (command == COMMAND_CLOSE && !screen->filter);

	if (command == COMMAND_OPEN) {
		screen->open_row = screen->focus != PANE_DETAIL;
		return true;
	}
	if (command == COMMAND_ANNOTATE && screen->focus == PANE_DETAIL) {
		screen->detail.instructions = !screen->detail.instructions;
		return true;
	}
	if (screen->focus != PANE_DETAIL || screen->detail.kind == DETAIL_NONE || !back)
		return false;
	screen->mode = screen->back_mode;
	screen->focus = screen->back_focus;
	return true;
}
