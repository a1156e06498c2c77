/*
 * The header. Every line is a list of facts with ranks (line.h); losses and the state of the target
 * have rank 0 and never drop out.
 */
#include "config.h"

#include "header.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fmt.h"
#include "header_parts.h"
#include "line.h"
#include "remedy.h"
#include "spark.h"

/* A loss: zero is quiet, anything else stands out even without colour. */
static void add_count(struct line *line, const char *label, enum style style, uint64_t count)
{
	char number[FMT_SIZE];

	line_add(line, 0, label, style, "%s%s", fmt_count(number, sizeof(number), count),
		 style == STYLE_WARN ? "!" : "");
}

static void add_loss(struct line *line, const char *label, uint64_t count)
{
	add_count(line, label, count > 0 ? STYLE_WARN : STYLE_MUTED, count);
}

/* Of these no count is wrong. */
static void add_drops(struct line *line, const char *label, const struct snapshot_overflow *overflow)
{
	enum style style = overflow->ringbuf_drops ? STYLE_WARN : STYLE_MUTED;

	add_count(line, label, style, overflow->ringbuf_dropped);
}

static void add_exit(struct line *line, const struct snapshot_target *target, bool brief)
{
	int status = target->exit_status;

	if (!target->exited)
		return;
	if (status != -1 && WIFEXITED(status))
		line_add(line, 0, NULL, STYLE_WARN, "EXITED (status %d)", WEXITSTATUS(status));
	else if (status != -1 && WIFSIGNALED(status))
		line_add(line, 0, NULL, STYLE_WARN, "EXITED (%ssignal %d)",
			 brief ? "" : "killed by ", WTERMSIG(status));
	else
		line_add(line, 0, NULL, STYLE_WARN, "EXITED (status unknown)");
}

static void add_clock(struct line *line, const struct snapshot *snapshot)
{
	char text[FMT_SIZE];
	struct tm local;

	if (!isnan(snapshot->target.up_s)) {
		line_add(line, 7, "up", STYLE_NORMAL, "%s",
			 fmt_duration(text, sizeof(text), snapshot->target.up_s));
		line_to_right(line);
	}
	line_add(line, 3, "watched", STYLE_NORMAL, "%s",
		 fmt_duration(text, sizeof(text), snapshot->elapsed_s));
	line_to_right(line);
	if (!localtime_r(&snapshot->time.tv_sec, &local) ||
	    strftime(text, sizeof(text), "%H:%M:%S", &local) == 0)
		return;
	line_add(line, 5, NULL, STYLE_NORMAL, "%s", text);
	line_to_right(line);
}

/* The curve begins at zero: one that is flat stays flat. */
static void add_rss(struct line *line, const struct snapshot *snapshot, const struct glyphs *glyphs)
{
	char text[FMT_SIZE], curve[LINE_TEXT];

	line_add(line, 2, "RSS", STYLE_NORMAL, "%s",
		 fmt_bytes(text, sizeof(text), snapshot->target.rss_bytes));
	line_add(
	    line, 8, NULL, STYLE_MUTED, "%s",
	    spark_line(curve, sizeof(curve), snapshot->memory.rss_trend, SNAPSHOT_TREND, glyphs));
}

static void draw_target(const struct snapshot *snapshot, bool paused, const struct glyphs *glyphs,
			struct grid *grid, int row)
{
	const struct snapshot_target *target = &snapshot->target;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 6, NULL, STYLE_TITLE, "rsprof-top");
	line_add(&line, 0, NULL, STYLE_TITLE, "%d %s", target->pid,
		 target->comm ? target->comm : "?");
	add_exit(&line, target, false);
	line_add(&line, 9, NULL, STYLE_MUTED, "%.60s", target->exe ? target->exe : "?");
	line_add(&line, 4, NULL, STYLE_NORMAL, "%u thr", target->threads);
	line_add(&line, 1, "CPU", STYLE_NORMAL, "%s", header_percent(text, sizeof(text), target->cpu_pct));
	add_rss(&line, snapshot, glyphs);
	if (paused) {
		line_add(&line, 0, NULL, STYLE_WARN, "PAUSED");
		line_to_right(&line);
	}
	add_clock(&line, snapshot);
	line_draw(&line, grid, row);
}

