#include "config.h"

#include "setup_menu.h"

#include <stdio.h>

enum { BOX_COLS = 74, MARK_COLS = 4, TITLE_COLS = 12, LINE_SIZE = 160 };

static const char *theme_text(enum theme theme)
{
	switch (theme) {
	case THEME_DARK:
		return "for a dark background";
	case THEME_LIGHT:
		return "for a light background";
	default:
		return "for what the terminal says of itself, else dark";
	}
}

size_t setup_menu_lines(const struct pane *pane)
{
	return pane->table.column_count + 1;
}

static void draw_line(struct grid *grid, struct rect rect, bool selected, const char *mark,
		      const char *title, const char *help)
{
	enum style style = selected ? STYLE_SELECTED : STYLE_NORMAL;
	int col = rect.col + 1 + MARK_COLS, end = rect.col + rect.cols;

	grid_fill(grid, rect.row, rect.col, rect.cols, style, " ");
	grid_put(grid, rect.row, rect.col, 1, style, selected ? ">" : " ");
	grid_put(grid, rect.row, rect.col + 1, MARK_COLS, style, mark);
	grid_put(grid, rect.row, col, TITLE_COLS, selected ? style : STYLE_KEY, title);
	col += TITLE_COLS + 1;
	grid_put(grid, rect.row, col, end - col, style, help);
}

static void draw_column(struct grid *grid, struct rect rect, bool selected,
			const struct table_column *column, bool off)
{
	const char *mark = off ? "[ ]" : "[x]";

	draw_line(grid, rect, selected, table_column_can_go(column) ? mark : "", column->title,
		  column->help);
}

void setup_menu_draw(struct grid *grid, const struct glyphs *glyphs, const struct pane *pane,
		     uint32_t off, enum theme theme, size_t selected)
{
	size_t lines = setup_menu_lines(pane);
	struct rect box = box_place(grid, BOX_COLS, lines);
	size_t page = box.rows > 2 ? (size_t)box.rows - 2 : 1;
	size_t top = selected < page ? 0 : selected - page + 1;
	char title[LINE_SIZE];

	snprintf(title, sizeof(title), " Colours, and columns of %s ", pane->name);
	box_draw(grid, glyphs, box, title, " Space changes, Esc closes ");
	for (size_t i = top; i < top + page && i < lines; i++) {
		struct rect rect = {box.row + 1 + (int)(i - top), box.col + 1, 1, box.cols - 2};

		if (i == 0)
			draw_line(grid, rect, i == selected, "", "Colours", theme_text(theme));
		else
			draw_column(grid, rect, i == selected, &pane->table.columns[i - 1],
				    off >> (i - 1) & 1);
	}
}
