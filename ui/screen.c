/*
 * The order in which the parts of the screen are drawn.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "calls.h"
#include "err.h"
#include "fmt.h"
#include "header.h"
#include "help.h"
#include "line.h"
#include "remedy.h"
#include "screen_state.h"
#include "setup_menu.h"
#include "sort_menu.h"

/* For so long after a key the selected row keeps its line, in seconds. */
static const double hold_s = 3;

struct screen *screen_new(bool utf8)
{
	struct screen *screen = xcalloc(1, sizeof(*screen));

	screen->glyphs = glyphs_get(utf8);
	screen->choice.window = SNAPSHOT_RECENT;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		view_init(&screen->panes[id].view, pane_get(id)->first_sort);
	screen->choice.tree = &screen->tree;
	screen->choice.flame = &screen->flame;
	screen->choice.detail = &screen->detail;
	return screen;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		view_fini(&screen->panes[id].view);
	tree_view_fini(&screen->tree);
	flame_fini(&screen->flame);
	detail_fini(&screen->detail);
	match_free(screen->wanted);
	match_free(screen->filter);
	free(screen);
}

enum pane_id screen_shown_pane(const struct screen *screen, enum pane_id id)
{
	return id == PANE_HEAP && screen->heap_replaced ? PANE_GROWTH : id;
}

void screen_focus(struct screen *screen, enum pane_id id)
{
	screen->focus = id;
	if (!layout_has(screen->mode, id))
		screen->mode = layout_of(id);
}

struct table_state *screen_focused_table(struct screen *screen)
{
	return &screen->panes[screen_shown_pane(screen, screen->focus)];
}

const char *screen_delay_text(const struct screen *screen)
{
	return screen->delay_text;
}

const char *screen_save_name(const struct screen *screen)
{
	return screen->save_name;
}

enum theme screen_theme(const struct screen *screen)
{
	return screen->theme;
}

enum snapshot_group screen_group(const struct screen *screen)
{
	return screen->choice.group;
}

void screen_say(struct screen *screen, bool bad, const char *text)
{
	(void)strlcpy(screen->message, text, sizeof(screen->message));
	screen->message_bad = bad;
}

static void draw_too_small(struct grid *grid)
{
	char text[64];

	snprintf(text, sizeof(text), "terminal too small (have %dx%d)", grid_cols(grid),
		 grid_rows(grid));
	grid_put(grid, 0, 0, grid_cols(grid), STYLE_WARN, text);
}

/* What is to be said in a line of its own: what is wrong and what helps, what the budget holds back, a
 * notice, or several of them. */
static unsigned find_notices(const struct snapshot *snapshot, char *ret_text, size_t size)
{
	unsigned count = 0;

	char remedy[PANE_TEXT], buf[2 * PANE_TEXT];
	const char *parts[] = {remedy_of(snapshot, remedy, sizeof(remedy)), snapshot->governor.reason,
			       snapshot->notice};

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i])
			continue;
		(void)strlcat(buf, buf[0] ? "  ! " : "! ", sizeof(buf));
		(void)strlcat(buf, parts[i], sizeof(buf));
		count++;
	}
	fmt_harmless(ret_text, size, buf);
	return count;
}

static void draw_notice(const char *notice, struct grid *grid, struct rect rect)
{
	for (int row = 0; row < rect.rows; row++) {
		struct line line = {.count = 0};
		size_t length = row + 1 < rect.rows ? text_wrap(notice, rect.cols - 2) : strlen(notice);

		line_add(&line, 0, NULL, STYLE_WARN, "%.*s", (int)length, notice);
		line_draw(&line, grid, rect.row + row);
		notice += length;
		notice += strspn(notice, " ");
	}
}

static void draw_panes(struct screen *screen, const struct snapshot *snapshot, struct grid *grid,
		       const struct layout *layout)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		enum pane_id shown = screen_shown_pane(screen, id);
		struct pane_frame frame = {
		    .snapshot = snapshot,
		    .focused = id == screen->focus,
		    .choice = &screen->choice,
		    .filter = screen->filter,
		    .wanted = screen->wanted,
		    .hold = screen->follow || screen->elapsed_s - screen->key_s < hold_s,
		    .name = screen->selected_name,
		    .glyphs = screen->glyphs,
		    .grid = grid,
		    .rect = layout->panes[id],
		};

		if (layout->panes[id].rows > 0)
			pane_draw(pane_get(shown), &screen->panes[shown], &frame);
	}
}

/* Between panes that are beside each other. */
static void draw_between(const struct layout *layout, const struct glyphs *glyphs, struct grid *grid)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct rect *rect = &layout->panes[id];

		for (int row = 0; row < rect->rows && rect->col > 0; row++)
			grid_put(grid, rect->row + row, rect->col - 1, 1, STYLE_MUTED, glyphs->bar);
	}
}