/* What watching costs the target: never left out, and not hidden while it is unknown. */
static void add_target_cost(struct line *line, const struct snapshot *snapshot, const char *label)
{
	double pct = snapshot->overhead.target_pct;
	char text[FMT_SIZE];

	line_add(line, 0, label, remedy_is_dear(snapshot) ? STYLE_WARN : STYLE_NORMAL, "%s%s",
		 isnan(pct) ? "" : "~", header_percent(text, sizeof(text), pct));
}

static void add_cost(struct line *line, const struct snapshot *snapshot, const char *label)
{
	const struct snapshot_overhead *overhead = &snapshot->overhead;
	char cpu[FMT_SIZE], rss[FMT_SIZE];

	add_target_cost(line, snapshot, label);
	line_add(line, 1, "self", STYLE_NORMAL, "%s %s",
		 header_percent(cpu, sizeof(cpu), overhead->self_cpu_pct),
		 fmt_bytes(rss, sizeof(rss), overhead->self_rss_bytes));
	line_to_right(line);
}

/* Losses stay at every width; their labels get shorter instead. */
static void draw_losses(const struct snapshot *snapshot, struct grid *grid, int row)
{
	static const char *const labels[][5] = {
	    {"perf", "throt", "ring", "maps", "thr"},
	    {"perf", "throttled", "ring", "maps", "threads"},
	    {"perf samples", "throttled", "ring buffer", "maps full", "uncovered threads"},
	};
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	int cols = grid_cols(grid);
	const char *const *label = labels[cols < 84 ? 0 : cols < 110 ? 1 : 2];
	struct line line = {.count = 0};

	line_add(&line, 0, NULL, STYLE_TITLE, "LOST");
	add_loss(&line, label[0], overflow->perf_lost);
	add_loss(&line, label[1], overflow->perf_throttled);
	add_drops(&line, label[2], overflow);
	add_loss(&line, label[3], overflow->live_map_full + overflow->site_map_full);
	add_loss(&line, label[4], overflow->threads_uncovered);
	add_cost(&line, snapshot, cols < 110 ? "cost" : "target cost");
	line_draw(&line, grid, row);
}

static void draw_all_in_one(const struct snapshot *snapshot, bool paused, unsigned hidden,
			    struct grid *grid, int row)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	uint64_t lost = overflow->perf_lost + overflow->perf_throttled +
			(overflow->ringbuf_drops ? overflow->ringbuf_dropped : 0) +
			overflow->live_map_full + overflow->site_map_full +
			overflow->threads_uncovered;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 1, NULL, STYLE_TITLE, "%d", snapshot->target.pid);
	line_add(&line, 2, NULL, STYLE_TITLE, "%s",
		 snapshot->target.comm ? snapshot->target.comm : "?");
	if (paused)
		line_add(&line, 0, NULL, STYLE_WARN, "PAUSED");
	add_exit(&line, &snapshot->target, true);
	if (hidden > 0)
		line_add(&line, 0, NULL, STYLE_WARN, "!%u", hidden);
	add_loss(&line, "lost", lost);
	add_target_cost(&line, snapshot, "cost");
	line_add(&line, 0, "full", header_stacks_style(&snapshot->cpu), "%s",
		 header_whole_percent(text, sizeof(text),
				      header_share(snapshot->cpu.stacks_complete,
						   snapshot->cpu.samples)));
	line_add(&line, 4, "CPU", STYLE_NORMAL, "%s",
		 header_percent(text, sizeof(text), snapshot->target.cpu_pct));
	line_add(&line, 5, "RSS", STYLE_NORMAL, "%s",
		 fmt_bytes(text, sizeof(text), snapshot->target.rss_bytes));
	line_add(&line, 3, "self", STYLE_NORMAL, "%s",
		 header_percent(text, sizeof(text), snapshot->overhead.self_cpu_pct));
	line_draw(&line, grid, row);
}

void header_draw(const struct snapshot *snapshot, bool paused, unsigned hidden,
		 const struct glyphs *glyphs, struct grid *grid, struct rect rect)
{
	if (rect.rows < 3) {
		draw_all_in_one(snapshot, paused, hidden, grid, rect.row);
		return;
	}
	draw_target(snapshot, paused, glyphs, grid, rect.row);
	if (rect.rows == 3) {
		header_draw_channels(snapshot, grid, rect.row + 1);
	} else {
		header_draw_cpu(&snapshot->cpu, grid, rect.row + 1);
		header_draw_heap(snapshot, grid, rect.row + 2);
	}
	draw_losses(snapshot, grid, rect.row + rect.rows - 1);
}
