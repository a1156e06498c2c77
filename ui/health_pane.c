/*
 * The pane of how the measuring itself is doing: what the kernel has, every channel, map and probe,
 * and what was lost. Its rows are of several kinds, so they are put together from the snapshot, by
 * their index.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "fmt.h"
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
    [COLUMN_KIND] = {"WHAT", "kernel, loss, channel, map or probe", {8, 8, 0, false}, true, false},
    [COLUMN_NAME] = {"NAME", "a probe with its place in the file", {22, 22, 0, true}, true, true},
    [COLUMN_FILL] = {"FILL%", "how full it is now", {6, 6, 2, false}, false, false},
    [COLUMN_COUNT] =
	{"COUNT", "records carried, entries in use, hits", {8, 8, 3, false}, false, false},
    [COLUMN_MEMORY] =
	{"MEMORY", "of the kernel's, that a BPF map takes", {7, 7, 3, false}, false, false},
    [COLUMN_RATE] = {"HITS/s", "since the last refresh", {8, 8, 4, false}, false, false},
    [COLUMN_COST] =
	{"ns/HIT", "what a hit costs the target, as measured", {8, 8, 5, false}, false, false},
    [COLUMN_LOST] =
	{"LOST", "what it could not take; 0 when all is well", {7, 7, 0, false}, false, false},
    [COLUMN_NOTE] = {"NOTE", "what it means", {30, 48, 6, false}, true, true},
};

/* How full is worth a warning, in per cent. */
static const double full_pct = 80.0;

/* A row; without a figure: NAN or SNAPSHOT_UNKNOWN. Texts are static or the snapshot's. */
struct row {
	const char *kind;
	const char *name;
	const struct snapshot_probe *probe; /* NULL: none */
	double fill_pct;
	uint64_t count;
	uint64_t memory;
	double per_s;
	double ns;
	uint64_t lost;
	const char *note;
};

enum fact {
	FACT_KERNEL,
	FACT_CPU_WALK,
	FACT_UPROBES,
	FACT_SAMPLES,
	FACT_THROTTLED,
	FACT_THREADS,
	FACT_FREES,
	FACT_RETURNS,
	FACT_PROBES,
	FACT_DEBUG_FILES,
	FACT_COUNT,
};

static struct row fact_row(const struct snapshot *snapshot, enum fact fact)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	const struct snapshot_kernel *kernel = &snapshot->kernel;
	struct row row = {
	    .kind = "loss", .fill_pct = NAN, .count = SNAPSHOT_UNKNOWN, .memory = SNAPSHOT_UNKNOWN,
	    .per_s = NAN, .ns = NAN};

	switch (fact) {
	case FACT_KERNEL:
		row.kind = "kernel";
		row.name = "Linux";
		row.note = kernel->release;
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_CPU_WALK:
		row.kind = "kernel";
		row.name = "stacks walked in it";
		row.note = kernel->walk_reason ? kernel->walk_reason : "yes";
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_UPROBES:
		row.kind = "kernel";
		row.name = "links of probes";
		row.note =
		    kernel->uprobe_link ? kernel->uprobe_link : "none: the heap is not tracked";
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_SAMPLES:
		row.name = "CPU samples";
		row.count = snapshot->cpu.samples;
		row.lost = overflow->perf_lost;
		row.note = "a lower -F loses fewer";
		break;
	case FACT_THROTTLED:
		row.name = "throttled sampling";
		row.lost = overflow->perf_throttled;
		row.note = "times that the kernel paused it; a lower -F is let through";
		break;
	case FACT_THREADS:
		row.name = "threads not sampled";
		row.lost = overflow->threads_uncovered;
		row.note = "no event could be opened for them";
		break;
	case FACT_FREES:
		row.name = "unmatched frees";
		row.lost = SNAPSHOT_UNKNOWN;
		row.count = snapshot->heap.untracked_known ? snapshot->heap.untracked_frees
							   : SNAPSHOT_UNKNOWN;
		row.note = snapshot->heap.untracked_known
			       ? "of what was allocated before the attachment, or lost"
			       : "cannot be told: not every allocation is tracked";
		break;
	case FACT_RETURNS:
		row.name = "calls without return";
		row.count = snapshot->books.lost_returns;
		row.lost = SNAPSHOT_UNKNOWN;
		row.note = "of allocators: left by a jump";
		break;
	case FACT_PROBES:
		row.name = "places of probes";
		row.lost = overflow->probes_refused;
		row.note = "the worker named them, and their file has none there";
		break;
	default:
		row.name = "debug files";
		row.lost = overflow->debug_files_missing;
		row.note = "asked debuginfod servers for, in vain";
		break;
	}
	return row;
}

