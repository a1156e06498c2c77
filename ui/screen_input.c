/*
 * Keys and the mouse: what is open takes them first, then they are commands.
 */
#include "config.h"

#include <bsd/string.h>

#include "help.h"
#include "screen_state.h"
#include "ui.h"

enum { WHEEL_ROWS = 3 };

/* Puts a new pattern in the place of an old one; a wrong one changes nothing but is said. */
static bool set_match(struct screen *screen, struct match **match, const char *pattern)
{
	char reason[128], text[SCREEN_MESSAGE];
	struct match *made = match_new(pattern, reason, sizeof(reason));

	if (reason[0]) {
		(void)strlcpy(text, "no regular expression: ", sizeof(text));
		(void)strlcat(text, reason, sizeof(text));
		screen_say(screen, true, text);
		return false;
	}
	match_free(*match);
	*match = made;
	return true;
}

static void take_search(struct screen *screen)
{
	(void)strlcpy(screen->search_text, screen->prompt.text, sizeof(screen->search_text));
	if (set_match(screen, &screen->wanted, screen->search_text))
		view_search(&screen_focused_table(screen)->view, VIEW_SEEK_HERE);
}

static void take_filter(struct screen *screen)
{
	if (set_match(screen, &screen->filter, screen->prompt.text))
		(void)strlcpy(screen->filter_text, screen->prompt.text,
			      sizeof(screen->filter_text));
}

/* What search and filter show while they are typed, they show at once. */
static void take_text(struct screen *screen)
{
	if (screen->prompt.kind == PROMPT_SEARCH)
		take_search(screen);
	else if (screen->prompt.kind == PROMPT_FILTER)
		take_filter(screen);
}

/* The prompt's text is accepted. */
static unsigned finish_prompt(struct screen *screen)
{
	enum prompt_kind kind = screen->prompt.kind;

	prompt_close(&screen->prompt);
	if (screen->prompt.text[0] == '\0')
		return UI_DRAW;
	switch (kind) {
	case PROMPT_DELAY:
		(void)strlcpy(screen->delay_text, screen->prompt.text, sizeof(screen->delay_text));
		return UI_DELAY | UI_DRAW;
	case PROMPT_SAVE:
		(void)strlcpy(screen->save_name, screen->prompt.text, sizeof(screen->save_name));
		return UI_SAVE | UI_DRAW;
	default:
		return UI_DRAW;
	}
}

static unsigned key_of_prompt(struct screen *screen, int key)
{
	switch (prompt_key(&screen->prompt, key)) {
	case PROMPT_CHANGED:
		take_text(screen);
		return UI_DRAW;
	case PROMPT_ACCEPTED:
		take_text(screen);
		return finish_prompt(screen);
	case PROMPT_DISMISSED:
		take_text(screen);
		prompt_close(&screen->prompt);
		return UI_DRAW;
	default:
		return UI_NONE;
	}
}

bool menu_move(size_t *choice, size_t count, enum command command)
{
	switch (command) {
	case COMMAND_UP:
		*choice -= *choice > 0;
		return true;
	case COMMAND_DOWN:
		*choice += *choice + 1 < count;
		return true;
	case COMMAND_FIRST:
		*choice = 0;
		return true;
	case COMMAND_LAST:
		*choice = count - 1;
		return true;
	default:
		return false;
	}
}

/* A key of the menu of columns; false when it is none. */
static bool key_of_menu(struct screen *screen, int key, enum command command)
{
	struct view *view = &screen_focused_table(screen)->view;
	size_t count = pane_get(screen_shown_pane(screen, screen->focus))->table.column_count;

	if (key == RSP_KEY_ENTER) {
		view_sort(view, (unsigned)screen->sort_choice);
		screen->sort_menu = false;
		return true;
	}
	if (menu_move(&screen->sort_choice, count, command))
		return true;
	screen->sort_menu = false;
	return command == COMMAND_CLOSE || command == COMMAND_SORT_MENU;
}

unsigned screen_key(struct screen *screen, int key)
{
	enum command command = keymap_command(key);
	bool stale = screen->message[0] || screen_focused_table(screen)->view.missed;

	screen->message[0] = '\0';
	screen->key_s = screen->elapsed_s;
	screen_focused_table(screen)->view.missed = false;
	if (screen->prompt.kind != PROMPT_NONE)
		return key_of_prompt(screen, key);
	if ((screen->sort_menu && key_of_menu(screen, key, command)) ||
	    (screen->setup && screen_set_up(screen, key, command)))
		return UI_DRAW;
	return screen_command(screen, command) | (stale ? UI_DRAW : UI_NONE);
}

static bool is_inside(struct rect rect, int row, int col)
{
	return row >= rect.row && row < rect.row + rect.rows && col >= rect.col &&
	       col < rect.col + rect.cols;
}

/* Clicked on the name of a column: sorts by it, or the other way round if it does already. */
static void click_title(struct screen *screen, int col)
{
	enum pane_id id = screen_shown_pane(screen, screen->focus);
	struct table_state *state = &screen->panes[id];
	int column = table_column_at(&pane_get(id)->table, state, col);

	if (column < 0)
		return;
	if ((unsigned)column == state->view.sort)
		view_reverse(&state->view);
	else
		view_sort(&state->view, (unsigned)column);
}

static void use_mouse(struct screen *screen, int key, struct rect rect, int row, int col)
{
	struct view *view = &screen_focused_table(screen)->view;
	int line = row - rect.row - 2; /* behind title and names of columns */

	if (key == RSP_KEY_WHEEL_UP)
		view_move(view, -WHEEL_ROWS);
	else if (key == RSP_KEY_WHEEL_DOWN)
		view_move(view, WHEEL_ROWS);
	else if (line == -1)
		click_title(screen, col - rect.col);
	else if (line >= 0)
		(void)view_point(view, (size_t)line);
}

unsigned screen_mouse(struct screen *screen, int key, int row, int col)
{
	screen->key_s = screen->elapsed_s;
	if (screen->prompt.kind != PROMPT_NONE || screen->sort_menu || screen->setup ||
	    screen->layout.too_small)
		return UI_NONE;
	if (screen->help) {
		if (key == RSP_KEY_CLICK)
			return screen_command(screen, COMMAND_CLOSE);
		return screen_command(screen, key == RSP_KEY_WHEEL_UP ? COMMAND_UP : COMMAND_DOWN);
	}
	if (key == RSP_KEY_CLICK && is_inside(screen->layout.keys, row, col))
		return screen_command(screen, help_command_at(screen->key_cols, col));
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		if (!is_inside(screen->layout.panes[id], row, col))
			continue;
		screen->focus = id;
		use_mouse(screen, key, screen->layout.panes[id], row, col);
		return UI_DRAW;
	}
	return UI_NONE;
}
