/*
 * The pane of functions with what they use of the CPU and of the heap.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"

enum {
	COLUMN_SELF,
	COLUMN_TOTAL,
	COLUMN_LIVE,
	COLUMN_GROWTH,
	COLUMN_ALLOC,
	COLUMN_FUNCTION,
	COLUMN_WHERE,
};

/* Columns that nothing is known of without samples, and where frees are not seen, a bit for each. */
enum { OF_SAMPLES = 1 << COLUMN_SELF | 1 << COLUMN_TOTAL, OF_WHAT_LIVES = 1 << COLUMN_LIVE | 1 << COLUMN_GROWTH };

static const double hot_pct = 10.0, hot_growth = 1024.0;

static const struct table_column columns[] = {
    [COLUMN_SELF] = {"SELF%", "share of CPU samples in itself", {6, 6, 0, 0}, false, false},
    [COLUMN_TOTAL] = {"TOTAL%",
		      "share of CPU samples in it or in what it called",
		      {7, 7, 3, 0},
		      false,
		      false},
    [COLUMN_LIVE] = {"LIVE",
		     "bytes allocated by it, as the site, and not freed",
		     {7, 7, 0, 0},
		     false,
		     false},
    [COLUMN_GROWTH] = {"GROWTH/s", "of LIVE, lately", {9, 9, 4, 0}, false, false},
    [COLUMN_ALLOC] =
	{"ALLOC/s", "bytes it allocates per second, lately", {8, 8, 1, 0}, false, false},
    [COLUMN_FUNCTION] =
	{"FUNCTION", "one row for each; [k]: kernel", {20, 96, 0, 30}, true, true},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 80, 2, 0}, true, false},
};

static const struct snapshot_combined *row_at(const void *rows, size_t index)
{
	return &((const struct snapshot_combined *)rows)[index];
}

static uint64_t row_id(const void *rows, size_t index)
{
	return row_at(rows, index)->id;
}

static double live(const struct snapshot_combined *row)
{
	return row->live_bytes == SNAPSHOT_UNKNOWN ? (double)NAN : (double)row->live_bytes;
}

static struct view_key row_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_combined *row = row_at(rows, index);

	switch (column) {
	case COLUMN_SELF:
		return view_number(row->self_pct);
	case COLUMN_TOTAL:
		return view_number(row->total_pct);
	case COLUMN_LIVE:
		return view_number(live(row));
	case COLUMN_GROWTH:
		return view_number(row->growth_bytes_per_s);
	case COLUMN_ALLOC:
		return view_number(row->alloc_bytes_per_s);
	case COLUMN_WHERE:
		return view_place(row->file, row->line);
	default:
		return view_text(row->name);
	}
}

static const char *percent(char *buf, size_t size, double value)
{
	return isnan(value) ? "-" : fmt_percent(buf, size, value);
}

/* A function of the kernel's, that does not say so itself. */
static bool is_marked(const struct snapshot_combined *row)
{
	return row->kernel && row->name && row->name[0] != '[';
}

static const char *row_cell(const void *rows, size_t index, const struct table_cell *cell,
			    char *buf, size_t size)
{
	const struct snapshot_combined *row = row_at(rows, index);

	switch (cell->column) {
	case COLUMN_SELF:
		return percent(buf, size, row->self_pct);
	case COLUMN_TOTAL:
		return percent(buf, size, row->total_pct);
	case COLUMN_LIVE:
		return row->live_bytes == SNAPSHOT_UNKNOWN ? "-"
							   : fmt_bytes(buf, size, row->live_bytes);
	case COLUMN_GROWTH:
		return isnan(row->growth_bytes_per_s)
			   ? "-"
			   : fmt_bytes_signed(buf, size, row->growth_bytes_per_s, "");
	case COLUMN_ALLOC:
		return row->alloc_bytes_per_s >= 0
			   ? fmt_bytes(buf, size, (uint64_t)row->alloc_bytes_per_s)
			   : "-";
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, row->file, row->line,
				  row->module ? row->module : "?");
	default:
		snprintf(buf, size, "%s%s", is_marked(row) ? "[k] " : "", row->name ? row->name : "?");
		return buf;
	}
}

/* Whether the cell says 0. */
static bool is_nothing(const struct snapshot_combined *row, unsigned column)
{
	switch (column) {
	case COLUMN_SELF:
		return row->self_pct < 0.05;
	case COLUMN_TOTAL:
		return row->total_pct < 0.05;
	case COLUMN_LIVE:
		return row->live_bytes == 0;
	case COLUMN_GROWTH:
		return fabs(row->growth_bytes_per_s) < 0.5;
	case COLUMN_ALLOC:
		return row->alloc_bytes_per_s < 1;
	default:
		return false;
	}
}

static enum style row_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_combined *row = row_at(rows, index);

	if (column == COLUMN_WHERE || is_nothing(row, column))
		return STYLE_MUTED;
	if (row->self_pct >= hot_pct && column != COLUMN_LIVE && column != COLUMN_GROWTH)
		return STYLE_HOT;
	if (column == COLUMN_GROWTH && row->growth_bytes_per_s >= hot_growth)
		return STYLE_HOT;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_combined *row = row_at(rows, index);

	return cell_search_part(part, row->name, row->module, row->file);
}

/* What stands for the order by a column of which nothing is known. */
static unsigned instead(const struct snapshot *snapshot)
{
	if (snapshot->heap.state == CHANNEL_OFF)
		return COLUMN_SELF;
	return snapshot->heap.frees_unknown ? COLUMN_ALLOC : COLUMN_LIVE;
}

static struct view_source row_source(const struct snapshot *snapshot,
				     const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->combined,
	    .count = snapshot->combined_count,
	    .id = row_id,
	    .key = row_key,
	    .text = row_text,
	    .lasting = true,
	    .instead = instead(snapshot),
	};
}

static uint32_t hidden(const struct snapshot *snapshot)
{
	uint32_t nothing = snapshot->cpu.state == CHANNEL_OFF ? OF_SAMPLES : 0;

	if (snapshot->heap.state == CHANNEL_OFF)
		nothing |= OF_WHAT_LIVES | 1 << COLUMN_ALLOC;
	else if (snapshot->heap.frees_unknown)
		nothing |= OF_WHAT_LIVES;
	return nothing;
}

static bool is_off(const struct snapshot *snapshot)
{
	return snapshot->cpu.state == CHANNEL_OFF && snapshot->heap.state == CHANNEL_OFF;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	snprintf(buf, size, "%s",
		 !snapshot->request.combined
		     ? "this is not in what was frozen: p resumes the display"
		     : cell_no_samples(snapshot));
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	const char *cpu = snapshot->cpu.reason, *heap = snapshot->heap.reason;

	(void)choice;
	snprintf(buf, size, "since attachment%s%s%s%s%s",
		 snapshot->request.fold_kernel ? "" : ", kernel unfolded",
		 snapshot->cpu.state == CHANNEL_OFF ? "; no CPU: " : "",
		 snapshot->cpu.state == CHANNEL_OFF && cpu ? cpu : "",
		 snapshot->heap.state == CHANNEL_OFF ? "; no heap: " : "",
		 snapshot->heap.state == CHANNEL_OFF && heap ? heap : "");
}

const struct pane *combined_pane_get(void)
{
	static const struct pane pane = {
	    .name = "COMBINED",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), row_cell, row_style},
	    .first_sort = COLUMN_SELF,
	    .source = row_source,
	    .hidden = hidden,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
