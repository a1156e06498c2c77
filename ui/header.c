/*
 * The header. Every line is a list of facts with ranks (line.h); losses and the state of the target
 * have rank 0 and never drop out.
 */
#include "config.h"

#include "header.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fmt.h"
#include "line.h"
#include "remedy.h"
#include "spark.h"

static const char *percent(char *buf, size_t size, double value)
{
	char number[FMT_SIZE];

	if (isnan(value))
		return "?";
	snprintf(buf, size, "%s%%", fmt_percent(number, sizeof(number), value));
	return buf;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : (double)NAN;
}

/* A loss: zero is quiet, anything else stands out even without colour. */
static void add_loss(struct line *line, int rank, const char *label, uint64_t count)
{
	char number[FMT_SIZE];

	line_add(line, rank, label, count > 0 ? STYLE_WARN : STYLE_MUTED, "%s%s",
		 fmt_count(number, sizeof(number), count), count > 0 ? "!" : "");
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
	line_add(&line, 1, "CPU", STYLE_NORMAL, "%s", percent(text, sizeof(text), target->cpu_pct));
	add_rss(&line, snapshot, glyphs);
	if (paused) {
		line_add(&line, 0, NULL, STYLE_WARN, "PAUSED");
		line_to_right(&line);
	}
	add_clock(&line, snapshot);
	line_draw(&line, grid, row);
}

static enum style stacks_style(const struct snapshot_cpu *cpu)
{
	return share(cpu->stacks_complete, cpu->samples - cpu->stacks_pending) < REMEDY_STACKS_PCT
		   ? STYLE_WARN
		   : STYLE_NORMAL;
}

static void add_stacks(struct line *line, const struct snapshot_cpu *cpu)
{
	char text[FMT_SIZE];

	line_add(line, 0, "full stacks", stacks_style(cpu), "%s",
		 percent(text, sizeof(text), share(cpu->stacks_complete, cpu->samples)));
	if (cpu->stacks_guessed > 0)
		line_add(line, 3, "guessed", STYLE_NORMAL, "%s",
			 percent(text, sizeof(text), share(cpu->stacks_guessed, cpu->samples)));
	if (cpu->stacks_pending > 0)
		line_add(line, 3, "pending", STYLE_NORMAL, "%s",
			 fmt_count(text, sizeof(text), cpu->stacks_pending));
}

/* The kernel's share lately, and how much of that is what probes cost the target. */
static void add_kernel(struct line *line, const struct snapshot_cpu *cpu)
{
	uint64_t recent = cpu->window_samples[SNAPSHOT_RECENT];
	char text[FMT_SIZE];

	line_add(line, 2, "kernel", STYLE_NORMAL, "%s",
		 percent(text, sizeof(text), share(cpu->recent_kernel, recent)));
	if (cpu->recent_probes > 0)
		line_add(line, 3, "in probes", STYLE_HOT, "%s",
			 percent(text, sizeof(text), share(cpu->recent_probes, recent)));
}

/* Samples a second that come, lately. */
static void add_rate(struct line *line, const struct snapshot_cpu *cpu)
{
	double seconds = cpu->window_s[SNAPSHOT_RECENT];
	char text[FMT_SIZE];

	if (seconds > 0)
		line_add(
		    line, 4, NULL, STYLE_NORMAL, "%s/s",
		    fmt_count(text, sizeof(text),
			      (uint64_t)((double)cpu->window_samples[SNAPSHOT_RECENT] / seconds)));
}

static void draw_cpu(const struct snapshot_cpu *cpu, struct grid *grid, int row)
{
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "CPU ");
	if (cpu->state == CHANNEL_OFF) {
		line_add(&line, 0, "off:", STYLE_WARN, "%s", cpu->reason ? cpu->reason : "?");
		line_draw(&line, grid, row);
		return;
	}
	line_add(&line, 4, NULL, STYLE_NORMAL, "%s %u Hz", cpu->event ? cpu->event : "?",
		 cpu->frequency_hz);
	line_add(&line, 1, "samples", STYLE_NORMAL, "%s",
		 fmt_count(text, sizeof(text), cpu->samples));
	add_rate(&line, cpu);
	add_stacks(&line, cpu);
	if (cpu->kernel)
		add_kernel(&line, cpu);
	else
		line_add(&line, 2, NULL, STYLE_NORMAL, "user only");
	line_draw(&line, grid, row);
}

