/*
 * Drawing of tables. A row is: the mark of the selection in its first column, then the cells, each with one
 * column of gap before it but the first.
 */
#include "config.h"

#include "table.h"

#include <stdio.h>

#include "fmt.h"
#include "text.h"

struct painter {
	const struct table *table;
	struct table_state *state;
	const struct view_source *source;
	const struct glyphs *glyphs;
	struct grid *grid;
	struct rect rect;
	const int *widths; /* of the state */
};

/* The column that rows are ordered by is among the last to go. */
static void find_widths(struct painter *painter)
{
	unsigned sort = view_column(&painter->state->view, painter->source);
	struct layout_column columns[TABLE_COLUMNS] = {{0}};
	struct table_state *state = painter->state;
	size_t of[TABLE_COLUMNS], count = 0;
	int widths[TABLE_COLUMNS];

	for (size_t i = 0; i < painter->table->column_count; i++) {
		state->widths[i] = 0;
		if ((state->hidden | state->off) >> i & 1)
			continue;
		columns[count] = painter->table->columns[i].layout;
		if (i == sort && painter->source->key && columns[count].drop > 1)
			columns[count].drop = 1;
		of[count++] = i;
	}
	layout_columns(columns, count, painter->rect.cols, widths);
	state->shown = 0;
	for (size_t i = 0; i < count; i++) {
		state->widths[of[i]] = widths[i];
		if (widths[i] > 0)
			state->shown |= UINT32_C(1) << of[i];
	}
}

/* Puts text at its side of a cell. */
static void put_aligned(struct grid *grid, int row, int col, int cols, bool left, enum style style,
			const char *text)
{
	int pad = left ? 0 : cols - text_width(text);

	if (pad < 0)
		pad = 0;
	grid_put(grid, row, col + pad, cols - pad, style, text);
}

static void draw_titles(const struct painter *painter)
{
	const struct view *view = &painter->state->view;
	unsigned sort = view_column(view, painter->source);
	int row = painter->rect.row, col = painter->rect.col + 1;

	grid_fill(painter->grid, row, painter->rect.col, painter->rect.cols, STYLE_HEADER, " ");
	for (unsigned i = 0; i < painter->table->column_count; i++) {
		const struct table_column *column = &painter->table->columns[i];
		bool rising = column->text != view->reverse;
		char title[64];

		if (painter->widths[i] == 0)
			continue;
		snprintf(title, sizeof(title), "%s%s", column->title,
			 i != sort || !painter->source->key ? ""
			 : rising	 ? painter->glyphs->rising
					 : painter->glyphs->falling);
		put_aligned(painter->grid, row, col, painter->widths[i], column->text, STYLE_HEADER,
			    title);
		col += painter->widths[i] + 1;
	}
}

/* The raw text of a cell, made harmless in `buf`. */
static void cell_text(const struct painter *painter, size_t index, unsigned column, char *buf,
		      size_t size)
{
	struct table_cell cell = {column, painter->widths[column], painter->state->shown,
				  painter->glyphs};
	char raw[TEXT_SIZE];

	fmt_harmless(buf, size,
		     painter->table->cell(painter->source->rows, index, &cell, raw, sizeof(raw)));
}

static void draw_cell(const struct painter *painter, int row, int col, size_t index,
		      unsigned column, bool selected)
{
	const struct table_column *about = &painter->table->columns[column];
	int cols = painter->widths[column];
	char text[TEXT_SIZE], cut[TEXT_SIZE];
	enum style style =
	    selected ? STYLE_SELECTED : painter->table->style(painter->source->rows, index, column);

	cell_text(painter, index, column, text, sizeof(text));
	/* A name moves no further than it takes to see its end. */
	int over = text_width(text) - cols;

	if (about->scrolls && painter->state->scroll > 0 && over > 0)
		put_aligned(
		    painter->grid, row, col, cols, true, style,
		    text_skip(text, painter->state->scroll < over ? painter->state->scroll : over));
	else if (painter->table->is_prose &&
		 painter->table->is_prose(painter->source->rows, index, column))
		put_aligned(painter->grid, row, col, cols, about->text, style,
			    text_cut(cut, sizeof(cut), text, cols, painter->glyphs->ellipsis));
	else
		put_aligned(painter->grid, row, col, cols, about->text, style,
			    text_shorten(cut, sizeof(cut), text, cols, painter->glyphs->ellipsis));
}

static void draw_row(const struct painter *painter, int row, size_t position, bool selected)
{
	size_t index = view_index(&painter->state->view, position);
	int col = painter->rect.col + 1;

	if (selected) {
		grid_fill(painter->grid, row, painter->rect.col, painter->rect.cols, STYLE_SELECTED, " ");
		grid_put(painter->grid, row, painter->rect.col, 1, STYLE_SELECTED, ">");
	}
	for (unsigned i = 0; i < painter->table->column_count; i++) {
		if (painter->widths[i] == 0)
			continue;
		draw_cell(painter, row, col, index, i, selected);
		col += painter->widths[i] + 1;
	}
}

/* Keeps the position in the range that the names on the screen can use. */
static void limit_scroll(const struct painter *painter, size_t first, size_t end)
{
	const struct view *view = &painter->state->view;
	char text[TEXT_SIZE];
	int most = 0;

	if (painter->state->scroll == 0)
		return;
	for (unsigned i = 0; i < painter->table->column_count; i++) {
		if (!painter->table->columns[i].scrolls || painter->widths[i] == 0)
			continue;
		for (size_t at = first; at < end; at++) {
			cell_text(painter, view_index(view, at), i, text, sizeof(text));

			int over = text_width(text) - painter->widths[i];

			if (over > most)
				most = over;
		}
	}
	if (painter->state->scroll > most)
		painter->state->scroll = most;
}

void table_draw(const struct table *table, struct table_state *state,
		const struct view_source *source, bool focused, const struct glyphs *glyphs,
		struct grid *grid, struct rect rect)
{
	struct painter painter = {table, state, source, glyphs, grid, rect, state->widths};
	const struct view *view = &state->view;
	size_t room = rect.rows > 1 ? (size_t)rect.rows - 1 : 0;
	size_t end = view->count - view->top < room ? view->count : view->top + room;

	find_widths(&painter);
	if (rect.rows > 0)
		draw_titles(&painter);
	limit_scroll(&painter, view->top, end);
	for (size_t at = view->top; at < end; at++)
		draw_row(&painter, rect.row + 1 + (int)(at - view->top), at,
			 focused && at == view->selected);
}

bool table_column_can_go(const struct table_column *column)
{
	return column->layout.wants == 0;
}

int table_column_at(const struct table *table, const struct table_state *state, int col)
{
	int end = 1;

	for (size_t i = 0; i < table->column_count; i++) {
		if (state->widths[i] == 0)
			continue;
		end += state->widths[i] + 1;
		if (col < end)
			return (int)i;
	}
	return -1;
}
