/*
 * The cells of the screen. The only way in is put_char(), which keeps the invariant of the header.
 */
#include "config.h"

#include "grid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "text.h"

struct grid {
	int rows, cols;
	struct grid_cell *cells; /* owned; row by row */
};

static struct grid_cell *cell_at(const struct grid *grid, int row, int col)
{
	return &grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col];
}

static void set_blank(struct grid_cell *cell, enum style style)
{
	*cell = (struct grid_cell){.chars = {L' '}, .style = style};
}

struct grid *grid_new(int rows, int cols)
{
	struct grid *grid = xcalloc(1, sizeof(*grid));

	grid_resize(grid, rows, cols);
	return grid;
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	free(grid->cells);
	free(grid);
}

void grid_resize(struct grid *grid, int rows, int cols)
{
	grid->rows = rows < 1 ? 1 : rows;
	grid->cols = cols < 1 ? 1 : cols;
	free(grid->cells);
	grid->cells = xcalloc((size_t)grid->rows * (size_t)grid->cols, sizeof(*grid->cells));
	grid_clear(grid);
}

void grid_clear(struct grid *grid)
{
	size_t cols = (size_t)grid->cols;

	for (size_t i = 0; i < cols; i++)
		set_blank(&grid->cells[i], STYLE_NORMAL);
	for (size_t row = 1; row < (size_t)grid->rows; row++)
		memcpy(grid->cells + row * cols, grid->cells, cols * sizeof(*grid->cells));
}

/* What is behind the end of a cell's characters is 0, and there is nothing between its members. */
_Static_assert(sizeof(struct grid_cell) ==
		       sizeof((struct grid_cell){0}.chars) + sizeof((struct grid_cell){0}.style),
	       "cells are compared as bytes");

int grid_next_change(const struct grid *one, const struct grid *other, int row, int col)
{
	const struct grid_cell *a, *b;

	if (row < 0 || row >= one->rows || row >= other->rows || one->cols != other->cols)
		return col;
	a = cell_at(one, row, 0);
	b = cell_at(other, row, 0);
	if (memcmp(a + col, b + col, (size_t)(one->cols - col) * sizeof(*a)) == 0)
		return one->cols;
	while (memcmp(a + col, b + col, sizeof(*a)) == 0)
		col++;
	return col;
}

void grid_copy_row(struct grid *to, const struct grid *from, int row)
{
	memcpy(cell_at(to, row, 0), cell_at(from, row, 0), (size_t)from->cols * sizeof(*from->cells));
}

int grid_rows(const struct grid *grid)
{
	return grid->rows;
}

int grid_cols(const struct grid *grid)
{
	return grid->cols;
}

/* Blanks the other half of a wide character of which one half is about to be overwritten. */
static void split_wide(struct grid *grid, int row, int col)
{
	struct grid_cell *cell = cell_at(grid, row, col);

	if (cell->chars[0] == 0 && col > 0)
		set_blank(cell - 1, cell[-1].style);
	if (col + 1 < grid->cols && cell[1].chars[0] == 0)
		set_blank(cell + 1, cell[1].style);
}

static void put_char(struct grid *grid, int row, int col, enum style style, struct text_char ch)
{
	struct grid_cell *cell = cell_at(grid, row, col);

	for (int i = 0; i < ch.cols; i++) {
		split_wide(grid, row, col + i);
		cell[i] = (struct grid_cell){.style = style};
	}
	cell[0].chars[0] = ch.code;
}

static void put_mark(struct grid_cell *cell, wchar_t mark)
{
	for (size_t i = 1; i <= GRID_MARKS; i++) {
		if (cell->chars[i] == 0) {
			cell->chars[i] = mark;
			return;
		}
	}
}

int grid_put(struct grid *grid, int row, int col, int cols, enum style style, const char *text)
{
	struct text_char next;
	int used = 0, before = -1;

	if (row < 0 || row >= grid->rows || col < 0 || col >= grid->cols)
		return 0;
	if (cols > grid->cols - col)
		cols = grid->cols - col;
	while (text_next(&text, &next)) {
		if (next.cols == 0) {
			if (before >= 0)
				put_mark(cell_at(grid, row, before), next.code);
			continue;
		}
		if (used + next.cols > cols)
			break;
		before = col + used;
		put_char(grid, row, before, style, next);
		used += next.cols;
	}
	return used;
}

void grid_fill(struct grid *grid, int row, int col, int cols, enum style style, const char *text)
{
	struct text_char ch;

	if (row < 0 || row >= grid->rows || !text_next(&text, &ch) || ch.cols != 1)
		return;
	for (int at = col < 0 ? 0 : col; at < col + cols && at < grid->cols; at++)
		put_char(grid, row, at, style, ch);
}

const struct grid_cell *grid_get(const struct grid *grid, int row, int col)
{
	return cell_at(grid, row, col);
}

char *grid_dump(const struct grid *grid)
{
	size_t row_size = (size_t)grid->cols * TEXT_UTF8_BYTES * (1 + GRID_MARKS) + 1;
	char *text = xcalloc((size_t)grid->rows * row_size + 1, 1);
	char *out = text;

	for (int row = 0; row < grid->rows; row++) {
		char *start = out;

		for (int col = 0; col < grid->cols; col++)
			for (const wchar_t *ch = cell_at(grid, row, col)->chars; *ch; ch++)
				out += text_encode(out, (uint32_t)*ch);
		while (out > start && out[-1] == ' ')
			out--;
		*out++ = '\n';
	}
	*out = '\0';
	return text;
}
