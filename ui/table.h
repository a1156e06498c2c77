/*
 * The table that both panes are: names of columns, rows in the order of a view, one row selected.
 * What the columns are and say comes from a `struct table`.
 */
#ifndef RSP_UI_TABLE_H
#define RSP_UI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glyphs.h"
#include "grid.h"
#include "layout.h"
#include "view.h"

enum { TABLE_COLUMNS = 16 };

struct table_column {
	const char *title;
	const char *help;	     /* one line */
	struct layout_column layout; /* `min` has room for the title and the mark of the order */
	bool text;		     /* left-aligned, sorted from A */
	bool scrolls;		     /* moved by sideways scrolling */
};

/* What a cell has to know about its place. */
struct table_cell {
	unsigned column;
	int cols;
	uint32_t shown; /* a bit for each column on the screen */
	const struct glyphs *glyphs;
};

struct table {
	const struct table_column *columns;
	size_t column_count; /* at most TABLE_COLUMNS */
	/* The raw text of a cell: in `buf` or borrowed from the row. */
	const char *(*cell)(const void *rows, size_t index, const struct table_cell *cell,
			    char *buf, size_t size);
	enum style (*style)(const void *rows, size_t index, unsigned column);
	/* NULL, or whether a cell is a sentence, which is cut at its end and not in the middle. */
	bool (*is_prose)(const void *rows, size_t index, unsigned column);
};

/* How a table is drawn now, and what drawing found out. */
struct table_state {
	struct view view;
	int scroll;	/* columns that names are moved; cut down to what there is */
	uint32_t hidden; /* columns that have nothing to show now */
	uint32_t off;	 /* columns that the user does not want */
	uint32_t shown; /* columns on the screen, from the last draw */
	int widths[TABLE_COLUMNS]; /* of them; 0: not on the screen */
};

/*
 * Draws names of columns and rows into the rectangle. `state->view` is up to date with `source`;
 * only a focused table shows its selection.
 */
void table_draw(const struct table *table, struct table_state *state,
		const struct view_source *source, bool focused, const struct glyphs *glyphs,
		struct grid *grid, struct rect rect);

/* Whether a column can be left out: the one with the names cannot. */
bool table_column_can_go(const struct table_column *column);

/* The column whose title was drawn at this column of the screen, -1: none. */
int table_column_at(const struct table *table, const struct table_state *state, int col);

#endif