static void add_allocators(struct line *line, const struct snapshot *snapshot)
{
	char text[LINE_TEXT] = "";
	size_t length = 0;

	for (size_t i = 0; i < snapshot->allocator_count && length < sizeof(text); i++) {
		int more = snprintf(text + length, sizeof(text) - length, "%s%s", i > 0 ? "+" : "",
				    snapshot->allocators[i].name);

		length += more > 0 ? (size_t)more : 0;
	}
	if (length > 0)
		line_add(line, 4, NULL, STYLE_NORMAL, "%s", text);
}

static void add_heap_mode(struct line *line, const struct snapshot_heap *heap)
{
	char text[FMT_SIZE];

	if (heap->mode && strcmp(heap->mode, "sampled") == 0 && heap->interval_bytes == 0)
		line_add(line, 2, NULL, STYLE_NORMAL, "now exact");
	else if (heap->mode && strcmp(heap->mode, "sampled") == 0)
		line_add(line, 2, NULL, STYLE_NORMAL, "sampled 1/%s",
			 fmt_bytes(text, sizeof(text), heap->interval_bytes));
	else
		line_add(line, 2, NULL, STYLE_NORMAL, "%s", heap->mode ? heap->mode : "?");
}

static void add_growth(struct line *line, double bytes_per_s)
{
	char text[FMT_SIZE];

	line_add(line, 1, "growth", STYLE_NORMAL, "%s",
		 isnan(bytes_per_s) ? "?"
				    : fmt_bytes_signed(text, sizeof(text), bytes_per_s, "/s"));
}

static void add_alloc_rate(struct line *line, double bytes_per_s)
{
	char text[FMT_SIZE];

	if (isnan(bytes_per_s) || bytes_per_s < 0)
		line_add(line, 5, "alloc", STYLE_NORMAL, "?");
	else
		line_add(line, 5, "alloc", STYLE_NORMAL, "%s/s",
			 fmt_bytes(text, sizeof(text), (uint64_t)bytes_per_s));
}

/* Live bytes, with their 95 % confidence interval where they are an estimate. */
static void add_live(struct line *line, const struct snapshot_heap *heap)
{
	char live[FMT_SIZE];

	fmt_bytes(live, sizeof(live), heap->live_bytes);
	if (heap->frees_unknown)
		line_add(line, 0, "live", STYLE_WARN, "? (frees are not seen)");
	else if (isnan(heap->live_ci_bytes))
		line_add(line, 0, "live", STYLE_NORMAL, "~%s (+/-?)", live);
	else if (heap->live_ci_bytes > 0 && heap->live_bytes > 0)
		line_add(line, 0, "live", STYLE_NORMAL, "~%s (+/-%.0f%%)", live,
			 100 * heap->live_ci_bytes / (double)heap->live_bytes);
	else
		line_add(line, 0, "live", STYLE_NORMAL, "%s", live);
}

static void draw_heap(const struct snapshot *snapshot, struct grid *grid, int row)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "HEAP");
	if (heap->state == CHANNEL_OFF) {
		line_add(&line, 0, "off:", STYLE_WARN, "%s", heap->reason ? heap->reason : "?");
		line_draw(&line, grid, row);
		return;
	}
	add_heap_mode(&line, heap);
	add_allocators(&line, snapshot);
	add_live(&line, heap);
	line_add(&line, 3, "objs", STYLE_NORMAL, "%s",
		 fmt_count(text, sizeof(text), heap->live_objects));
	add_growth(&line, heap->growth_bytes_per_s);
	add_alloc_rate(&line, heap->alloc_bytes_per_s);
	if (!isnan(heap->coverage_pct))
		line_add(&line, 5, "covers", STYLE_NORMAL, "%s",
			 percent(text, sizeof(text), heap->coverage_pct));
	if (heap->untracked_known)
		line_add(&line, 6, "older frees", STYLE_NORMAL, "%s",
			 fmt_count(text, sizeof(text), heap->untracked_frees));
	line_draw(&line, grid, row);
}

/* What watching costs the target: never left out, and not hidden while it is unknown. */
static void add_target_cost(struct line *line, const struct snapshot *snapshot, const char *label)
{
	double pct = snapshot->overhead.target_pct;
	char text[FMT_SIZE];

	line_add(line, 0, label, remedy_is_dear(snapshot) ? STYLE_WARN : STYLE_NORMAL, "%s%s",
		 isnan(pct) ? "" : "~", percent(text, sizeof(text), pct));
}

