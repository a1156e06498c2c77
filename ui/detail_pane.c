/*
 * The pane of one function or site in detail.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "detail.h"
#include "fmt.h"
#include "pane.h"

enum { COLUMN_SHARE, COLUMN_AMOUNT, COLUMN_TEXT };

static const struct table_column columns[] = {
    [COLUMN_SHARE] = {"SHARE%", "of the stack or of the age", {7, 7, 1, 0}, false, false},
    [COLUMN_AMOUNT] = {"AMOUNT", "samples or bytes of it", {7, 7, 2, 0}, false, false},
    [COLUMN_TEXT] =
	{"DETAIL", "of the row that Enter was pressed on", {30, 250, 0, 30}, true, true},
};

static const struct detail_row *row_at(const void *rows, size_t index)
{
	return &((const struct detail_row *)rows)[index];
}

static uint64_t row_id(const void *rows, size_t index)
{
	(void)rows;
	return index;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	return cell_search_part(part, row_at(rows, index)->text, NULL, NULL);
}

static const char *row_cell(const void *rows, size_t index, const struct table_cell *cell,
			    char *buf, size_t size)
{
	const struct detail_row *row = row_at(rows, index);

	switch (cell->column) {
	case COLUMN_SHARE:
		return isnan(row->pct) ? "" : fmt_percent(buf, size, row->pct);
	case COLUMN_AMOUNT:
		return row->amount;
	default:
		return row->text;
	}
}

static enum style row_style(const void *rows, size_t index, unsigned column)
{
	(void)column;
	return row_at(rows, index)->style;
}

static bool is_prose(const void *rows, size_t index, unsigned column)
{
	return column == COLUMN_TEXT && !row_at(rows, index)->name;
}

static struct view_source row_source(const struct snapshot *snapshot,
				     const struct pane_choice *choice)
{
	(void)snapshot;
	return (struct view_source){
	    .rows = choice->detail->rows,
	    .count = choice->detail->count,
	    .id = row_id,
	    .text = row_text,
	};
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	(void)snapshot;
	snprintf(buf, size,
		 "nothing is known of it now; Esc goes back");
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	(void)snapshot;
	snprintf(buf, size, "%s",
		 choice->detail->kind == DETAIL_SITE	   ? "of a site, Esc goes back"
		 : choice->detail->kind == DETAIL_GROWTH   ? "of a growth site, Esc goes back"
		 : choice->detail->kind == DETAIL_FUNCTION ? "of a function, Esc goes back"
							   : "");
}

const struct pane *detail_pane_get(void)
{
	static const struct pane pane = {
	    .name = "DETAIL",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), row_cell, row_style, is_prose},
	    .first_sort = COLUMN_TEXT,
	    .source = row_source,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
