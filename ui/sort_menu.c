#include "config.h"

#include "sort_menu.h"

#include <stdio.h>

#include "text.h"

enum { BOX_COLS = 64, TITLE_COLS = 10, LINE_SIZE = 160 };

size_t sort_menu_draw(struct grid *grid, const struct glyphs *glyphs, const struct table *table,
		      const char *name, size_t selected)
{
	struct rect box = box_place(grid, BOX_COLS, table->column_count);
	size_t page = box.rows > 2 ? (size_t)box.rows - 2 : 1;
	size_t top = selected < page ? 0 : selected - page + 1;
	char title[LINE_SIZE];

	snprintf(title, sizeof(title), " Sort %s by ", name);
	box_draw(grid, glyphs, box, title, " Enter sorts, Esc closes ");
	for (size_t i = 0; i < page && top + i < table->column_count; i++) {
		const struct table_column *column = &table->columns[top + i];
		enum style style = top + i == selected ? STYLE_SELECTED : STYLE_NORMAL;
		int row = box.row + 1 + (int)i, col = box.col + 1, cols = box.cols - 2;

		grid_fill(grid, row, col, cols, style, " ");
		grid_put(grid, row, col, 1, style, top + i == selected ? ">" : " ");
		grid_put(grid, row, col + 1, TITLE_COLS, style == STYLE_NORMAL ? STYLE_KEY : style,
			 column->title);
		grid_put(grid, row, col + 2 + TITLE_COLS, cols - 2 - TITLE_COLS, style,
			 column->help);
	}
	return page;
}
