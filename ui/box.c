#include "config.h"

#include "box.h"

struct rect box_place(const struct grid *grid, int cols, size_t lines)
{
	struct rect box = {0, 0, grid_rows(grid) - 1, cols};

	if (box.cols > grid_cols(grid))
		box.cols = grid_cols(grid);
	if ((size_t)box.rows > lines + 2)
		box.rows = (int)lines + 2;
	box.col = (grid_cols(grid) - box.cols) / 2;
	box.row = (grid_rows(grid) - 1 - box.rows) / 2;
	return box;
}

void box_draw(struct grid *grid, const struct glyphs *glyphs, struct rect box, const char *title,
	      const char *hint)
{
	int last_row = box.row + box.rows - 1, last_col = box.col + box.cols - 1;

	for (int row = box.row; row <= last_row; row++) {
		grid_fill(grid, row, box.col, box.cols, STYLE_NORMAL,
			  row == box.row || row == last_row ? glyphs->rule : " ");
		grid_put(grid, row, box.col, 1, STYLE_NORMAL, glyphs->bar);
		grid_put(grid, row, last_col, 1, STYLE_NORMAL, glyphs->bar);
	}
	grid_put(grid, box.row, box.col, 1, STYLE_NORMAL, glyphs->corners[0]);
	grid_put(grid, box.row, last_col, 1, STYLE_NORMAL, glyphs->corners[1]);
	grid_put(grid, last_row, box.col, 1, STYLE_NORMAL, glyphs->corners[2]);
	grid_put(grid, last_row, last_col, 1, STYLE_NORMAL, glyphs->corners[3]);
	grid_put(grid, box.row, box.col + 2, box.cols - 4, STYLE_TITLE, title);
	grid_put(grid, last_row, box.col + 2, box.cols - 4, STYLE_MUTED, hint);
}
