/*
 * The pane of the places that touch memory for the first time. In the heap's place where that
 * cannot be tracked, and a view of its own.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"

enum {
	COLUMN_GROWTH = GROWTH_COLUMN_BYTES + 1,
	COLUMN_MAPPED,
	COLUMN_FAULTS,
	COLUMN_SAMPLES,
	COLUMN_SITE,
	COLUMN_WHERE,
};

/* Samples that wait are said from one for so many that do not. */
enum { PENDING_PARTS = 20 };

/* Growth that deserves a look, in bytes per second. */
static const double hot_growth = 1024.0;

static const struct table_column columns[] = {
    [GROWTH_COLUMN_BYTES] = {"~NEW",
			     "memory touched here for the first time, estimated",
			     {7, 7, 0, 0},
			     false,
			     false},
    [COLUMN_GROWTH] = {"~NEW/s", "of that per second, lately", {9, 9, 1, 0}, false, false},
    [COLUMN_MAPPED] = {"MAPPED",
		       "mapped here by mmap(), mremap() and brk(), counted",
		       {7, 7, 2, 0},
		       false,
		       false},
    [COLUMN_FAULTS] =
	{"~FAULTS", "page faults that were, estimated", {8, 8, 3, 0}, false, false},
    [COLUMN_SAMPLES] = {"SAMPLES", "what the estimate rests on", {8, 8, 4, 0}, false, false},
    [COLUMN_SITE] = {"SITE", "function that touches it", {20, 96, 0, 32}, true, true},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 32, 2, 0}, true, false},
};

static const struct snapshot_growth_site *site_at(const void *rows, size_t index)
{
	return &((const struct snapshot_growth_site *)rows)[index];
}

static uint64_t site_id(const void *rows, size_t index)
{
	return site_at(rows, index)->id;
}

/* What is not known comes last. */
static uint64_t known(uint64_t count)
{
	return count == SNAPSHOT_UNKNOWN ? 0 : count;
}

static struct view_key site_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_growth_site *row = site_at(rows, index);

	switch (column) {
	case GROWTH_COLUMN_BYTES:
		return view_number((double)row->bytes);
	case COLUMN_GROWTH:
		return view_number(row->bytes_per_s);
	case COLUMN_MAPPED:
		return view_number((double)known(row->mapped_bytes));
	case COLUMN_FAULTS:
		return view_number((double)row->faults);
	case COLUMN_SAMPLES:
		return view_number((double)row->samples);
	case COLUMN_WHERE:
		return view_place(row->file, row->line);
	default:
		return view_text(row->function);
	}
}

static const char *site_cell(const void *rows, size_t index, const struct table_cell *cell,
			     char *buf, size_t size)
{
	const struct snapshot_growth_site *site = site_at(rows, index);

	switch (cell->column) {
	case GROWTH_COLUMN_BYTES:
		return fmt_bytes(buf, size, site->bytes);
	case COLUMN_GROWTH:
		return fmt_bytes_signed(buf, size, site->bytes_per_s, "");
	case COLUMN_MAPPED:
		return site->mapped_bytes == SNAPSHOT_UNKNOWN
			   ? "-"
			   : fmt_bytes(buf, size, site->mapped_bytes);
	case COLUMN_FAULTS:
		return fmt_count(buf, size, site->faults);
	case COLUMN_SAMPLES:
		return fmt_count(buf, size, site->samples);
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, site->file, site->line,
				  site->module ? site->module : "?");
	default:
		return site->function ? site->function : "?";
	}
}

static enum style site_style(const void *rows, size_t index, unsigned column)
{
	if (column == COLUMN_WHERE)
		return STYLE_MUTED;
	if (column == COLUMN_GROWTH && site_at(rows, index)->bytes_per_s >= hot_growth)
		return STYLE_HOT;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_growth_site *site = site_at(rows, index);

	return cell_search_part(part, site->function, site->module, site->file);
}