static struct row channel_row(const struct snapshot_channel *channel)
{
	return (struct row){
	    .kind = "channel",
	    .name = channel->name,
	    .fill_pct = channel->capacity_bytes
			    ? 100.0 * (double)channel->used_bytes / (double)channel->capacity_bytes
			    : (double)NAN,
	    .count = channel->consumed,
	    .memory = SNAPSHOT_UNKNOWN,
	    .per_s = NAN,
	    .ns = NAN,
	    .lost = channel->lost,
	    .note = "records",
	};
}

static struct row map_row(const struct snapshot_map *map)
{
	return (struct row){
	    .kind = "map",
	    .name = map->name,
	    .fill_pct = map->capacity ? 100.0 * map->used / (double)map->capacity : (double)NAN,
	    .count = isnan(map->used) ? SNAPSHOT_UNKNOWN : (uint64_t)map->used,
	    .memory = map->memory_bytes,
	    .per_s = NAN,
	    .ns = NAN,
	    .lost = map->refused,
	    .note = map->capacity ? "entries; LOST found it full" : "",
	};
}

static struct row probe_row(const struct snapshot_probe *probe)
{
	return (struct row){
	    .kind = "probe",
	    .name = probe->function,
	    .probe = probe,
	    .fill_pct = NAN,
	    .count = probe->hits,
	    .memory = SNAPSHOT_UNKNOWN,
	    .per_s = probe->hits_per_s,
	    .ns = probe->ns_per_hit,
	    .lost = SNAPSHOT_UNKNOWN,
	    .note = probe->emulated ? "emulated" : "single-stepped: slow",
	};
}

static struct row row_at(const struct snapshot *snapshot, size_t index)
{
	if (index < FACT_COUNT)
		return fact_row(snapshot, (enum fact)index);
	index -= FACT_COUNT;
	if (index < snapshot->channel_count)
		return channel_row(&snapshot->channels[index]);
	index -= snapshot->channel_count;
	if (index < snapshot->map_count)
		return map_row(&snapshot->maps[index]);
	return probe_row(&snapshot->probes[index - snapshot->map_count]);
}

/* The number of a row among those of its kind, which are only ever added to. */
static uint64_t row_id(const void *rows, size_t index)
{
	const struct snapshot *snapshot = rows;
	uint64_t kind = 0;

	if (index >= FACT_COUNT) {
		index -= FACT_COUNT;
		kind++;
		if (index >= snapshot->channel_count) {
			index -= snapshot->channel_count;
			kind++;
			if (index >= snapshot->map_count) {
				index -= snapshot->map_count;
				kind++;
			}
		}
	}
	return kind << 32 | index;
}

static double number(uint64_t count)
{
	return count == SNAPSHOT_UNKNOWN ? (double)NAN : (double)count;
}

static struct view_key row_key(const void *rows, size_t index, unsigned column)
{
	const struct row row = row_at(rows, index);

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
	const struct row row = row_at(rows, index);

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
		if (!row.probe)
			return row.name;
		snprintf(buf, size, "%s  %s+0x%" PRIx64, row.name, row.probe->module,
			 row.probe->offset);
		return buf;
	}
}

static enum style row_style(const void *rows, size_t index, unsigned column)
{
	const struct row row = row_at(rows, index);
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

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct row row = row_at(rows, index);

	return cell_search_part(part, row.name, row.kind, row.probe ? row.probe->module : row.note);
}

static struct view_source row_source(const struct snapshot *snapshot,
				     const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot,
	    .count =
		FACT_COUNT + snapshot->channel_count + snapshot->map_count + snapshot->probe_count,
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
	const struct row row = row_at(rows, index);

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
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), row_cell, row_style},
	    .first_sort = COLUMN_KIND,
	    .source = row_source,
	    .explain = explain,
	    .prose = UINT32_C(1) << COLUMN_NOTE,
	    .detail = detail,
	    .about = about,
	};

	return &pane;
}
