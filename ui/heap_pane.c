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
#include "view_block.h"

enum {
	COLUMN_CHANGE = HEAP_COLUMN_LIVE + 1,
	COLUMN_BAR,
	COLUMN_GROWTH,
	COLUMN_RATE,
	COLUMN_OBJECTS,
	COLUMN_ALLOC,
	COLUMN_FREED,
	COLUMN_PEAK,
	COLUMN_OLDEST,
	COLUMN_TREND,
	COLUMN_LEAK,
	COLUMN_THREAD,
	COLUMN_SITE,
	COLUMN_WHERE,
};

/* What the thread is among a row's texts: the last. */
enum { THREAD_PART = VIEW_LAST_PART + 1 };

/* Columns that nothing is known of where frees are not seen, a bit for each. */
enum {
	OF_WHAT_LIVES = 1 << HEAP_COLUMN_LIVE | 1 << COLUMN_CHANGE | 1 << COLUMN_BAR |
			1 << COLUMN_GROWTH | 1 << COLUMN_OBJECTS | 1 << COLUMN_FREED |
			1 << COLUMN_PEAK | 1 << COLUMN_OLDEST | 1 << COLUMN_TREND | 1 << COLUMN_LEAK,
};

/* Growth that deserves a look, in bytes per second. */
static const double hot_growth = 1024.0;

static const struct table_column columns[] = {
    [HEAP_COLUMN_LIVE] =
	{"LIVE", "bytes allocated here and not freed", {7, 7, 0, 0}, false, false},
    [COLUMN_CHANGE] =
	{"+/-", "change of LIVE since the baseline (b marks it)", {8, 8, 3, 0}, false, false},
    [COLUMN_BAR] = {"BAR", "LIVE, the largest one is a full bar", {8, 8, 12, 0}, true, false},
    [COLUMN_GROWTH] =
	{"GROWTH/s", "change of LIVE per second, lately", {9, 9, 1, 0}, false, false},
    [COLUMN_RATE] =
	{"ALLOC/s", "bytes allocated per second, lately", {8, 8, 6, 0}, false, false},
    [COLUMN_OBJECTS] =
	{"OBJS", "objects allocated here and not freed", {6, 6, 8, 0}, false, false},
    [COLUMN_ALLOC] = {"ALLOC",
		      "bytes allocated since attachment, or the reset (z)",
		      {7, 7, 9, 0},
		      false,
		      false},
    [COLUMN_FREED] = {"FREED", "bytes freed in that time", {7, 7, 10, 0}, false, false},
    [COLUMN_PEAK] = {"PEAK", "highest LIVE seen", {7, 7, 11, 0}, false, false},
    [COLUMN_OLDEST] = {"OLDEST", "age of the oldest live object", {7, 7, 7, 0}, false, false},
    [COLUMN_TREND] = {"TREND", "LIVE over the last minute", {6, 12, 5, 0}, true, false},
    [COLUMN_LEAK] = {"LEAK",
		     "leak suspect: HIGH, MED, LOW; const: grows no more",
		     {5, 5, 3, 0},
		     false,
		     false},
    [COLUMN_THREAD] = {"THREAD", "which thread allocates: name and number, with l", {12, 24, 0, 0}, true, false},
    [COLUMN_SITE] = {"SITE", "function that allocates", {20, 96, 0, 32}, true, true},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 80, 2, 0}, true, false},
};

static uint64_t site_id(const void *rows, size_t index)
{
	return ((const struct snapshot_site *)rows)[index].id;
}

static struct view_key site_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_site *row = &((const struct snapshot_site *)rows)[index];

	switch (column) {
	case HEAP_COLUMN_LIVE:
	case COLUMN_BAR:
		return view_number((double)row->live_bytes);
	case COLUMN_CHANGE:
		return view_number(row->change_bytes);
	case COLUMN_GROWTH:
		return view_number(row->growth_bytes_per_s);
	case COLUMN_RATE:
		return view_number(row->alloc_bytes_per_s);
	case COLUMN_OLDEST:
		return view_number(row->oldest_s);
	case COLUMN_OBJECTS:
		return view_number((double)row->live_objects);
	case COLUMN_ALLOC:
		return view_number((double)row->since_alloc_bytes);
	case COLUMN_FREED:
		return view_number((double)row->since_freed_bytes);
	case COLUMN_PEAK:
		return view_number((double)row->peak_bytes);
	case COLUMN_TREND:
		return view_number(row->leak.slope_bytes_per_s);
	case COLUMN_LEAK:
		return view_number(row->leak.score);
	case COLUMN_THREAD:
		return view_text(row->thread);
	case COLUMN_WHERE:
		return view_place(row->file, row->line);
	default:
		return view_text(row->function);
	}
}

static const char *change(char *buf, size_t size, double bytes)
{
	return isnan(bytes) ? "-" : fmt_bytes_signed(buf, size, bytes, "");
}

