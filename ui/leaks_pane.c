/*
 * The pane of sites that are suspected to leak, with the evidence.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"

enum {
	COLUMN_LEVEL,
	COLUMN_SLOPE,
	COLUMN_ERROR,
	COLUMN_OLD,
	COLUMN_OLDEST,
	COLUMN_LIVE,
	COLUMN_SITE,
	COLUMN_WHERE,
	COLUMN_EVIDENCE,
};

static const struct table_column columns[] = {
    [COLUMN_LEVEL] =
	{"LEVEL", "HIGH: a sure leak; MED, LOW: less so", {6, 6, 0, 0}, false, false},
    [COLUMN_SLOPE] =
	{"GROWTH/min", "of LIVE, a line through the series", {11, 11, 1, 0}, false, false},
    [COLUMN_ERROR] = {"+/-", "half its 95 % confidence interval", {7, 7, 5, 0}, false, false},
    [COLUMN_OLD] = {"OLD%", "share of LIVE older than a minute", {5, 5, 4, 0}, false, false},
    [COLUMN_OLDEST] = {"OLDEST", "age of the oldest live object", {7, 7, 6, 0}, false, false},
    [COLUMN_LIVE] = {"LIVE", "bytes allocated here and not freed", {7, 7, 3, 0}, false, false},
    [COLUMN_SITE] = {"SITE", "function that allocates", {26, 64, 0, 0}, true, true},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 60, 7, 0}, true, false},
    [COLUMN_EVIDENCE] =
	{"EVIDENCE", "what speaks for a leak, and against", {20, 120, 2, 20}, true, true},
};

static const struct snapshot_site *site_at(const void *rows, size_t index)
{
	return ((const struct snapshot_site *const *)rows)[index];
}

static uint64_t suspect_id(const void *rows, size_t index)
{
	return site_at(rows, index)->id;
}

/* Share of the live bytes that are older than a minute, in per cent. */
static double old_pct(const struct snapshot_site *site)
{
	double all = ages_bytes_from(&site->ages, AGE_0S);

	if (!site->ages_known || all <= 0)
		return (double)NAN;
	return 100 * ages_bytes_from(&site->ages, AGE_1MIN) / all;
}

static struct view_key suspect_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_site *row = site_at(rows, index);

	switch (column) {
	case COLUMN_SLOPE:
		return view_number(row->leak.slope_bytes_per_s);
	case COLUMN_ERROR:
		return view_number(row->leak.slope_half_width);
	case COLUMN_OLD:
		return view_number(old_pct(row));
	case COLUMN_OLDEST:
		return view_number(row->oldest_s);
	case COLUMN_LIVE:
		return view_number((double)row->live_bytes);
	case COLUMN_SITE:
		return view_text(row->function);
	case COLUMN_WHERE:
		return view_place(row->file, row->line);
	case COLUMN_EVIDENCE:
		return view_text(row->leak.evidence);
	default:
		return view_number(row->leak.score);
	}
}

static const char *suspect_cell(const void *rows, size_t index, const struct table_cell *cell,
				char *buf, size_t size)
{
	const struct snapshot_site *site = site_at(rows, index);

	switch (cell->column) {
	case COLUMN_LEVEL:
		return leak_level_name(site->leak.level);
	case COLUMN_SLOPE:
		if (isnan(site->leak.slope_bytes_per_s))
			return "-";
		return fmt_bytes_signed(buf, size, site->leak.slope_bytes_per_s * 60, "");
	case COLUMN_ERROR:
		if (isnan(site->leak.slope_half_width))
			return "-";
		return fmt_bytes(buf, size, (uint64_t)(site->leak.slope_half_width * 60));
	case COLUMN_OLD:
		return isnan(old_pct(site)) ? "-" : fmt_percent(buf, size, old_pct(site));
	case COLUMN_OLDEST:
		return isnan(site->oldest_s) ? "-" : fmt_duration(buf, size, site->oldest_s);
	case COLUMN_LIVE:
		return fmt_bytes(buf, size, site->live_bytes);
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, site->file, site->line,
				  site->module ? site->module : "?");
	case COLUMN_EVIDENCE:
		return site->leak.evidence;
	default:
		return site->function ? site->function : "?";
	}
}

static enum style suspect_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_site *site = site_at(rows, index);

	if (column == COLUMN_WHERE || site->leak.level == LEAK_LOW)
		return STYLE_MUTED;
	if (column == COLUMN_LEVEL && site->leak.level == LEAK_HIGH)
		return STYLE_WARN;
	return STYLE_NORMAL;
}

static bool is_prose(const void *rows, size_t index, unsigned column)
{
	(void)rows;
	(void)index;
	return column == COLUMN_EVIDENCE;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_site *site = ((const struct snapshot_site *const *)rows)[index];

	return cell_search_part(part, site->function, site->module, site->file);
}

static struct view_source suspect_source(const struct snapshot *snapshot,
					 const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->suspects,
	    .count = snapshot->heap.state == CHANNEL_ON ? snapshot->suspect_count : 0,
	    .id = suspect_id,
	    .key = suspect_key,
	    .text = row_text,
	};
}

static const char *evidence(const void *rows, size_t index, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return site_at(rows, index)->leak.evidence;
}

static bool is_off(const struct snapshot *snapshot)
{
	return snapshot->heap.state == CHANNEL_OFF;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	char elapsed[FMT_SIZE];

	if (heap->state == CHANNEL_OFF)
		snprintf(buf, size, "heap tracking is off: %s", heap->reason ? heap->reason : "?");
	else if (heap->frees_unknown)
		snprintf(buf, size, "leaks are not looked for: frees are not seen");
	else
		snprintf(buf, size, "no suspects: none of %zu sites grows, seen for %s",
			 snapshot->site_count,
			 fmt_duration(elapsed, sizeof(elapsed), snapshot->elapsed_s));
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	(void)choice;
	buf[0] = '\0';
	if (snapshot->heap.ages_skipped > 0)
		snprintf(buf, size, "ages without %" PRIu64 " objects",
			 snapshot->heap.ages_skipped);
}

const struct pane *leaks_pane_get(void)
{
	static const struct pane pane = {
	    .name = "LEAKS",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), suspect_cell, suspect_style, is_prose},
	    .first_sort = COLUMN_LEVEL,
	    .source = suspect_source,
	    .is_off = is_off,
	    .explain = explain,
	    .detail = evidence,
	    .about = about,
	};

	return &pane;
}
