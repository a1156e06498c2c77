/*
 * The pane of how the measuring itself is doing: what the kernel has, every channel, map and probe,
 * and what was lost; see health_rows.h.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "fmt.h"
#include "health_rows.h"
#include "pane.h"

enum {
	COLUMN_KIND,
	COLUMN_NAME,
	COLUMN_FILL,
	COLUMN_COUNT,
	COLUMN_MEMORY,
	COLUMN_RATE,
	COLUMN_COST,
	COLUMN_LOST,
	COLUMN_NOTE,
};

static const struct table_column columns[] = {
    [COLUMN_KIND] = {"WHAT", "kernel, loss, channel, map or probe", {8, 8, 0, 0}, true, false},
    [COLUMN_NAME] = {"NAME", "a probe with its place in the file", {22, 72, 0, 22}, true, true},
    [COLUMN_FILL] = {"FILL%", "how full it is now", {6, 6, 2, 0}, false, false},
    [COLUMN_COUNT] =
	{"COUNT", "records carried, entries in use, hits", {8, 8, 3, 0}, false, false},
    [COLUMN_MEMORY] =
	{"MEMORY", "of the kernel's, that a BPF map takes", {7, 7, 3, 0}, false, false},
    [COLUMN_RATE] = {"HITS/s", "since the last refresh", {8, 8, 4, 0}, false, false},
    [COLUMN_COST] =
	{"ns/HIT", "what a hit costs the target, as measured", {8, 8, 5, 0}, false, false},
    [COLUMN_LOST] =
	{"LOST", "what it could not take; 0 when all is well", {7, 7, 0, 0}, false, false},
    [COLUMN_NOTE] = {"NOTE", "what it means", {30, 48, 6, 0}, true, true},
};

/* How full is worth a warning, in per cent. */
static const double full_pct = 80.0;

static uint64_t row_id(const void *rows, size_t index)
{
	return health_row_id(rows, index);
}

static double number(uint64_t count)
{
	return count == SNAPSHOT_UNKNOWN ? (double)NAN : (double)count;
}

static struct view_key row_key(const void *rows, size_t index, unsigned column)
{
	const struct health_row row = health_row_at(rows, index);

	switch (column) {
	case COLUMN_NAME:
		return view_text(row.name);
	case COLUMN_FILL:
		return view_number(row.fill_pct);
	case COLUMN_COUNT:
		return view_number(number(row.count));
	case COLUMN_MEMORY:
		return view_number(number(row.memory));
	case COLUMN_RATE:
		return view_number(row.per_s);
	case COLUMN_COST:
		return view_number(row.ns);
	case COLUMN_LOST:
		return view_number(number(row.lost));
	case COLUMN_NOTE:
		return view_text(row.note);
	default:
		return view_number(-(double)index);
	}
}

static const char *known(char *buf, size_t size, uint64_t count)
{
	return count == SNAPSHOT_UNKNOWN ? "" : fmt_count(buf, size, count);
}

static const char *row_cell(const void *rows, size_t index, const struct table_cell *cell,
			    char *buf, size_t size)
{
	const struct health_row row = health_row_at(rows, index);

	switch (cell->column) {
	case COLUMN_KIND:
		return row.kind;
	case COLUMN_FILL:
		return isnan(row.fill_pct) ? "" : fmt_percent(buf, size, row.fill_pct);
	case COLUMN_COUNT:
		return known(buf, size, row.count);
	case COLUMN_MEMORY:
		return row.memory == SNAPSHOT_UNKNOWN ? "" : fmt_bytes(buf, size, row.memory);
	case COLUMN_RATE:
		return isnan(row.per_s) ? "" : fmt_count(buf, size, (uint64_t)row.per_s);
	case COLUMN_COST:
		return isnan(row.ns) ? "" : fmt_count(buf, size, (uint64_t)row.ns);
	case COLUMN_LOST:
		return known(buf, size, row.lost);
	case COLUMN_NOTE:
		return row.note;
	default:
		if (row.probe) {
			snprintf(buf, size, "%s  %s+0x%" PRIx64, row.name, row.probe->module,
				 row.probe->offset);
			return buf;
		}
		if (cell->shown >> COLUMN_NOTE & 1 || !row.note_only)
			return row.name;
		snprintf(buf, size, "%s: %s", row.name, row.note);
		return buf;
	}
}

static enum style row_style(const void *rows, size_t index, unsigned column)
{
	const struct health_row row = health_row_at(rows, index);
	bool loses = row.lost != SNAPSHOT_UNKNOWN && row.lost > 0;

	if (loses && (column == COLUMN_LOST || column == COLUMN_NAME))
		return STYLE_WARN;
	if (column == COLUMN_FILL && row.fill_pct >= full_pct)
		return STYLE_WARN;
	if (column == COLUMN_NOTE && row.probe && !row.probe->emulated)
		return STYLE_HOT;
	if (column == COLUMN_KIND || (row.probe && row.probe->hits == 0) || column == COLUMN_NOTE)
		return STYLE_MUTED;
	return STYLE_NORMAL;
}

static bool is_prose(const void *rows, size_t index, unsigned column)
{
	return column == COLUMN_NOTE || (column == COLUMN_NAME && health_row_at(rows, index).note_only);
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct health_row row = health_row_at(rows, index);

	return cell_search_part(part, row.name, row.kind, row.probe ? row.probe->module : row.note);
}

static struct view_source row_source(const struct snapshot *snapshot,
				     const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot,
	    .count = health_row_count(snapshot),
	    .id = row_id,
	    .key = row_key,
	    .text = row_text,
	};
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	(void)snapshot;
	snprintf(buf, size, "nothing is known of the measuring");
}

/* The note in full. */
static const char *detail(const void *rows, size_t index, char *buf, size_t size)
{
	const struct health_row row = health_row_at(rows, index);

	snprintf(buf, size, "%s: %s", row.name, row.note);
	return buf;
}

/* "maps take 45.2M; 12 probes, traps cost the target 1.2 ms/s", as much of it as there is. */
static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	char memory[FMT_SIZE];
	double ns_per_s = 0;
	size_t used = 0;

	(void)choice;
	buf[0] = '\0';
	if (snapshot->map_count > 0 && snapshot->maps_bytes != SNAPSHOT_UNKNOWN) {
		snprintf(buf, size, "maps take %s",
			 fmt_bytes(memory, sizeof(memory), snapshot->maps_bytes));
		used = strlen(buf);
	}
	for (size_t i = 0; i < snapshot->probe_count; i++)
		ns_per_s += snapshot->probes[i].hits_per_s * snapshot->probes[i].ns_per_hit;
	if (snapshot->probe_count > 0 && !isnan(ns_per_s))
		snprintf(buf + used, size - used, "%s%zu probes, traps cost the target %.1f ms/s",
			 used > 0 ? "; " : "", snapshot->probe_count, ns_per_s * 1e-6);
}

const struct pane *health_pane_get(void)
{
	static const struct pane pane = {
	    .name = "HEALTH",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), row_cell, row_style, is_prose},
	    .first_sort = COLUMN_KIND,
	    .source = row_source,
	    .explain = explain,
	    .detail = detail,
	    .about = about,
	};

	return &pane;
}
