/*
 * The pane of the files that the target has code of: where names and unwind rules come from, and
 * how much of the profile is theirs.
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
	COLUMN_SELF,
	COLUMN_SAMPLES,
	COLUMN_BROKEN,
	COLUMN_NAMES,
	COLUMN_UNWINDING,
	COLUMN_STATE,
	COLUMN_PATH,
	COLUMN_BUILD_ID,
};

static const struct table_column columns[] = {
    [COLUMN_SELF] = {"SELF%", "share of samples in its code", {6, 6, 0, 0}, false, false},
    [COLUMN_SAMPLES] = {"SAMPLES", "how many those are", {8, 8, 5, 0}, false, false},
    [COLUMN_BROKEN] = {"BROKEN",
		       "samples whose stack ended in it for want of a rule",
		       {7, 7, 3, 0},
		       false,
		       false},
    [COLUMN_NAMES] = {"NAMES", "where names come from", {10, 10, 1, 0}, true, false},
    [COLUMN_UNWINDING] = {"UNWIND", "where unwind rules come from", {8, 14, 2, 0}, true, false},
    [COLUMN_STATE] =
	{"STATE", "ok, or what is wrong with the file", {10, 10, 4, 0}, true, false},
    [COLUMN_PATH] = {"PATH", "as the target sees it", {20, 120, 0, 28}, true, true},
    [COLUMN_BUILD_ID] = {"BUILD-ID", "how it begins", {12, 12, 6, 0}, true, false},
};

static const struct snapshot_module *module_at(const void *rows, size_t index)
{
	return &((const struct snapshot_module *)rows)[index];
}

static uint64_t module_id(const void *rows, size_t index)
{
	return module_at(rows, index)->id;
}

static struct view_key module_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_module *row = module_at(rows, index);

	switch (column) {
	case COLUMN_SELF:
	case COLUMN_SAMPLES:
		return view_number((double)row->self_samples);
	case COLUMN_BROKEN:
		return view_number((double)row->broken_stacks);
	case COLUMN_NAMES:
		return view_text(row->names);
	case COLUMN_UNWINDING:
		return view_text(row->unwinding);
	case COLUMN_STATE:
		return view_text(row->state);
	case COLUMN_BUILD_ID:
		return view_text(row->build_id);
	default:
		return view_text(row->path);
	}
}

static const char *module_cell(const void *rows, size_t index, const struct table_cell *cell,
			       char *buf, size_t size)
{
	const struct snapshot_module *module = module_at(rows, index);

	switch (cell->column) {
	case COLUMN_SELF:
		return isnan(module->self_pct) ? "-" : fmt_percent(buf, size, module->self_pct);
	case COLUMN_SAMPLES:
		return fmt_count(buf, size, module->self_samples);
	case COLUMN_BROKEN:
		return fmt_count(buf, size, module->broken_stacks);
	case COLUMN_NAMES:
		return module->names ? module->names : "-";
	case COLUMN_UNWINDING:
		return module->unwinding ? module->unwinding : "-";
	case COLUMN_STATE:
		return module->state;
	case COLUMN_BUILD_ID:
		snprintf(buf, size, "%.12s", module->build_id[0] ? module->build_id : "-");
		return buf;
	default:
		return module->path;
	}
}

static enum style module_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_module *module = module_at(rows, index);

	if (column == COLUMN_STATE && strcmp(module->state, "ok") != 0)
		return STYLE_WARN;
	if (column == COLUMN_BROKEN && module->broken_stacks > 0)
		return STYLE_WARN;
	if (column == COLUMN_NAMES && module->self_samples > 0 && module->names &&
	    strcmp(module->names, "none") == 0)
		return STYLE_WARN;
	if (column == COLUMN_BUILD_ID || module->self_samples == 0)
		return STYLE_MUTED;
	return STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_module *module = module_at(rows, index);

	return cell_search_part(part, module->path, module->build_id, module->names);
}

static struct view_source module_source(const struct snapshot *snapshot,
					const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->modules,
	    .count = snapshot->module_count,
	    .id = module_id,
	    .key = module_key,
	    .text = row_text,
	};
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	snprintf(buf, size, "%s",
		 snapshot->target.exited ? "the target has exited"
					 : "no file with code has been seen yet");
}

/* All of what columns may have no room for. */
static const char *detail(const void *rows, size_t index, char *buf, size_t size)
{
	const struct snapshot_module *module = module_at(rows, index);

	snprintf(buf, size,
		 "%s  build-id %s  names: %s  unwinding: %s  state: %s  broken stacks: %" PRIu64,
		 module->path, module->build_id[0] ? module->build_id : "none",
		 module->names ? module->names : "not asked for yet",
		 module->unwinding ? module->unwinding : "not needed yet", module->state,
		 module->broken_stacks);
	return buf;
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	uint64_t broken = 0;

	(void)choice;
	buf[0] = '\0';
	for (size_t i = 0; i < snapshot->module_count; i++)
		broken += snapshot->modules[i].broken_stacks;
	if (snapshot->cpu.state == CHANNEL_ON)
		snprintf(buf, size, "broken stacks %" PRIu64 " of %" PRIu64, broken,
			 snapshot->cpu.samples);
}

const struct pane *modules_pane_get(void)
{
	static const struct pane pane = {
	    .name = "MODULES",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), module_cell, module_style},
	    .first_sort = COLUMN_SELF,
	    .source = module_source,
	    .explain = explain,
	    .detail = detail,
	    .about = about,
	};

	return &pane;
}
