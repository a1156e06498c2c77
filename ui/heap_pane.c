/*
 * The pane of allocation sites that hold memory.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"
#include "spark.h"

enum {
	COLUMN_GROWTH = HEAP_COLUMN_LIVE + 1,
	COLUMN_OBJECTS,
	COLUMN_ALLOC,
	COLUMN_FREED,
	COLUMN_PEAK,
	COLUMN_TREND,
	COLUMN_LEAK,
	COLUMN_SITE,
	COLUMN_WHERE,
};

/* Growth that deserves a look, in bytes per second. */
static const double hot_growth = 1024.0;

static const struct table_column columns[] = {
    [HEAP_COLUMN_LIVE] =
	{"LIVE", "bytes allocated here and not freed", {7, 7, 0, false}, false, false},
    [COLUMN_GROWTH] =
	{"GROWTH/s", "change of LIVE per second, lately", {9, 9, 1, false}, false, false},
    [COLUMN_OBJECTS] =
	{"OBJS", "objects allocated here and not freed", {6, 6, 5, false}, false, false},
    [COLUMN_ALLOC] =
	{"ALLOC", "bytes allocated here since attachment", {7, 7, 4, false}, false, false},
    [COLUMN_FREED] = {"FREED", "bytes of those freed again", {7, 7, 6, false}, false, false},
    [COLUMN_PEAK] = {"PEAK", "highest LIVE seen", {7, 7, 7, false}, false, false},
    [COLUMN_TREND] = {"TREND", "LIVE over the last minute", {12, 12, 8, false}, false, false},
    [COLUMN_LEAK] = {"LEAK",
		     "leak suspect: HIGH, MED, LOW; const: grows no more",
		     {5, 5, 3, false},
		     false,
		     false},
    [COLUMN_SITE] = {"SITE", "function that allocates", {20, 20, 0, true}, true, true},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 32, 2, false}, true, false},
};

static uint64_t site_id(const void *rows, size_t index)
{
	return ((const struct snapshot_site *)rows)[index].id;
}

static int compare_sites(const void *rows, size_t a_index, size_t b_index, unsigned column)
{
	const struct snapshot_site *a = &((const struct snapshot_site *)rows)[a_index];
	const struct snapshot_site *b = &((const struct snapshot_site *)rows)[b_index];

	switch (column) {
	case HEAP_COLUMN_LIVE:
		return cell_compare_count(a->live_bytes, b->live_bytes);
	case COLUMN_GROWTH:
		return cell_compare_double(a->growth_bytes_per_s, b->growth_bytes_per_s);
	case COLUMN_OBJECTS:
		return cell_compare_count(a->live_objects, b->live_objects);
	case COLUMN_ALLOC:
		return cell_compare_count(a->alloc_bytes, b->alloc_bytes);
	case COLUMN_FREED:
		return cell_compare_count(a->freed_bytes, b->freed_bytes);
	case COLUMN_PEAK:
		return cell_compare_count(a->peak_bytes, b->peak_bytes);
	case COLUMN_TREND:
		return cell_compare_double(a->leak.slope_bytes_per_s, b->leak.slope_bytes_per_s);
	case COLUMN_LEAK:
		return cell_compare_double(a->leak.score, b->leak.score);
	case COLUMN_WHERE:
		return cell_compare_place(a->file, a->line, b->file, b->line);
	default:
		return cell_compare_text(a->function, b->function);
	}
}

static const char *site_cell(const void *rows, size_t index, const struct table_cell *cell,
			     char *buf, size_t size)
{
	const struct snapshot_site *site = &((const struct snapshot_site *)rows)[index];

	switch (cell->column) {
	case HEAP_COLUMN_LIVE:
		return fmt_bytes(buf, size, site->live_bytes);
	case COLUMN_GROWTH:
		if (isnan(site->growth_bytes_per_s))
			return "-";
		return fmt_bytes_signed(buf, size, site->growth_bytes_per_s, "");
	case COLUMN_OBJECTS:
		return fmt_count(buf, size, site->live_objects);
	case COLUMN_ALLOC:
		return fmt_bytes(buf, size, site->alloc_bytes);
	case COLUMN_FREED:
		return fmt_bytes(buf, size, site->freed_bytes);
	case COLUMN_PEAK:
		return fmt_bytes(buf, size, site->peak_bytes);
	case COLUMN_TREND:
		return spark_line(buf, size, site->trend, SNAPSHOT_TREND, cell->glyphs);
	case COLUMN_LEAK:
		return site->leak.level == LEAK_NONE ? "-" : leak_level_name(site->leak.level);
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, site->file, site->line,
				  site->module ? site->module : "?");
	default:
		return site->function ? site->function : "?";
	}
}

static enum style site_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_site *site = &((const struct snapshot_site *)rows)[index];

	if (column == COLUMN_WHERE || site->live_bytes == 0)
		return STYLE_MUTED;
	if (column == COLUMN_GROWTH && site->growth_bytes_per_s >= hot_growth)
		return STYLE_HOT;
	if (column == COLUMN_LEAK && site->leak.level == LEAK_HIGH)
		return STYLE_WARN;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_site *site = &((const struct snapshot_site *)rows)[index];

	return cell_search_part(part, site->function, site->module, site->file);
}

static struct view_source site_source(const struct snapshot *snapshot,
				      const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->sites,
	    .count = snapshot->heap.state == CHANNEL_ON ? snapshot->site_count : 0,
	    .id = site_id,
	    .compare = compare_sites,
	    .text = row_text,
	};
}

static bool is_off(const struct snapshot *snapshot)
{
	return snapshot->heap.state == CHANNEL_OFF;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_heap *heap = &snapshot->heap;

	if (heap->state == CHANNEL_OFF)
		snprintf(buf, size, "heap tracking is off: %s", heap->reason ? heap->reason : "?");
	else if (snapshot->target.exited)
		snprintf(buf, size, "no allocations: the target exited before it made one");
	else
		snprintf(buf, size,
			 "no allocations yet: only those made since attachment are seen");
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	const struct snapshot_heap *heap = &snapshot->heap;

	(void)choice;
	buf[0] = '\0';
	if (heap->state == CHANNEL_OFF)
		return;
	snprintf(buf, size, "since attachment%s%s", heap->reason ? "; " : "",
		 heap->reason ? heap->reason : "");
}

const struct pane *heap_pane_get(void)
{
	static const struct pane pane = {
	    .name = "HEAP",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), site_cell, site_style},
	    .first_sort = HEAP_COLUMN_LIVE,
	    .source = site_source,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
