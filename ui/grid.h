/*
 * The screen as rows by columns of cells. Everything is painted here first; term.c copies it to the
 * terminal, tests dump it to text. Rows and columns count from 0; whatever lies outside is cut off.
 *
 * Invariant: no cell ever holds a control character, and a character two columns wide is always
 * followed by its empty second half.
 */
#ifndef RSP_UI_GRID_H
#define RSP_UI_GRID_H

#include <stdbool.h>
#include <wchar.h>

#include "style.h"

/* Marks that may sit on one character; more are left out. */
enum { GRID_MARKS = 2 };

struct grid_cell {
	wchar_t chars[1 + GRID_MARKS + 1]; /* ends with 0; empty: second half of a wide character */
	enum style style;
};

struct grid;

/* A grid of spaces; the caller frees it. Sizes below 1 become 1. */
struct grid *grid_new(int rows, int cols);

/* NULL is allowed. */
void grid_free(struct grid *grid);

/* Changes the size and clears. */
void grid_resize(struct grid *grid, int rows, int cols);

/* Makes everything a normal space. */
void grid_clear(struct grid *grid);

int grid_rows(const struct grid *grid);
int grid_cols(const struct grid *grid);

/*
 * Writes at most `cols` columns of `text` (UTF-8) and returns how many columns it took. A wide
 * character that does not fit whole is left out with all that follows.
 */
int grid_put(struct grid *grid, int row, int col, int cols, enum style style, const char *text);

/* Repeats a character of one column over `cols` columns. */
void grid_fill(struct grid *grid, int row, int col, int cols, enum style style, const char *text);

/* A cell inside the grid; valid until the grid changes. */
const struct grid_cell *grid_get(const struct grid *grid, int row, int col);

/* The first column from `col` on (0 to their width) in which a row of two grids differs; their width: it does
 * not. Where one has no such row or is not as wide, all of it does. */
int grid_next_change(const struct grid *one, const struct grid *other, int row, int col);

/* Makes a row the same as in `from`, which is of the same size. */
void grid_copy_row(struct grid *to, const struct grid *from, int row);

/* All rows as UTF-8, each ending in a newline, without spaces at the end; the caller frees it. */
char *grid_dump(const struct grid *grid);

#endif
