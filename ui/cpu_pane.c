/*
 * The pane of functions that use the CPU.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"

enum { COLUMN_FUNCTION = CPU_COLUMN_TOTAL + 1, COLUMN_MODULE, COLUMN_WHERE };

/* Own shares from which on a row is hot, and below which it is noise, in per cent. */
static const double hot_pct = 10.0, cold_pct = 0.5;

static const struct table_column columns[] = {
    [CPU_COLUMN_SELF] =
	{"SELF%", "share of samples in the function itself", {6, 6, 0, false}, false, false},
    [CPU_COLUMN_TOTAL] =
	{"TOTAL%", "share of samples in it or in what it called", {7, 7, 1, false}, false, false},
    [COLUMN_FUNCTION] =
	{"FUNCTION", "[k]: kernel, ~inl: inlined into its callers", {24, 24, 0, true}, true, true},
    [COLUMN_MODULE] = {"MODULE", "executable or library", {12, 20, 3, false}, true, false},
    [COLUMN_WHERE] =
	{"WHERE", "source file and line, or the module", {14, 32, 2, false}, true, false},
};

static uint64_t function_id(const void *rows, size_t index)
{
	return ((const struct snapshot_function *)rows)[index].id;
}

static int compare_functions(const void *rows, size_t a_index, size_t b_index, unsigned column)
{
	const struct snapshot_function *a = &((const struct snapshot_function *)rows)[a_index];
	const struct snapshot_function *b = &((const struct snapshot_function *)rows)[b_index];

	switch (column) {
	case CPU_COLUMN_SELF:
		return cell_compare_count(a->self_samples, b->self_samples);
	case CPU_COLUMN_TOTAL:
		return cell_compare_count(a->total_samples, b->total_samples);
	case COLUMN_MODULE:
		return cell_compare_text(a->module, b->module);
	case COLUMN_WHERE:
		return cell_compare_place(a->file, a->line, b->file, b->line);
	default:
		return cell_compare_text(a->name, b->name);
	}
}

static const char *percent(char *buf, size_t size, double value)
{
	return isnan(value) ? "-" : fmt_percent(buf, size, value);
}

static const char *function_cell(const void *rows, size_t index, const struct table_cell *cell,
				 char *buf, size_t size)
{
	const struct snapshot_function *function = &((const struct snapshot_function *)rows)[index];
	const char *module = function->module ? function->module : "?";

	switch (cell->column) {
	case CPU_COLUMN_SELF:
		return percent(buf, size, function->self_pct);
	case CPU_COLUMN_TOTAL:
		return percent(buf, size, function->total_pct);
	case COLUMN_MODULE:
		return module;
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, function->file, function->line,
				  cell->shown >> COLUMN_MODULE & 1 ? "" : module);
	default:
		snprintf(buf, size, "%s%s%s", function->kernel && !function->folded ? "[k] " : "",
			 function->name ? function->name : "?", function->inlined ? " ~inl" : "");
		return buf;
	}
}

static enum style function_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_function *function = &((const struct snapshot_function *)rows)[index];

	if (column == COLUMN_MODULE || column == COLUMN_WHERE)
		return STYLE_MUTED;
	if (function->self_pct >= hot_pct)
		return STYLE_HOT;
	if (function->self_pct < cold_pct && function->total_pct < hot_pct)
		return STYLE_MUTED;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_function *function = &((const struct snapshot_function *)rows)[index];

	return cell_search_part(part, function->name, function->module, function->file);
}

static struct view_source function_source(const struct snapshot *snapshot,
					  const struct pane_choice *choice)
{
	size_t count = choice->kernel_unfolded ? snapshot->function_count : snapshot->folded_count;

	return (struct view_source){
	    .rows = choice->kernel_unfolded ? snapshot->functions : snapshot->folded,
	    .count = snapshot->cpu.state == CHANNEL_ON ? count : 0,
	    .id = function_id,
	    .compare = compare_functions,
	    .text = row_text,
	};
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
	else if (cpu->samples > 0)
		snprintf(buf, size, "no function yet: %" PRIu64 " samples wait for unwind rules",
			 cpu->stacks_pending);
	else if (snapshot->target.exited)
		snprintf(buf, size, "no samples: the target exited before it used the CPU");
	else
		snprintf(buf, size, "no samples yet: the target is idle");
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	const struct snapshot_cpu *cpu = &snapshot->cpu;

	buf[0] = '\0';
	if (cpu->state == CHANNEL_OFF)
		return;
	snprintf(buf, size, "since attachment%s%s%s",
		 choice->kernel_unfolded ? ", kernel unfolded" : "", cpu->reason ? "; " : "",
		 cpu->reason ? cpu->reason : "");
}

const struct pane *cpu_pane_get(void)
{
	static const struct pane pane = {
	    .name = "CPU",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), function_cell, function_style},
	    .first_sort = CPU_COLUMN_SELF,
	    .source = function_source,
	    .is_off = is_off,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
