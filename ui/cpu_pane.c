/*
 * The pane of functions that use the CPU, or of lines, modules or functions of threads. Its rows are a pane_choice.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"
#include "spark.h"
#include "view_block.h"

enum {
	COLUMN_CHANGE = CPU_COLUMN_TOTAL + 1,
	COLUMN_SHARE,
	COLUMN_TREND,
	COLUMN_THREAD,
	COLUMN_FUNCTION,
	COLUMN_MODULE,
	COLUMN_WHERE,
};

/* What the thread is among a row's texts: the last. */
enum { THREAD_PART = VIEW_LAST_PART + 1 };

/* Own shares from which on a row is hot, and below which it is noise, in per cent. */
static const double hot_pct = 10.0, cold_pct = 0.5;

static const struct table_column columns[] = {
    [CPU_COLUMN_SELF] =
	{"SELF%", "share of samples in the function itself", {6, 6, 0, 0}, false, false},
    [CPU_COLUMN_TOTAL] =
	{"TOTAL%", "share of samples in it or in what it called", {7, 7, 1, 0}, false, false},
    [COLUMN_CHANGE] = {"+/-",
		       "SELF% since the baseline less that before it (b marks it)",
		       {6, 6, 3, 0},
		       false,
		       false},
    [COLUMN_SHARE] = {"SHARE", "SELF% as a bar", {10, 10, 5, 0}, true, false},
    [COLUMN_TREND] =
	{"TREND", "samples in it over the last minute", {6, 12, 4, 0}, true, false},
    [COLUMN_THREAD] = {"THREAD", "in which thread: name and number, with l", {12, 24, 0, 0}, true, false},
    [COLUMN_FUNCTION] =
	{"FUNCTION", "[k]: kernel, ~inl: inlined into its callers", {24, 96, 0, 36}, true, true},
    [COLUMN_MODULE] = {"MODULE", "executable or library", {12, 32, 6, 0}, true, false},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 80, 2, 0}, true, false},
};

static const struct snapshot_function *function_at(const void *rows, size_t index)
{
	return &((const struct pane_choice *)rows)->functions[index];
}

static struct snapshot_samples samples_at(const void *rows, size_t index)
{
	const struct pane_choice *choice = rows;

	return choice->functions[index].in[choice->window];
}

/* Of all samples of the window; NAN: there are none. */
static double percent_of(const void *rows, uint64_t samples)
{
	uint64_t all = ((const struct pane_choice *)rows)->samples;

	return all > 0 ? 100.0 * (double)samples / (double)all : (double)NAN;
}

static uint64_t function_id(const void *rows, size_t index)
{
	return function_at(rows, index)->id;
}

static struct view_key function_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_function *row = function_at(rows, index);

	switch (column) {
	case CPU_COLUMN_SELF:
	case COLUMN_SHARE:
		return view_number((double)samples_at(rows, index).self);
	case CPU_COLUMN_TOTAL:
		return view_number((double)samples_at(rows, index).total);
	case COLUMN_CHANGE:
		return view_number(row->change_pct);
	case COLUMN_TREND:
		return view_number(row->trend[SNAPSHOT_TREND - 1]);
	case COLUMN_THREAD:
		return view_text(row->thread);
	case COLUMN_MODULE:
		return view_text(row->module);
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

static const char *change(char *buf, size_t size, double points)
{
	if (isnan(points))
		return "-";
	snprintf(buf, size, "%+.1f", points);
	return buf;
}

/* A function of the kernel's, that does not say so itself. */
static bool is_marked(const struct pane_choice *choice, const struct snapshot_function *function)
{
	return function->kernel && !function->folded && choice->shown_group != GROUP_MODULE;
}

static const char *function_cell(const void *rows, size_t index, const struct table_cell *cell,
				 char *buf, size_t size)
{
	const struct snapshot_function *function = function_at(rows, index);
	const char *module = function->module ? function->module : "?";

	switch (cell->column) {
	case CPU_COLUMN_SELF:
		return percent(buf, size, percent_of(rows, samples_at(rows, index).self));
	case CPU_COLUMN_TOTAL:
		return percent(buf, size, percent_of(rows, samples_at(rows, index).total));
	case COLUMN_CHANGE:
		return change(buf, size, function->change_pct);
	case COLUMN_SHARE:
		return spark_bar(buf, size, percent_of(rows, samples_at(rows, index).self) / 100,
				 cell->cols, cell->glyphs);
	case COLUMN_TREND:
		return cell_trend(buf, size, function->trend, cell);
	case COLUMN_THREAD:
		return function->thread ? function->thread : "-";
	case COLUMN_MODULE:
		return module;
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, function->file, function->line,
				  cell->shown >> COLUMN_MODULE & 1 ? "" : module);
	default:
		snprintf(buf, size, "%s%s%s", is_marked(rows, function) ? "[k] " : "",
			 function->name ? function->name : "?", function->inlined ? " ~inl" : "");
		return buf;
	}
}

