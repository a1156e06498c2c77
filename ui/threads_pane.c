/*
 * The pane of the target's threads.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "fmt.h"
#include "pane.h"
#include "spark.h"

enum {
	COLUMN_CPU,
	COLUMN_LOAD,
	COLUMN_SHARE,
	COLUMN_SAMPLES,
	COLUMN_ALLOC,
	COLUMN_STATE,
	COLUMN_TID,
	COLUMN_NAME,
	COLUMN_FUNCTION,
};

static const double hot_pct = 50.0;

static const struct table_column columns[] = {
    [COLUMN_CPU] = {"CPU%", "of one core, since the last refresh", {6, 6, 0, 0}, false, false},
    [COLUMN_LOAD] = {"LOAD", "CPU% as a bar", {10, 10, 5, 0}, true, false},
    [COLUMN_SHARE] =
	{"SHARE%", "of all CPU samples since attachment", {7, 7, 3, 0}, false, false},
    [COLUMN_SAMPLES] = {"SAMPLES", "how many those are", {8, 8, 4, 0}, false, false},
    [COLUMN_ALLOC] = {"ALLOC/s",
		      "bytes it allocated per second, since the last refresh",
		      {8, 8, 2, 0},
		      false,
		      false},
    [COLUMN_STATE] = {"S",
		      "state: R runs, S sleeps, D waits in the kernel, T stopped",
		      {2, 2, 2, 0},
		      true,
		      false},
    [COLUMN_TID] = {"TID", "the thread's number", {7, 7, 0, 0}, false, false},
    [COLUMN_NAME] = {"NAME", "as the target calls it", {15, 15, 0, 0}, true, false},
    [COLUMN_FUNCTION] = {"LATELY IN",
			 "function that most of its last samples were in",
			 {14, 96, 1, 28},
			 true,
			 true},
};

static const struct snapshot_thread *thread_at(const void *rows, size_t index)
{
	return &((const struct snapshot_thread *)rows)[index];
}

static uint64_t thread_id(const void *rows, size_t index)
{
	return (uint64_t)thread_at(rows, index)->tid;
}

static struct view_key thread_key(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_thread *row = thread_at(rows, index);

	switch (column) {
	case COLUMN_CPU:
	case COLUMN_LOAD:
		return view_number(row->cpu_pct);
	case COLUMN_SHARE:
	case COLUMN_SAMPLES:
		return view_number(row->samples_pct);
	case COLUMN_ALLOC:
		return view_number(row->alloc_bytes_per_s);
	case COLUMN_STATE:
		return view_number(-(double)row->state);
	case COLUMN_TID:
		return view_number(-(double)row->tid);
	case COLUMN_NAME:
		return view_text(row->name);
	default:
		return view_text(row->function);
	}
}

static const char *percent(char *buf, size_t size, double value)
{
	return isnan(value) ? "-" : fmt_percent(buf, size, value);
}

static const char *thread_cell(const void *rows, size_t index, const struct table_cell *cell,
			       char *buf, size_t size)
{
	const struct snapshot_thread *thread = thread_at(rows, index);

	switch (cell->column) {
	case COLUMN_CPU:
		return percent(buf, size, thread->cpu_pct);
	case COLUMN_LOAD:
		return spark_bar(buf, size, thread->cpu_pct / 100, cell->cols, cell->glyphs);
	case COLUMN_SHARE:
		return percent(buf, size, thread->samples_pct);
	case COLUMN_SAMPLES:
		return thread->samples == SNAPSHOT_UNKNOWN ? "-"
							   : fmt_count(buf, size, thread->samples);
	case COLUMN_ALLOC:
		return isnan(thread->alloc_bytes_per_s)
			   ? "-"
			   : fmt_bytes(buf, size, (uint64_t)thread->alloc_bytes_per_s);
	case COLUMN_STATE:
		snprintf(buf, size, "%c", thread->state);
		return buf;
	case COLUMN_TID:
		snprintf(buf, size, "%d", thread->tid);
		return buf;
	case COLUMN_NAME:
		return thread->name;
	default:
		return thread->function ? thread->function : "-";
	}
}

static enum style thread_style(const void *rows, size_t index, unsigned column)
{
	const struct snapshot_thread *thread = thread_at(rows, index);

	(void)column;
	if (thread->cpu_pct >= hot_pct)
		return STYLE_HOT;
	return thread->state == 'R' || thread->cpu_pct > 0 ? STYLE_NORMAL : STYLE_MUTED;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct snapshot_thread *thread = thread_at(rows, index);

	return cell_search_part(part, thread->name, thread->function, NULL);
}

static struct view_source thread_source(const struct snapshot *snapshot,
					const struct pane_choice *choice)
{
	(void)choice;
	return (struct view_source){
	    .rows = snapshot->threads,
	    .count = snapshot->thread_count,
	    .id = thread_id,
	    .key = thread_key,
	    .text = row_text,
	    .instead = COLUMN_CPU,
	};
}

/* What is not known of any thread. */
static uint32_t hidden(const struct snapshot *snapshot)
{
	uint32_t nothing = UINT32_C(1) << COLUMN_SHARE | UINT32_C(1) << COLUMN_SAMPLES |
			   UINT32_C(1) << COLUMN_ALLOC | UINT32_C(1) << COLUMN_FUNCTION;

	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];

		if (thread->samples != SNAPSHOT_UNKNOWN)
			nothing &= ~(UINT32_C(1) << COLUMN_SHARE | UINT32_C(1) << COLUMN_SAMPLES);
		if (!isnan(thread->alloc_bytes_per_s))
			nothing &= ~(UINT32_C(1) << COLUMN_ALLOC);
		if (thread->function)
			nothing &= ~(UINT32_C(1) << COLUMN_FUNCTION);
	}
	return nothing;
}