/* The keys, and at the right the filter, for it explains why rows are missing. */
static void draw_keys(struct screen *screen, struct grid *grid, struct rect rect)
{
	struct rect keys = rect;
	char filter[PROMPT_TEXT + 32], text[TEXT_SIZE];

	if (screen->filter) {
		snprintf(filter, sizeof(filter), "filter: %s", screen->filter_text);
		text_shorten(text, sizeof(text), filter, rect.cols / 2, screen->glyphs->ellipsis);
		keys.cols -= text_width(text) + 2;
		grid_put(grid, rect.row, keys.cols + 1, rect.cols, STYLE_HOT, text);
	}
	help_draw_keys(grid, keys);
	screen->key_cols = keys.cols;
}

static void draw_last_line(struct screen *screen, struct grid *grid)
{
	const struct view *view = &screen_focused_table(screen)->view;
	struct line line = {.count = 0};

	screen->key_cols = 0;
	if (screen->prompt.kind != PROMPT_NONE) {
		prompt_draw(&screen->prompt, grid, screen->layout.keys);
		return;
	}
	if (screen->message[0])
		line_add(&line, 0, NULL, screen->message_bad ? STYLE_WARN : STYLE_HOT, "%s",
			 screen->message);
	else if (view->missed && screen->wanted)
		line_add(&line, 0, NULL, STYLE_HOT, "not found: %s", screen->search_text);
	if (line.count > 0)
		line_draw(&line, grid, screen->layout.keys.row);
	else
		draw_keys(screen, grid, screen->layout.keys);
}

static void draw_boxes(struct screen *screen, struct grid *grid)
{
	const struct pane *pane = pane_get(screen_shown_pane(screen, screen->focus));

	screen->help_page = (size_t)(grid_rows(grid) > 4 ? grid_rows(grid) - 3 : 1);
	if (screen->help)
		screen->help_top = help_draw(grid, screen->glyphs, screen->help_top);
	if (screen->sort_menu)
		sort_menu_draw(grid, screen->glyphs, &pane->table, pane->name, screen->sort_choice);
	if (screen->setup)
		setup_menu_draw(grid, screen->glyphs, pane, screen_focused_table(screen)->off,
				screen->theme, screen->setup_choice);
}

/* What the panes of the mode have to show. */
static void find_lines(const struct screen *screen, const struct snapshot *snapshot,
		       struct layout_request *request)
{
	const struct layout_panes *panes = layout_panes(request->mode);

	for (size_t i = 0; i < panes->count; i++) {
		const struct pane *pane = pane_get(screen_shown_pane(screen, panes->ids[i]));

		request->off[panes->ids[i]] = pane_is_off(pane, snapshot);
		request->lines[panes->ids[i]] = pane_lines(pane, snapshot, &screen->choice);
	}
}

void screen_draw(struct screen *screen, const struct snapshot *snapshot, struct grid *grid)
{
	char text[2 * PANE_TEXT];
	unsigned notices = find_notices(snapshot, text, sizeof(text));
	struct layout_request request = {
	    .rows = grid_rows(grid),
	    .cols = grid_cols(grid),
	    .mode = screen->mode,
	    .focus = screen->focus,
	    .notice_cols = notices > 0 ? text_width(text) + 2 : 0,
	};

	screen->heap_replaced =
	    snapshot->heap.state == CHANNEL_OFF && snapshot->growth.state == CHANNEL_ON;
	if (screen->focus == PANE_DETAIL)
		detail_update(&screen->detail, snapshot, screen->glyphs);
	tree_view_update(&screen->tree,
			 layout_has(screen->mode, PANE_TREE) ? calls_tree(snapshot) : NULL,
			 calls_by_heap(snapshot));
	pane_choose(&screen->choice, snapshot);
	find_lines(screen, snapshot, &request);
	screen->layout = layout_compute(&request);
	screen->target_pid = snapshot->target.pid;
	screen->time = snapshot->time;
	screen->elapsed_s = snapshot->elapsed_s;
	grid_clear(grid);
	if (screen->layout.too_small) {
		draw_too_small(grid);
		return;
	}
	header_draw(snapshot, screen->paused, screen->layout.notice.rows > 0 ? 0 : notices,
		    screen->glyphs, grid, screen->layout.header);
	draw_panes(screen, snapshot, grid, &screen->layout);
	draw_between(&screen->layout, screen->glyphs, grid);
	if (screen_open_detail(screen)) {
		screen_draw(screen, snapshot, grid);
		return;
	}
	if (screen->layout.notice.rows > 0)
		draw_notice(text, grid, screen->layout.notice);
	draw_last_line(screen, grid);
	draw_boxes(screen, grid);
}

bool screen_is_unfinished(const struct screen *screen)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		if (screen->layout.panes[id].rows > 0 &&
		    screen->panes[screen_shown_pane(screen, id)].view.unasked > 0)
			return true;
	return false;
}