/* Sites come by live bytes. */
static double share_of_largest(const struct snapshot_site *sites, const struct snapshot_site *site)
{
	if (sites->live_bytes == 0 || sites->live_bytes == SNAPSHOT_UNKNOWN)
		return 0;
	return (double)site->live_bytes / (double)sites->live_bytes;
}

static const char *site_cell(const void *rows, size_t index, const struct table_cell *cell,
			     char *buf, size_t size)
{
	const struct snapshot_site *site = &((const struct snapshot_site *)rows)[index];

	switch (cell->column) {
	case HEAP_COLUMN_LIVE:
		return fmt_bytes(buf, size, site->live_bytes);
	case COLUMN_CHANGE:
		return change(buf, size, site->change_bytes);
	case COLUMN_BAR:
		return spark_bar(buf, size, share_of_largest(rows, site), cell->cols, cell->glyphs);
	case COLUMN_GROWTH:
		return change(buf, size, site->growth_bytes_per_s);
	case COLUMN_RATE:
		if (isnan(site->alloc_bytes_per_s) || site->alloc_bytes_per_s < 0)
			return "-";
		return fmt_bytes(buf, size, (uint64_t)site->alloc_bytes_per_s);
	case COLUMN_OLDEST:
		return isnan(site->oldest_s) ? "-" : fmt_duration(buf, size, site->oldest_s);
	case COLUMN_OBJECTS:
		return fmt_count(buf, size, site->live_objects);
	case COLUMN_ALLOC:
		return fmt_bytes(buf, size, site->since_alloc_bytes);
	case COLUMN_FREED:
		return fmt_bytes(buf, size, site->since_freed_bytes);
	case COLUMN_PEAK:
		return fmt_bytes(buf, size, site->peak_bytes);
	case COLUMN_TREND:
		return cell_trend(buf, size, site->trend, cell);
	case COLUMN_LEAK:
		return site->leak.level == LEAK_NONE ? "-" : leak_level_name(site->leak.level);
	case COLUMN_THREAD:
		return site->thread ? site->thread : "-";
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

	if (column == COLUMN_WHERE || column == COLUMN_TREND || site->live_bytes == 0)
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

	if (part == THREAD_PART)
		return site->thread;
	return cell_search_part(part, site->function, site->module, site->file);
}

static void fetch(const void *rows, size_t index)
{
	cell_fetch(&((const struct snapshot_site *)rows)[index]);
}

static void take(const void *rows, struct view_block *block)
{
	view_take(rows, block, site_id, site_key, row_text, fetch);
}

static struct view_source site_source(const struct snapshot *snapshot,
				      const struct pane_choice *choice)
{
	return (struct view_source){
	    .rows = choice->sites,
	    .count = snapshot->heap.state == CHANNEL_ON ? choice->site_count : 0,
	    .id = site_id,
	    .key = site_key,
	    .text = row_text,
	    .lasting = choice->shown_group != GROUP_THREAD, /* whose name may change */
	    .instead = snapshot->heap.frees_unknown ? COLUMN_ALLOC : HEAP_COLUMN_LIVE,
	    .take = take,
	};
}

static uint32_t hidden(const struct snapshot *snapshot)
{
	uint32_t nothing = isnan(snapshot->baseline_s) ? UINT32_C(1) << COLUMN_CHANGE : 0;

	if (snapshot->group != GROUP_THREAD)
		nothing |= UINT32_C(1) << COLUMN_THREAD;
	/* What a module has none of. */
	if (snapshot->group == GROUP_MODULE)
		nothing |= UINT32_C(1) << COLUMN_PEAK | UINT32_C(1) << COLUMN_LEAK |
			   UINT32_C(1) << COLUMN_WHERE;
	if (snapshot->heap.frees_unknown)
		nothing |= OF_WHAT_LIVES;
	return nothing;
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
	const char *group = choice->shown_group == GROUP_THREAD ? "by thread, " : "by module, ";
	char time[FMT_SIZE], waiting[PANE_WAITING];

	buf[0] = '\0';
	if (heap->state == CHANNEL_OFF)
		return;
	snprintf(buf, size, "%ssince attachment%s%s%s%s%s",
		 choice->sites_grouped ? group : "",
		 isnan(snapshot->reset_s) ? "" : ", ALLOC and FREED for ",
		 isnan(snapshot->reset_s) ? ""
					  : fmt_duration(time, sizeof(time), snapshot->reset_s),
		 pane_waiting(waiting, "stacks", heap->stacks_pending),
		 heap->reason ? "; " : "", heap->reason ? heap->reason : "");
}

const struct pane *heap_pane_get(void)
{
	static const struct pane pane = {
	    .name = "HEAP",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), site_cell, site_style},
	    .first_sort = HEAP_COLUMN_LIVE,
	    .source = site_source,
	    .hidden = hidden,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
