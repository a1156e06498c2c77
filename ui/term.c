/*
 * The terminal's output, by curses. Signals stay with the main loop: what curses installs is undone at once,
 * and the size is asked for when the loop says that it changed.
 */
#include "config.h"

#include "term_state.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <ncursesw/term.h>
#include <unistd.h>

#include "crash.h"
#include "theme.h"

/* Curses changes these when it starts. */
static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

enum { CURSES_SIGNALS = sizeof(curses_signals) / sizeof(curses_signals[0]) };

/* Copies a string of the terminal without its padding ("$<5>"), which is for hardware long gone. */
static size_t append_capability(char *bytes, size_t length, const char *name)
{
	const char *text = tigetstr(name);

	/* tigetstr() answers (char *)-1 for what is no string. */
	if (!text || (intptr_t)text == -1)
		return length;
	while (*text && length < CRASH_BYTES) {
		if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
			text = strchr(text, '>') + 1;
		else
			bytes[length++] = *text++;
	}
	return length;
}

static size_t append_text(char *bytes, size_t length, const char *text)
{
	while (*text && length < CRASH_BYTES)
		bytes[length++] = *text++;
	return length;
}

static void arm(const struct terminal *term)
{
	static const char *const names[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};
	char bytes[CRASH_BYTES];
	size_t length = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		length = append_capability(bytes, length, names[i]);
	/* What curses writes for the mouse has no capability of its own. */
	if (has_mouse())
		length = append_text(bytes, length, "\x1b[?1006l\x1b[?1000l");
	crash_arm(STDOUT_FILENO, &term->modes, bytes, length);
}

static int check_terminal(struct err *err)
{
	const char *name = getenv("TERM");
	int found = 0, result = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ENOTTY, EXIT_FAILED,
			       "cannot open the screen: standard %s is not a terminal; use --batch",
			       isatty(STDIN_FILENO) ? "output" : "input");
	if (!name || !*name)
		return err_set(err, ENOENT, EXIT_FAILED,
			       "cannot open the screen: TERM is not set; set it, for example "
			       "TERM=xterm-256color, or use --batch");
	/* newterm() would print its own complaint or go on, initscr() would exit. */
	if (setupterm(name, STDOUT_FILENO, &found) != OK || !tigetstr("cup"))
		result =
		    err_set(err, ENOENT, EXIT_FAILED,
			    "cannot open the screen: TERM is \"%s\", which %s; set another one, "
			    "for example TERM=xterm-256color, or use --batch",
			    name,
			    found == 1	 ? "cannot move the cursor"
			    : found == 0 ? "is unknown here"
					 : "cannot be looked up (no terminfo)");
	del_curterm(cur_term);
	return result;
}

/* newterm() with the signals left as they are. */
static SCREEN *start_curses(FILE *output)
{
	struct sigaction before[CURSES_SIGNALS];
	SCREEN *screen;

	for (size_t i = 0; i < CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], NULL, &before[i]);
	use_env(TRUE);
	use_tioctl(TRUE);
	screen = newterm(NULL, output, stdin);
	for (size_t i = 0; i < CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], &before[i], NULL);
	/* What is drawn is one write, which nothing that is typed meanwhile should cut short. */
	if (screen)
		(void)typeahead(-1);
	return screen;
}

static attr_t plain_attributes(enum style style)
{
	switch (style) {
	case STYLE_TITLE:
	case STYLE_KEY:
	case STYLE_HOT:
		return A_BOLD;
	case STYLE_HEADER:
		return A_UNDERLINE;
	case STYLE_WARN:
	case STYLE_BOX_FOUND:
		return A_BOLD | A_UNDERLINE;
	case STYLE_SELECTED:
		return A_REVERSE;
	default:
		return A_NORMAL;
	}
}

static void start_colours(struct terminal *term)
{
	enum theme theme =
	    term->theme == THEME_AUTO ? theme_guess(getenv("COLORFGBG")) : term->theme;
	const char *no_color = getenv("NO_COLOR");

	for (enum style style = STYLE_NORMAL; style < STYLE_COUNT; style++)
		term->attributes[style] = plain_attributes(style);
	if ((no_color && *no_color) || !has_colors() || start_color() != OK || COLORS < 8 ||
	    COLOR_PAIRS <= STYLE_COUNT)
		return;

	bool own = use_default_colors() == OK;
	short background = own ? -1 : theme == THEME_LIGHT ? COLOR_WHITE : COLOR_BLACK;

	term->colours = true;
	for (enum style style = STYLE_NORMAL; style < STYLE_COUNT; style++) {
		struct theme_colours colours = theme_colours(theme, COLORS, style);

		if (colours.foreground == -1 && !own)
			colours.foreground = theme == THEME_LIGHT ? COLOR_BLACK : COLOR_WHITE;
		if (colours.background == -1)
			colours.background = background;
		init_pair((short)(style + 1), colours.foreground, colours.background);
	}
	/* Colour says it; a line under every warning would be noise. */
	term->attributes[STYLE_WARN] = A_BOLD;
	term->attributes[STYLE_BOX_FOUND] = A_NORMAL;
}

