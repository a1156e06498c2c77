/*
 * The only user of curses. Signals stay with the main loop: what curses installs is undone at once,
 * and the size is asked for when the loop says that it changed.
 *
 * Keys are read from a pad of their own, because reading from a window would first draw it.
 */
#include "config.h"

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif

#include "term.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <ncursesw/term.h>
#include <termios.h>
#include <unistd.h>

#include "crash.h"
#include "frame.h"
#include "keymap.h"

/* How long the bytes of one key may be apart, in milliseconds, before an Esc is an Esc. */
enum { ESCAPE_MS = 25 };

/* Curses changes these when it starts. */
static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

enum { CURSES_SIGNALS = sizeof(curses_signals) / sizeof(curses_signals[0]) };

struct terminal {
	SCREEN *screen;
	struct frame frame;   /* where curses writes to */
	WINDOW *keys;	      /* a pad */
	struct termios modes; /* before us */
	struct grid *shown;   /* what curses has; NULL: it must get everything */
	attr_t attributes[STYLE_COUNT];
	bool colours;
	bool suspended;
	bool redraw;
	int mouse_row, mouse_col;
};

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
		return A_BOLD | A_UNDERLINE;
	case STYLE_BOX_FOUND:
		return A_BOLD | A_UNDERLINE;
	case STYLE_SELECTED:
		return A_REVERSE;
	default:
		return A_NORMAL;
	}
}

/* Foreground of a style on a terminal with 8 or 256 colours; -1 is the terminal's own. */
static short style_colour(enum style style)
{
	bool many = COLORS >= 256;

	switch (style) {
	case STYLE_MUTED:
		return many ? 245 : -1;
	case STYLE_TITLE:
	case STYLE_KEY:
		return many ? 37 : COLOR_CYAN;
	case STYLE_HEADER:
		return many ? 71 : COLOR_GREEN;
	case STYLE_HOT:
		return many ? 208 : COLOR_YELLOW;
	case STYLE_WARN:
		return many ? 196 : COLOR_RED;
	case STYLE_BOX:
	case STYLE_BOX_OTHER:
	case STYLE_BOX_FOUND:
		return many ? 16 : COLOR_BLACK;
	default:
		return -1;
	}
}

/* Background of a style, as style_colour(); boxes are dark on a colour. */
static short style_background(enum style style)
{
	bool many = COLORS >= 256;

	switch (style) {
	case STYLE_BOX:
		return many ? 173 : COLOR_YELLOW;
	case STYLE_BOX_OTHER:
		return many ? 179 : COLOR_GREEN;
	case STYLE_BOX_FOUND:
		return many ? 141 : COLOR_MAGENTA;
	default:
		return -1;
	}
}

static void start_colours(struct terminal *term)
{
	const char *no_color = getenv("NO_COLOR");

	for (enum style style = STYLE_NORMAL; style < STYLE_COUNT; style++)
		term->attributes[style] = plain_attributes(style);
	if ((no_color && *no_color) || !has_colors() || start_color() != OK || COLORS < 8 ||
	    COLOR_PAIRS <= STYLE_COUNT)
		return;

	short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
	bool own = background == -1;

	term->colours = true;
	for (enum style style = STYLE_NORMAL; style < STYLE_COUNT; style++) {
		short colour = style_colour(style);

		if (colour == -1 && !own)
			colour = COLOR_WHITE;
		short behind = style_background(style);

		init_pair((short)(style + 1), colour, behind == -1 ? background : behind);
	}
	/* Colour says it; a line under every warning would be noise. */
	term->attributes[STYLE_WARN] = A_BOLD;
	term->attributes[STYLE_BOX_FOUND] = A_NORMAL;
}

static int start_input(struct terminal *term)
{
	/* ^C and ^Z come as keys; raw() keeps the processing of output, unlike cfmakeraw(). */
	raw();
	noecho();
	nonl();
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	leaveok(stdscr, TRUE);
	term->keys = newpad(1, 1);
	if (!term->keys)
		return -1;
	keypad(term->keys, TRUE);
	nodelay(term->keys, TRUE);
	(void)mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED,
			NULL);
	(void)mouseinterval(0);
	return 0;
}

int term_open(struct terminal **ret_term, struct err *err)
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
	if (start_input(term) < 0)
		out_of_memory();
	arm(term);
	start_colours(term);
	*ret_term = term;
	return 0;
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

static int decode_mouse(struct terminal *term)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return RSP_KEY_OTHER;
	term->mouse_row = event.y;
	term->mouse_col = event.x;
	if (event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
		return RSP_KEY_CLICK;
	if (event.bstate & BUTTON4_PRESSED)
		return RSP_KEY_WHEEL_UP;
	return event.bstate & BUTTON5_PRESSED ? RSP_KEY_WHEEL_DOWN : RSP_KEY_OTHER;
}

static int decode_key(wint_t key)
{
	static const struct {
		wint_t curses;
		int key;
	} keys[] = {
	    {KEY_UP, RSP_KEY_UP},	  {KEY_DOWN, RSP_KEY_DOWN},
	    {KEY_LEFT, RSP_KEY_LEFT},	  {KEY_RIGHT, RSP_KEY_RIGHT},
	    {KEY_PPAGE, RSP_KEY_PAGE_UP}, {KEY_NPAGE, RSP_KEY_PAGE_DOWN},
	    {KEY_HOME, RSP_KEY_HOME},	  {KEY_END, RSP_KEY_END},
	    {KEY_ENTER, RSP_KEY_ENTER},	  {KEY_BACKSPACE, RSP_KEY_BACKSPACE},
	    {KEY_FIND, RSP_KEY_HOME},	  {KEY_SELECT, RSP_KEY_END},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	if (key >= (wint_t)KEY_F(1) && key <= (wint_t)KEY_F(12))
		return RSP_KEY_F1 + (int)(key - (wint_t)KEY_F(1));
	return RSP_KEY_OTHER;
}

int term_key(struct terminal *term)
{
	wint_t key;
	int kind = wget_wch(term->keys, &key);

	if (kind == ERR)
		return RSP_KEY_NONE;
	/* ^@ would be taken for no key at all. */
	if (kind == OK)
		return key == 0 ? RSP_KEY_OTHER : (int)key;
	return key == KEY_MOUSE ? decode_mouse(term) : decode_key(key);
}

void term_mouse(const struct terminal *term, int *ret_row, int *ret_col)
{
	*ret_row = term->mouse_row;
	*ret_col = term->mouse_col;
}

bool term_is_gone(const struct terminal *term)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int waiting = 0;

	(void)term;
	if (poll(&input, 1, 0) <= 0)
		return false;
	if (input.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	/* Readable with nothing to read is the end of the file. */
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || waiting == 0;
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

static void show_row(const struct terminal *term, int row, const struct grid *grid)
{
	move(row, 0);
	clrtoeol();
	for (int col = 0; col < grid_cols(grid) && col < COLS; col++) {
		const struct grid_cell *cell = grid_get(grid, row, col);

		if (cell->chars[0] != 0)
			show_cell(term, row, col, cell);
	}
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
		if (!term->shown || !grid_same_row(term->shown, grid, row))
			show_row(term, row, grid);
	if (!term->shown)
		term->shown = grid_new(grid_rows(grid), grid_cols(grid));
	grid_copy(term->shown, grid);
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
