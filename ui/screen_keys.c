/*
 * What commands do to the state of the screen.
 */
#include "config.h"

#include "screen_state.h"
#include "ui.h"

enum {
	SCROLL_STEP = 8, /* columns that names move with one key */
	SCROLL_MOST = TEXT_SIZE,
};

void screen_show(struct screen *screen, enum layout_mode mode)
{
	screen->mode = mode;
	if (!layout_has(mode, screen->focus))
		screen->focus = layout_panes(mode)->ids[0];
}

/* The other pane where two are shown, else the next of all. */
static enum pane_id next_pane(const struct screen *screen)
{
	const struct layout_panes *shown = layout_panes(screen->mode);

	if (shown->count > 1)
		return shown->ids[screen->focus == shown->ids[0]];
	return screen->focus + 1 < PANE_DETAIL ? screen->focus + 1 : PANE_CPU;
}

static void sort_pane(struct screen *screen, enum pane_id id, unsigned column)
{
	screen_focus(screen, id);
	view_sort(&screen->panes[id].view, column);
}

/* Goes to the next column that is on the screen; stops at the ends. */
static void sort_step(struct screen *screen, int step)
{
	enum pane_id id = screen_shown_pane(screen, screen->focus);
	struct table_state *state = &screen->panes[id];
	int count = (int)pane_get(id)->table.column_count;

	for (int column = (int)state->view.sort + step; column >= 0 && column < count;
	     column += step) {
		if (state->shown == 0 || state->shown >> column & 1) {
			view_sort(&state->view, (unsigned)column);
			return;
		}
	}
}

/* Movement inside the help box; false when the command is no movement. */
static bool move_help(struct screen *screen, enum command command)
{
	size_t back = 0;

	switch (command) {
	case COMMAND_UP:
		back = 1;
		break;
	case COMMAND_PAGE_UP:
		back = screen->help_page;
		break;
	case COMMAND_FIRST:
		back = screen->help_top;
		break;
	case COMMAND_DOWN:
		screen->help_top++;
		break;
	case COMMAND_PAGE_DOWN:
		screen->help_top += screen->help_page;
		break;
	case COMMAND_LAST:
		screen->help_top = SIZE_MAX;
		break;
	default:
		return false;
	}
	screen->help_top -= back < screen->help_top ? back : screen->help_top;
	return true;
}

/* Movement in the focused pane; false when the command is no movement. */
static bool move_pane(struct screen *screen, enum command command)
{
	struct table_state *state = screen_focused_table(screen);
	long page = (long)state->view.page;

	switch (command) {
	case COMMAND_UP:
		view_move(&state->view, -1);
		break;
	case COMMAND_DOWN:
		view_move(&state->view, 1);
		break;
	case COMMAND_PAGE_UP:
		view_move(&state->view, -page);
		break;
	case COMMAND_PAGE_DOWN:
		view_move(&state->view, page);
		break;
	case COMMAND_FIRST:
		view_first(&state->view);
		break;
	case COMMAND_LAST:
		view_last(&state->view);
		break;
	case COMMAND_LEFT:
		state->scroll -= state->scroll < SCROLL_STEP ? state->scroll : SCROLL_STEP;
		break;
	case COMMAND_RIGHT:
		if (state->scroll < SCROLL_MOST)
			state->scroll += SCROLL_STEP;
		break;
	case COMMAND_NAMES_START:
		state->scroll = 0;
		break;
	case COMMAND_NAMES_END:
		state->scroll = SCROLL_MOST;
		break;
	default:
		return false;
	}
	return true;
}