static void explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	snprintf(buf, size, "%s",
		 snapshot->target.exited ? "the target has exited: it has no threads any more"
		 : snapshot->request.threads
		     ? "the threads cannot be read"
		     : "threads are not in what was frozen: p resumes the display");
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	int length = 0;

	(void)choice;
	buf[0] = '\0';
	if (snapshot->thread_count == 0)
		return;
	length = snprintf(buf, size, "of %s", snapshot->target.comm ? snapshot->target.comm : "?");
	if (snapshot->threads_left_out > 0)
		length += snprintf(buf + length, size - (size_t)length, ", %zu more are not shown",
				   snapshot->threads_left_out);
	if (snapshot->kernel.walk_reason)
		length += snprintf(buf + length, size - (size_t)length,
				   "; samples by thread are counted only in the kernel: %s",
				   snapshot->kernel.walk_reason);
	if ((size_t)length < size && snapshot->heap.state == CHANNEL_OFF)
		snprintf(buf + length, size - (size_t)length, "; ALLOC/s is not known: %s",
			 snapshot->heap.reason ? snapshot->heap.reason : "the heap is not tracked");
	else if ((size_t)length < size && snapshot->governor.heap_share < 1)
		snprintf(buf + length, size - (size_t)length,
			 "; ALLOC/s is not known: allocations are seen for a share of the time");
	else if ((size_t)length < size && snapshot->heap.mode &&
		 strcmp(snapshot->heap.mode, "sampled") == 0)
		snprintf(buf + length, size - (size_t)length,
			 "; CPU%% and ALLOC/s, an estimate, since the last refresh");
	else if ((size_t)length < size)
		snprintf(buf + length, size - (size_t)length,
			 "; CPU%% and ALLOC/s since the last refresh");
}

const struct pane *threads_pane_get(void)
{
	static const struct pane pane = {
	    .name = "THREADS",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), thread_cell, thread_style},
	    .first_sort = COLUMN_CPU,
	    .source = thread_source,
	    .hidden = hidden,
	    .explain = explain,
	    .about = about,
	};

	return &pane;
}