static enum style function_style(const void *rows, size_t index, unsigned column)
{
	double self = percent_of(rows, samples_at(rows, index).self);

	if (column == COLUMN_MODULE || column == COLUMN_WHERE || column == COLUMN_TREND)
		return STYLE_MUTED;
	if (self >= hot_pct)
		return STYLE_HOT;
	if (self < cold_pct && percent_of(rows, samples_at(rows, index).total) < hot_pct)
		return STYLE_MUTED;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_function *function = function_at(rows, index);

	if (part == THREAD_PART && ((const struct pane_choice *)rows)->shown_group == GROUP_THREAD)
		return function->thread ? function->thread : "";
	return cell_search_part(part, function->name, function->module, function->file);
}

static void fetch(const void *rows, size_t index)
{
	cell_fetch(function_at(rows, index));
}

static void take(const void *rows, struct view_block *block)
{
	view_take(rows, block, function_id, function_key, row_text, fetch);
}

static struct view_source function_source(const struct snapshot *snapshot,
					  const struct pane_choice *choice)
{
	return (struct view_source){
	    .rows = choice,
	    .count = snapshot->cpu.state == CHANNEL_ON ? choice->function_count : 0,
	    .id = function_id,
	    .key = function_key,
	    .text = row_text,
	    .lasting = choice->shown_group != GROUP_THREAD, /* whose name may change */
	    .take = take,
	};
}

static uint32_t hidden(const struct snapshot *snapshot)
{
	uint32_t nothing = isnan(snapshot->baseline_s) ? UINT32_C(1) << COLUMN_CHANGE : 0;

	if (snapshot->group != GROUP_THREAD)
		nothing |= UINT32_C(1) << COLUMN_THREAD;
	/* A module's row says no more in these. */
	if (snapshot->group == GROUP_MODULE)
		nothing |= UINT32_C(1) << COLUMN_MODULE | UINT32_C(1) << COLUMN_WHERE;
	return nothing;
}

static bool is_off(const struct snapshot *snapshot)
{
	return snapshot->cpu.state == CHANNEL_OFF;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_cpu *cpu = &snapshot->cpu;

	if (cpu->state == CHANNEL_OFF)
		snprintf(buf, size, "CPU sampling is off: %s", cpu->reason ? cpu->reason : "?");
	else if (cpu->stacks_pending > 0)
		snprintf(buf, size, "no function yet: %" PRIu64 " samples wait for unwind rules",
			 cpu->stacks_pending);
	else if (snapshot->target.exited)
		snprintf(buf, size, "no samples: the target exited before it used the CPU");
	else
		snprintf(buf, size, "%s", cell_no_samples(snapshot));
}

/* "last 10s", "since attachment", "for 12s". */
static void describe_window(const struct snapshot *snapshot, enum snapshot_window window, char *buf,
			    size_t size)
{
	char time[FMT_SIZE];

	if (window != SNAPSHOT_ALL)
		snprintf(buf, size, "last %s",
			 fmt_duration(time, sizeof(time), snapshot->cpu.window_s[window]));
	else if (!isnan(snapshot->reset_s))
		snprintf(buf, size, "for %s, since the reset",
			 fmt_duration(time, sizeof(time), snapshot->reset_s));
	else
		snprintf(buf, size, "since attachment");
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	static const char *const groups[] = {
	    [GROUP_FUNCTION] = "", [GROUP_LINE] = "by line, ", [GROUP_MODULE] = "by module, ",
	    [GROUP_THREAD] = "by thread, "};
	const struct snapshot_cpu *cpu = &snapshot->cpu;
	char window[2 * FMT_SIZE], waiting[PANE_WAITING];

	buf[0] = '\0';
	if (cpu->state == CHANNEL_OFF)
		return;
	describe_window(snapshot, choice->window, window, sizeof(window));
	snprintf(buf, size, "%s%s%s%s%s%s", groups[choice->shown_group], window,
		 choice->kernel_unfolded && choice->shown_group == GROUP_FUNCTION
		     ? ", kernel unfolded"
		     : "",
		 pane_waiting(waiting, "samples", cpu->stacks_pending),
		 cpu->reason ? "; " : "", cpu->reason ? cpu->reason : "");
}

const struct pane *cpu_pane_get(void)
{
	static const struct pane pane = {
	    .name = "CPU",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), function_cell, function_style},
	    .first_sort = CPU_COLUMN_SELF,
	    .source = function_source,
	    .hidden = hidden,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