static void add_cost(struct line *line, const struct snapshot *snapshot, const char *label)
{
	const struct snapshot_overhead *overhead = &snapshot->overhead;
	char cpu[FMT_SIZE], rss[FMT_SIZE];

	add_target_cost(line, snapshot, label);
	line_add(line, 1, "self", STYLE_NORMAL, "%s %s",
		 percent(cpu, sizeof(cpu), overhead->self_cpu_pct),
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
	add_loss(&line, 0, label[0], overflow->perf_lost);
	add_loss(&line, 0, label[1], overflow->perf_throttled);
	add_loss(&line, 0, label[2], overflow->ringbuf_dropped);
	add_loss(&line, 0, label[3], overflow->live_map_full + overflow->site_map_full);
	add_loss(&line, 0, label[4], overflow->threads_uncovered);
	add_cost(&line, snapshot, cols < 110 ? "cost" : "target cost");
	line_draw(&line, grid, row);
}

/* CPU and heap in one line, for few rows. */
static void draw_channels(const struct snapshot *snapshot, struct grid *grid, int row)
{
	const struct snapshot_cpu *cpu = &snapshot->cpu;
	const struct snapshot_heap *heap = &snapshot->heap;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "CPU");
	if (cpu->state == CHANNEL_OFF) {
		line_add(&line, 0, NULL, STYLE_WARN, "off");
	} else {
		line_add(&line, 4, NULL, STYLE_NORMAL, "%u Hz%s", cpu->frequency_hz,
			 cpu->kernel ? "" : " user");
		line_add(&line, 5, "samples", STYLE_NORMAL, "%s",
			 fmt_count(text, sizeof(text), cpu->samples));
		add_stacks(&line, cpu);
	}
	line_add(&line, 0, NULL, STYLE_TITLE, "HEAP");
	if (heap->state == CHANNEL_OFF) {
		line_add(&line, 0, NULL, STYLE_WARN, "off");
	} else {
		add_heap_mode(&line, heap);
		add_live(&line, heap);
		add_growth(&line, heap->growth_bytes_per_s);
	}
	line_draw(&line, grid, row);
}

static void draw_all_in_one(const struct snapshot *snapshot, bool paused, bool notice_hidden,
			    struct grid *grid, int row)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	uint64_t lost = overflow->perf_lost + overflow->perf_throttled + overflow->ringbuf_dropped +
			overflow->live_map_full + overflow->site_map_full +
			overflow->threads_uncovered;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "%d %s", snapshot->target.pid,
		 snapshot->target.comm ? snapshot->target.comm : "?");
	if (paused)
		line_add(&line, 0, NULL, STYLE_WARN, "PAUSED");
	add_exit(&line, &snapshot->target, true);
	if (notice_hidden)
		line_add(&line, 0, NULL, STYLE_WARN, "!");
	add_loss(&line, lost > 0 ? 0 : 1, "lost", lost);
	add_target_cost(&line, snapshot, "cost");
	line_add(&line, 2, "full", stacks_style(&snapshot->cpu), "%s",
		 percent(text, sizeof(text),
			 share(snapshot->cpu.stacks_complete, snapshot->cpu.samples)));
	line_add(&line, 4, "CPU", STYLE_NORMAL, "%s",
		 percent(text, sizeof(text), snapshot->target.cpu_pct));
	line_add(&line, 5, "RSS", STYLE_NORMAL, "%s",
		 fmt_bytes(text, sizeof(text), snapshot->target.rss_bytes));
	line_add(&line, 3, "self", STYLE_NORMAL, "%s",
		 percent(text, sizeof(text), snapshot->overhead.self_cpu_pct));
	line_draw(&line, grid, row);
}

void header_draw(const struct snapshot *snapshot, bool paused, bool notice_hidden,
		 const struct glyphs *glyphs, struct grid *grid, struct rect rect)
{
	if (rect.rows < 3) {
		draw_all_in_one(snapshot, paused, notice_hidden, grid, rect.row);
		return;
	}
	draw_target(snapshot, paused, glyphs, grid, rect.row);
	if (rect.rows == 3) {
		draw_channels(snapshot, grid, rect.row + 1);
	} else {
		draw_cpu(&snapshot->cpu, grid, rect.row + 1);
		draw_heap(snapshot, grid, rect.row + 2);
	}
	draw_losses(snapshot, grid, rect.row + rect.rows - 1);
}
