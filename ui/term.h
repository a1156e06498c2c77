/*
 * The terminal. Nothing but term*.c knows curses: keys come out as codes of keymap.h, what to show
 * goes in as a grid.
 */
#ifndef RSP_UI_TERM_H
#define RSP_UI_TERM_H

#include <stdbool.h>

#include "err.h"
#include "grid.h"
#include "options.h"

struct terminal;

/*
 * Takes over the terminal of standard input and output. On failure nothing has changed and `err`
 * says what to do. There can be only one at a time.
 */
int term_open(struct terminal **ret_term, enum theme theme, struct err *err);

/* Shows everything in the colours of another theme from now on. */
void term_set_theme(struct terminal *term, enum theme theme);

/* Gives the terminal back as it was. NULL is allowed. */
void term_close(struct terminal *term);

/* Whether characters beyond ASCII can be shown. */
bool term_is_utf8(const struct terminal *term);

/* The next key that was pressed (keymap.h), RSP_KEY_NONE when there is none. Never blocks. */
int term_key(struct terminal *term);

/* Where the mouse was at the last key of it that term_key() gave, from 0. */
void term_mouse(const struct terminal *term, int *ret_row, int *ret_col);

/* Whether the terminal has gone away, so that there will never be a key again. */
bool term_is_gone(const struct terminal *term);

/* Asks for the present size. */
void term_size(struct terminal *term, int *ret_rows, int *ret_cols);

/* Shows the grid; only cells that changed are written. Nothing while suspended. */
void term_show(struct terminal *term, const struct grid *grid);

/* The next term_show() writes everything, whatever is on the terminal. */
void term_redraw(struct terminal *term);

/* Gives the terminal back for a while, and takes it again. */
void term_suspend(struct terminal *term);
void term_resume(struct terminal *term);

#endif