/* Commands that choose what is shown and in which order. */
static void arrange(struct screen *screen, enum command command)
{
	switch (command) {
	case COMMAND_NEXT_PANE:
		screen_focus(screen, next_pane(screen));
		break;
	case COMMAND_SHOW_BOTH:
		screen_show(screen, LAYOUT_BOTH);
		break;
	case COMMAND_SHOW_CPU:
		screen_show(screen, LAYOUT_CPU);
		break;
	case COMMAND_SHOW_HEAP:
		screen_show(screen, LAYOUT_HEAP);
		break;
	case COMMAND_SHOW_LEAKS:
		screen_show(screen, LAYOUT_LEAKS);
		break;
	case COMMAND_SHOW_COMBINED:
		screen_show(screen, LAYOUT_COMBINED);
		break;
	case COMMAND_SHOW_FLAME:
		screen_show_calls(screen, LAYOUT_FLAME);
		break;
	case COMMAND_SHOW_TREE:
		screen_show_calls(screen, LAYOUT_TREE);
		break;
	case COMMAND_SHOW_THREADS:
		screen_show(screen, LAYOUT_THREADS);
		break;
	case COMMAND_SHOW_MODULES:
		screen_show(screen, LAYOUT_MODULES);
		break;
	case COMMAND_SHOW_HEALTH:
		screen_show(screen, LAYOUT_HEALTH);
		break;
	case COMMAND_SHOW_GROWTH:
		screen_show(screen, LAYOUT_GROWTH);
		break;
	case COMMAND_SORT_PREVIOUS:
		sort_step(screen, -1);
		break;
	case COMMAND_SORT_NEXT:
		sort_step(screen, 1);
		break;
	case COMMAND_SORT_SELF:
		sort_pane(screen, PANE_CPU, CPU_COLUMN_SELF);
		break;
	case COMMAND_SORT_TOTAL:
		sort_pane(screen, PANE_CPU, CPU_COLUMN_TOTAL);
		break;
	case COMMAND_SORT_LIVE:
		sort_pane(screen, PANE_HEAP, HEAP_COLUMN_LIVE);
		break;
	case COMMAND_REVERSE:
		view_reverse(&screen_focused_table(screen)->view);
		break;
	case COMMAND_WINDOW_LONGER:
		screen->choice.window += screen->choice.window < SNAPSHOT_ALL;
		break;
	case COMMAND_WINDOW_SHORTER:
		screen->choice.window -= screen->choice.window > SNAPSHOT_LATEST;
		break;
	case COMMAND_KERNEL:
		screen->choice.kernel_unfolded = !screen->choice.kernel_unfolded;
		break;
	default:
		break;
	}
}

/* What the caller has to do, UI_NONE when the screen does it itself. */
static unsigned action_of(enum command command)
{
	switch (command) {
	case COMMAND_QUIT:
		return UI_QUIT;
	case COMMAND_SUSPEND:
		return UI_SUSPEND;
	case COMMAND_SAMPLE_FINER:
		return UI_SAMPLE_FINER;
	case COMMAND_SAMPLE_COARSER:
		return UI_SAMPLE_COARSER;
	case COMMAND_RESET:
		return UI_RESET;
	case COMMAND_UNDO:
		return UI_UNDO;
	case COMMAND_BASELINE:
		return UI_BASELINE;
	case COMMAND_NO_BASELINE:
		return UI_NO_BASELINE;
	case COMMAND_BUDGET:
		return UI_BUDGET;
	default:
		return UI_NONE;
	}
}

unsigned screen_command(struct screen *screen, enum command command)
{
	unsigned action = action_of(command);

	if (command == COMMAND_NONE || action != UI_NONE)
		return action;
	if (screen->help && move_help(screen, command))
		return UI_DRAW;
	if (command == COMMAND_GROUP) {
		screen->choice.group = (screen->choice.group + 1) % SNAPSHOT_GROUPS;
		return UI_GROUP | UI_DRAW;
	}
	if (command == COMMAND_PAUSE) {
		screen->paused = !screen->paused;
		return UI_PAUSE | UI_DRAW;
	}
	if (!screen->help &&
	    (screen_move_calls(screen, command) || screen_move_detail(screen, command)))
		return UI_DRAW;
	if (!move_pane(screen, command) && !screen_open_or_close(screen, command) &&
	    !screen_find(screen, command))
		arrange(screen, command);
	return UI_DRAW;
}
