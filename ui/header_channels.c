/* The header's lines of the CPU profile and of the heap. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fmt.h"
#include "header_parts.h"
#include "line.h"
#include "remedy.h"
#include "text.h"

const char *header_percent(char *buf, size_t size, double value)
{
	char number[FMT_SIZE];

	if (isnan(value))
		return "?";
	snprintf(buf, size, "%s%%", fmt_percent(number, sizeof(number), value));
	return buf;
}

const char *header_whole_percent(char *buf, size_t size, double value)
{
	if (isnan(value))
		return "?";
	snprintf(buf, size, "%d%%", (int)value);
	return buf;
}

double header_share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : (double)NAN;
}

enum style header_stacks_style(const struct snapshot_cpu *cpu)
{
	return header_share(cpu->stacks_complete, cpu->samples) < REMEDY_STACKS_PCT ? STYLE_WARN
										   : STYLE_NORMAL;
}

/* Why something is off: as many of its clauses as fit, for its pane has all. */
static void add_reason(struct line *line, const char *reason, int cols)
{
	char text[LINE_TEXT];
	int room = cols - (int)strlen(" HEAP  off: ");
	size_t end = 0;

	fmt_harmless(text, sizeof(text), reason ? reason : "?");
	for (size_t i = 0; text_width(text) > room && text[i] && (int)i <= room; i++)
		if (strchr(";,:(", text[i]))
			end = i;
	if (end > 0)
		text[end] = '\0';
	line_add(line, 0, "off:", STYLE_WARN, "%s", text);
}

static void add_stacks(struct line *line, const struct snapshot_cpu *cpu)
{
	char text[FMT_SIZE];

	line_add(line, 0, "full stacks", header_stacks_style(cpu), "%s",
		 header_percent(text, sizeof(text), header_share(cpu->stacks_complete, cpu->samples)));
	if (cpu->stacks_guessed > 0)
		line_add(line, 3, "guessed", STYLE_NORMAL, "%s",
			 header_percent(text, sizeof(text), header_share(cpu->stacks_guessed, cpu->samples)));
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
		 header_percent(text, sizeof(text), header_share(cpu->recent_kernel, recent)));
	if (cpu->recent_probes > 0)
		line_add(line, 3, "in probes", STYLE_HOT, "%s",
			 header_percent(text, sizeof(text), header_share(cpu->recent_probes, recent)));
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

void header_draw_cpu(const struct snapshot_cpu *cpu, struct grid *grid, int row)
{
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "CPU ");
	if (cpu->state == CHANNEL_OFF) {
		add_reason(&line, cpu->reason, grid_cols(grid));
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
static void add_live(struct line *line, const struct snapshot *snapshot)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	char live[FMT_SIZE];

	fmt_bytes(live, sizeof(live), heap->live_bytes);
	if (heap->frees_unknown)
		line_add(line, 0, "live", STYLE_WARN, "? (frees would cost %.1f%%; key O)",
			 snapshot->governor.followed_pct);
	else if (isnan(heap->live_ci_bytes))
		line_add(line, 0, "live", STYLE_NORMAL, "~%s (+/-?)", live);
	else if (heap->live_ci_bytes > 0 && heap->live_bytes > 0)
		line_add(line, 0, "live", STYLE_NORMAL, "~%s (+/-%.0f%%)", live,
			 100 * heap->live_ci_bytes / (double)heap->live_bytes);
	else
		line_add(line, 0, "live", STYLE_NORMAL, "%s", live);
}

void header_draw_heap(const struct snapshot *snapshot, struct grid *grid, int row)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	struct line line = {.count = 0};
	char text[FMT_SIZE];

	line_add(&line, 0, NULL, STYLE_TITLE, "HEAP");
	if (heap->state == CHANNEL_OFF) {
		if (snapshot->governor.heap_out)
			line_add(&line, 0, "off:", STYLE_WARN,
				 "the probes are taken out to keep within --max-overhead %g: O lifts it",
				 snapshot->governor.budget_pct);
		else
			add_reason(&line, heap->reason, grid_cols(grid));
		line_draw(&line, grid, row);
		return;
	}
	add_heap_mode(&line, heap);
	add_allocators(&line, snapshot);
	if (snapshot->overflow.probes_refused > 0)
		line_add(&line, 0, "refused", STYLE_WARN, "%s!",
			 fmt_count(text, sizeof(text), snapshot->overflow.probes_refused));
	add_live(&line, snapshot);
	line_add(&line, 3, "objs", STYLE_NORMAL, "%s",
		 fmt_count(text, sizeof(text), heap->live_objects));
	add_growth(&line, heap->growth_bytes_per_s);
	add_alloc_rate(&line, heap->alloc_bytes_per_s);
	if (!isnan(heap->coverage_pct))
		line_add(&line, 5, "covers", STYLE_NORMAL, "%s",
			 header_percent(text, sizeof(text), heap->coverage_pct));
	if (heap->untracked_known)
		line_add(&line, 6, "older frees", STYLE_NORMAL, "%s",
			 fmt_count(text, sizeof(text), heap->untracked_frees));
	line_draw(&line, grid, row);
}

/* CPU and heap in one line, for few rows. */
void header_draw_channels(const struct snapshot *snapshot, struct grid *grid, int row)
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
		add_live(&line, snapshot);
		add_growth(&line, heap->growth_bytes_per_s);
	}
	line_draw(&line, grid, row);
}
