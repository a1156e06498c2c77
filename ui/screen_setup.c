/*
 * Keys of the box in which colours and columns are chosen.
 */
#include "config.h"

#include "screen_state.h"
#include "setup_menu.h"

static void change(struct screen *screen, const struct pane *pane, bool back)
{
	enum theme last = THEME_LIGHT;
	size_t column = screen->setup_choice - 1;

	if (screen->setup_choice > 0) {
		if (table_column_can_go(&pane->table.columns[column]))
			screen_focused_table(screen)->off ^= UINT32_C(1) << column;
		return;
	}
	screen->theme_chosen = true;
	if (back)
		screen->theme = screen->theme == THEME_AUTO ? last : screen->theme - 1;
	else
		screen->theme = screen->theme == last ? THEME_AUTO : screen->theme + 1;
}

bool screen_set_up(struct screen *screen, int key, enum command command)
{
	const struct pane *pane = pane_get(screen_shown_pane(screen, screen->focus));

	if (key == ' ' || key == RSP_KEY_ENTER || command == COMMAND_RIGHT ||
	    command == COMMAND_LEFT) {
		change(screen, pane, command == COMMAND_LEFT);
		return true;
	}
	if (menu_move(&screen->setup_choice, setup_menu_lines(pane), command))
		return true;
	screen->setup = false;
	return command == COMMAND_CLOSE || command == COMMAND_SETUP;
}