int term_open(struct terminal **ret_term, enum theme theme, struct err *err)
{
	int result = check_terminal(err);

	if (result < 0)
		return result;

	struct terminal *term = xcalloc(1, sizeof(*term));

	setlocale(LC_CTYPE, "");
	if (tcgetattr(STDIN_FILENO, &term->modes) < 0) {
		result =
		    err_set(err, errno, EXIT_FAILED,
			    "cannot open the screen: reading the terminal's modes failed (%s); "
			    "use --batch",
			    strerror(errno));
		free(term);
		return result;
	}
	if (frame_open(&term->frame, STDOUT_FILENO) == 0)
		term->screen = start_curses(term->frame.output);
	if (!term->screen) {
		frame_close(&term->frame);
		free(term);
		return err_set(
		    err, EIO, EXIT_FAILED,
		    "cannot open the screen: the terminal cannot be set up; use --batch");
	}
	if (term_start_input(term) < 0)
		out_of_memory();
	arm(term);
	term->theme = theme;
	start_colours(term);
	*ret_term = term;
	return 0;
}

void term_set_theme(struct terminal *term, enum theme theme)
{
	if (term->theme == theme)
		return;
	term->theme = theme;
	start_colours(term);
	term->redraw = true;
}

void term_close(struct terminal *term)
{
	if (!term)
		return;
	if (!term->suspended)
		endwin();
	crash_remove();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term->modes);
	delwin(term->keys);
	delscreen(term->screen);
	frame_close(&term->frame);
	grid_free(term->shown);
	free(term);
}

bool term_is_utf8(const struct terminal *term)
{
	(void)term;
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void term_size(struct terminal *term, int *ret_rows, int *ret_cols)
{
	struct winsize size;

	(void)term;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	*ret_rows = LINES;
	*ret_cols = COLS;
}

static void show_cell(const struct terminal *term, int row, int col, const struct grid_cell *cell)
{
	cchar_t shown;
	short pair = term->colours ? (short)(cell->style + 1) : 0;

	if (setcchar(&shown, cell->chars, term->attributes[cell->style], pair, NULL) == OK)
		mvadd_wch(row, col, &shown);
}

static int next_change(const struct terminal *term, const struct grid *grid, int row, int col)
{
	return term->shown ? grid_next_change(term->shown, grid, row, col) : col;
}

static void show_row(const struct terminal *term, int row, const struct grid *grid)
{
	int col = next_change(term, grid, row, 0);
	bool changed = col < grid_cols(grid);

	while (col < grid_cols(grid) && col < COLS) {
		const struct grid_cell *cell = grid_get(grid, row, col);

		if (cell->chars[0] != 0)
			show_cell(term, row, col, cell);
		col = next_change(term, grid, row, col + 1);
	}
	if (term->shown && changed)
		grid_copy_row(term->shown, grid, row);
}

void term_show(struct terminal *term, const struct grid *grid)
{
	if (term->suspended)
		return;
	if (term->redraw || !term->shown || grid_rows(term->shown) != grid_rows(grid) ||
	    grid_cols(term->shown) != grid_cols(grid)) {
		grid_free(term->shown);
		term->shown = NULL;
		werase(stdscr);
	}
	for (int row = 0; row < grid_rows(grid) && row < LINES; row++)
		show_row(term, row, grid);
	if (!term->shown) {
		term->shown = grid_new(grid_rows(grid), grid_cols(grid));
		for (int row = 0; row < grid_rows(grid); row++)
			grid_copy_row(term->shown, grid, row);
	}
	if (term->redraw)
		clearok(stdscr, TRUE);
	term->redraw = false;
	frame_begin(&term->frame);
	wrefresh(stdscr);
	frame_end(&term->frame);
}

void term_redraw(struct terminal *term)
{
	term->redraw = true;
}

void term_suspend(struct terminal *term)
{
	if (term->suspended)
		return;
	endwin();
	crash_disarm();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term->modes);
	term->suspended = true;
}

void term_resume(struct terminal *term)
{
	if (!term->suspended)
		return;
	term->suspended = false;
	arm(term);
	/* The next refresh puts curses' modes back; keys pressed before it must not echo. */
	reset_prog_mode();
	term->redraw = true;
}