static struct view_source site_source(const struct snapshot *snapshot,
				      const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->growth_sites,
	    .count = snapshot->growth.state == CHANNEL_ON ? snapshot->growth_site_count : 0,
	    .id = site_id,
	    .key = site_key,
	    .text = row_text,
	    .lasting = true,
	    .instead = GROWTH_COLUMN_BYTES,
	};
}

static uint32_t hidden(const struct snapshot *snapshot)
{
	return snapshot->growth.mappings_reason ? UINT32_C(1) << COLUMN_MAPPED : 0;
}

static bool is_off(const struct snapshot *snapshot)
{
	return snapshot->growth.state == CHANNEL_OFF;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_growth *growth = &snapshot->growth;

	if (growth->state == CHANNEL_OFF)
		snprintf(buf, size, "page faults are not sampled: %s",
			 growth->reason ? growth->reason : "?");
	else
		snprintf(buf, size, "no new memory has been touched since attachment");
}

static const char *bytes(char *buf, size_t size, uint64_t count)
{
	return count == SNAPSHOT_UNKNOWN ? "?" : fmt_bytes(buf, size, count);
}

static size_t add_limit(const struct snapshot_memory *memory, char *buf, size_t size)
{
	char used[FMT_SIZE], limit[FMT_SIZE], time[FMT_SIZE];
	int length;

	if (memory->limit_bytes == SNAPSHOT_UNKNOWN)
		return 0;
	length =
	    snprintf(buf, size, ", limit %s of %s", bytes(used, sizeof(used), memory->used_bytes),
		     bytes(limit, sizeof(limit), memory->limit_bytes));
	if (!isnan(memory->seconds_to_limit))
		length += snprintf(buf + length, size - (size_t)length, " in %s",
				   fmt_duration(time, sizeof(time), memory->seconds_to_limit));
	return (size_t)length;
}

/* The length of what found room. */
static size_t add_text(char *buf, size_t size, const char *before, const char *text)
{
	int length = snprintf(buf, size, "%s%s", before, text);

	if (length < 0 || size == 0)
		return 0;
	return (size_t)length < size ? (size_t)length : size - 1;
}

/* Some always wait for a moment: said where it makes a difference. */
static size_t add_pending(const struct snapshot_growth *growth, char *buf, size_t size)
{
	char count[FMT_SIZE];

	if (growth->samples_pending <= growth->samples / PENDING_PARTS)
		return 0;
	fmt_count(count, sizeof(count), growth->samples_pending);
	return add_text(buf, size, "; samples that wait for unwind rules or mappings: ", count);
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	const struct snapshot_growth *growth = &snapshot->growth;
	const struct snapshot_memory *memory = &snapshot->memory;
	char anonymous[FMT_SIZE], rate[FMT_SIZE] = "?";
	size_t length;

	(void)choice;
	buf[0] = '\0';
	if (growth->state == CHANNEL_OFF)
		return;
	if (!isnan(memory->growth_bytes_per_s))
		fmt_bytes_signed(rate, sizeof(rate), memory->growth_bytes_per_s, "/s");
	length =
	    (size_t)snprintf(buf, size, "estimates; anonymous %s %s",
			     bytes(anonymous, sizeof(anonymous), memory->anonymous_bytes), rate);
	length += add_limit(memory, buf + length, size - length);
	length += add_pending(growth, buf + length, size - length);
	if (snapshot->heap.state == CHANNEL_OFF && snapshot->heap.reason)
		length += add_text(buf + length, size - length,
				   "; heap not tracked: ", snapshot->heap.reason);
	else if (growth->reason)
		length += add_text(buf + length, size - length, "; ", growth->reason);
	if (growth->mappings_reason)
		add_text(buf + length, size - length,
			 "; MAPPED unknown: ", growth->mappings_reason);
	else if (growth->mappings_lost)
		snprintf(buf + length, size - length, "; %s calls without a place",
			 fmt_count(rate, sizeof(rate), growth->mappings_lost));
}

const struct pane *growth_pane_get(void)
{
	static const struct pane pane = {
	    .name = "GROWTH",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), site_cell, site_style},
	    .first_sort = GROWTH_COLUMN_BYTES,
	    .source = site_source,
	    .hidden = hidden,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
