/*
 * State of the screen and the order in which its parts are drawn.
 */
#include "config.h"

#include "screen.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "fmt.h"
#include "header.h"
#include "help.h"
#include "layout.h"
#include "line.h"
#include "pane.h"
#include "ui.h"

/* Columns that names move with one key. */
enum { SCROLL_STEP = 8 };

struct screen {
	const struct glyphs *glyphs;
	enum layout_mode mode;
	enum pane_id focus;
	bool paused;
	bool kernel_unfolded;
	bool heap_replaced; /* growth is shown where the heap would be */
	bool help;
	size_t help_top;
	size_t help_page; /* lines of help on the screen */
	struct table_state panes[PANE_COUNT];
};

struct screen *screen_new(bool utf8)
{
	struct screen *screen = xcalloc(1, sizeof(*screen));

	screen->glyphs = glyphs_get(utf8);
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		view_init(&screen->panes[id].view, pane_get(id)->first_sort);
	return screen;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		view_fini(&screen->panes[id].view);
	free(screen);
}

static void show(struct screen *screen, enum layout_mode mode)
{
	screen->mode = mode;
	if (!layout_has(mode, screen->focus))
		screen->focus = layout_panes(mode)->ids[0];
}

/* The pane that is drawn in the place of this one. */
static enum pane_id shown_pane(const struct screen *screen, enum pane_id id)
{
	return id == PANE_HEAP && screen->heap_replaced ? PANE_GROWTH : id;
}

/* Focuses a pane and makes sure that it is on the screen. */
static void focus(struct screen *screen, enum pane_id id)
{
	screen->focus = id;
	if (!layout_has(screen->mode, id))
		screen->mode = layout_of(id);
}

/* The other pane where two are shown, else the next of all. */
static enum pane_id next_pane(const struct screen *screen)
{
	const struct layout_panes *shown = layout_panes(screen->mode);

	if (shown->count > 1)
		return shown->ids[screen->focus == shown->ids[0]];
	return (screen->focus + 1) % PANE_COUNT;
}

static void sort_pane(struct screen *screen, enum pane_id id, unsigned column)
{
	focus(screen, id);
	view_sort(&screen->panes[id].view, column);
}

/* Goes to the next column that is on the screen; stops at the ends. */
static void sort_step(struct screen *screen, int step)
{
	enum pane_id id = shown_pane(screen, screen->focus);
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
	struct table_state *state = &screen->panes[shown_pane(screen, screen->focus)];
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
		state->scroll += SCROLL_STEP;
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
		focus(screen, next_pane(screen));
		break;
	case COMMAND_SHOW_BOTH:
		show(screen, LAYOUT_BOTH);
		break;
	case COMMAND_SHOW_CPU:
		show(screen, LAYOUT_CPU);
		break;
	case COMMAND_SHOW_HEAP:
		show(screen, LAYOUT_HEAP);
		break;
	case COMMAND_SHOW_LEAKS:
		show(screen, LAYOUT_LEAKS);
		break;
	case COMMAND_SHOW_GROWTH:
		show(screen, LAYOUT_GROWTH);
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
		view_reverse(&screen->panes[shown_pane(screen, screen->focus)].view);
		break;
	case COMMAND_KERNEL:
		screen->kernel_unfolded = !screen->kernel_unfolded;
		break;
	default:
		break;
	}
}

unsigned screen_command(struct screen *screen, enum command command)
{
	if (screen->help && move_help(screen, command))
		return UI_DRAW;
	if (move_pane(screen, command))
		return UI_DRAW;
	switch (command) {
	case COMMAND_NONE:
		return UI_NONE;
	case COMMAND_QUIT:
		return UI_QUIT;
	case COMMAND_SUSPEND:
		return UI_SUSPEND;
	case COMMAND_SAMPLE_FINER:
		return UI_SAMPLE_FINER;
	case COMMAND_SAMPLE_COARSER:
		return UI_SAMPLE_COARSER;
	case COMMAND_PAUSE:
		screen->paused = !screen->paused;
		return UI_PAUSE | UI_DRAW;
	case COMMAND_HELP:
		screen->help = !screen->help;
		screen->help_top = 0;
		break;
	case COMMAND_CLOSE:
		screen->help = false;
		break;
	default:
		arrange(screen, command);
		break;
	}
	return UI_DRAW;
}

static void draw_too_small(struct grid *grid)
{
	char text[64];

	snprintf(text, sizeof(text), "terminal too small (have %dx%d)", grid_cols(grid),
		 grid_rows(grid));
	grid_put(grid, 0, 0, grid_cols(grid), STYLE_WARN, text);
}

static void draw_notice(const struct snapshot *snapshot, struct grid *grid, struct rect rect)
{
	struct line line = {.count = 0};

	line_add(&line, 0, NULL, STYLE_WARN, "! %s", snapshot->notice);
	line_draw(&line, grid, rect.row);
}

static void draw_panes(struct screen *screen, const struct snapshot *snapshot, struct grid *grid,
		       const struct layout *layout)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		enum pane_id shown = shown_pane(screen, id);
		struct pane_frame frame = {
		    .snapshot = snapshot,
		    .focused = id == screen->focus,
		    .kernel_unfolded = screen->kernel_unfolded,
		    .glyphs = screen->glyphs,
		    .grid = grid,
		    .rect = layout->panes[id],
		};

		if (layout->panes[id].rows > 0)
			pane_draw(pane_get(shown), &screen->panes[shown], &frame);
	}
}

void screen_draw(struct screen *screen, const struct snapshot *snapshot, struct grid *grid)
{
	struct layout_request request = {
	    .rows = grid_rows(grid),
	    .cols = grid_cols(grid),
	    .mode = screen->mode,
	    .focus = screen->focus,
	    .notice = snapshot->notice != NULL,
	};

	screen->heap_replaced =
	    snapshot->heap.state == CHANNEL_OFF && snapshot->growth.state == CHANNEL_ON;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		request.off[id] = pane_get(shown_pane(screen, id))->is_off(snapshot);

	struct layout layout = layout_compute(&request);

	grid_clear(grid);
	if (layout.too_small) {
		draw_too_small(grid);
		return;
	}
	header_draw(snapshot, screen->paused, request.notice && layout.notice.rows == 0, grid,
		    layout.header);
	draw_panes(screen, snapshot, grid, &layout);
	if (layout.notice.rows > 0)
		draw_notice(snapshot, grid, layout.notice);
	help_draw_keys(grid, layout.keys);
	screen->help_page = (size_t)(grid_rows(grid) > 4 ? grid_rows(grid) - 3 : 1);
	if (screen->help)
		screen->help_top = help_draw(grid, screen->glyphs, screen->help_top);
}
