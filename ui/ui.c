/*
 * The screen on the terminal: what comes in by keys goes to the screen's state, what the state
 * shows goes out by a grid.
 */
#include "config.h"

#include "ui.h"

#include <stdlib.h>

#include "grid.h"
#include "keymap.h"
#include "screen.h"
#include "term.h"

struct ui {
	struct terminal *term; /* owned */
	struct screen *screen; /* owned */
	struct grid *grid;     /* owned */
};

int ui_open(struct ui **ret_ui, const struct settings *settings, struct err *err)
{
	struct terminal *term = NULL;
	int result = term_open(&term, settings->theme, err);
	int rows, cols;

	if (result < 0)
		return result;

	struct ui *ui = xcalloc(1, sizeof(*ui));

	ui->term = term;
	ui->screen = screen_new(term_is_utf8(term));
	screen_apply(ui->screen, settings);
	term_size(term, &rows, &cols);
	ui->grid = grid_new(rows, cols);
	*ret_ui = ui;
	return 0;
}

void ui_remember(const struct ui *ui, struct settings *settings)
{
	screen_remember(ui->screen, settings);
}

void ui_close(struct ui *ui)
{
	if (!ui)
		return;
	term_close(ui->term);
	screen_free(ui->screen);
	grid_free(ui->grid);
	free(ui);
}

static unsigned use_key(struct ui *ui, int key)
{
	int row, col;

	switch (key) {
	case RSP_KEY_CLICK:
	case RSP_KEY_WHEEL_UP:
	case RSP_KEY_WHEEL_DOWN:
		term_mouse(ui->term, &row, &col);
		return screen_mouse(ui->screen, key, row, col);
	default:
		return screen_key(ui->screen, key);
	}
}

unsigned ui_input(struct ui *ui)
{
	unsigned actions = UI_NONE;
	bool any = false;
	int key;

	while ((key = term_key(ui->term)) != RSP_KEY_NONE) {
		any = true;
		if (keymap_command(key) == COMMAND_REDRAW)
			term_redraw(ui->term);
		/* Two toggles of the pause leave it as it was. */
		unsigned more = use_key(ui, key);

		actions = (actions ^ (more & UI_PAUSE)) | (more & ~(unsigned)UI_PAUSE);
	}
	if (!any && term_is_gone(ui->term))
		actions |= UI_QUIT;
	return actions;
}

struct snapshot_request ui_request(const struct ui *ui)
{
	return screen_request(ui->screen);
}

const char *ui_delay_text(const struct ui *ui)
{
	return screen_delay_text(ui->screen);
}

const char *ui_save_name(const struct ui *ui)
{
	return screen_save_name(ui->screen);
}

enum snapshot_group ui_group(const struct ui *ui)
{
	return screen_group(ui->screen);
}

void ui_say(struct ui *ui, bool bad, const char *text)
{
	screen_say(ui->screen, bad, text);
}

bool ui_draw(struct ui *ui, const struct snapshot *snapshot)
{
	term_set_theme(ui->term, screen_theme(ui->screen));
	screen_draw(ui->screen, snapshot, ui->grid);
	term_show(ui->term, ui->grid);
	return screen_is_unfinished(ui->screen);
}

void ui_resize(struct ui *ui)
{
	int rows, cols;

	term_size(ui->term, &rows, &cols);
	grid_resize(ui->grid, rows, cols);
}

void ui_suspend(struct ui *ui)
{
	term_suspend(ui->term);
}

void ui_resume(struct ui *ui)
{
	term_resume(ui->term);
	ui_resize(ui);
}
