/*
 * What the parts of the terminal share: term.c takes it over and shows grids, term_input.c reads keys
 * and the mouse. Nothing else includes this, or curses.
 */
#ifndef RSP_UI_TERM_STATE_H
#define RSP_UI_TERM_STATE_H

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif

#include <curses.h>
#include <stdbool.h>
#include <termios.h>

#include "frame.h"
#include "term.h"

struct terminal {
	SCREEN *screen;
	struct frame frame;   /* where curses writes to */
	WINDOW *keys;	      /* a pad */
	struct termios modes; /* before us */
	struct grid *shown;   /* what curses has; NULL: it must get everything */
	attr_t attributes[STYLE_COUNT];
	enum theme theme;
	bool colours;
	bool suspended;
	bool redraw;
	int mouse_row, mouse_col;
};

/* Makes keys come one by one, unseen; -1: there is no memory. */
int term_start_input(struct terminal *term);

#endif
