/*
 * The table of -b. Columns are as wide as their widest name among the rows shown, up to a limit
 * that keeps a line readable; the place comes last, so that it may be as long as it is.
 */
#include "config.h"

#include "output/batch.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "fmt.h"

enum {
	TOP_ROWS = 20,
	NAME_COLUMNS = 60,
	MODULE_COLUMNS = 24,
	CELL_SIZE = 256, /* room for NAME_COLUMNS characters of four bytes */
	TEXT_SIZE = 4096,
	SHARE_SIZE = FMT_SIZE + 1,
};

/* Characters, not bytes: a byte 10xxxxxx continues one. */
static size_t count_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}

/* What is shown of a name: at most `most` columns, dots at the end if that is not all. */
static void make_cell(char cell[static CELL_SIZE], const char *name, size_t most)
{
	char harmless[TEXT_SIZE];
	size_t limit = most;
	size_t kept = 0;
	size_t length = 0;

	fmt_harmless(harmless, sizeof(harmless), name ? name : "[unknown]");
	if (count_columns(harmless) > most)
		limit = most - strlen("...");
	for (; harmless[length]; length++) {
		kept += (harmless[length] & 0xc0) != 0x80;
		if (kept > limit)
			break;
	}
	snprintf(cell, CELL_SIZE, "%.*s%s", (int)length, harmless, limit < most ? "..." : "");
}

static size_t cell_columns(const char *name, size_t most)
{
	char cell[CELL_SIZE];

	make_cell(cell, name, most);
	return count_columns(cell);
}

/* Padded here: printf's width counts bytes. */
static void put_cell(FILE *out, const char *name, size_t most, size_t width)
{
	char cell[CELL_SIZE];
	size_t columns;

	make_cell(cell, name, most);
	columns = count_columns(cell);
	fprintf(out, "  %s%*s", cell, columns < width ? (int)(width - columns) : 0, "");
}

static void put_place(FILE *out, const char *file, unsigned line)
{
	char harmless[TEXT_SIZE];

	fmt_harmless(harmless, sizeof(harmless), file ? file : "-");
	if (file && line > 0)
		fprintf(out, "  %s:%u\n", harmless, line);
	else
		fprintf(out, "  %s\n", harmless);
}

/* "name: text", with text from anywhere. */
static void put_reason(FILE *out, const char *name, const char *text)
{
	char harmless[TEXT_SIZE];

	fprintf(out, "%s: %s\n", name, fmt_harmless(harmless, sizeof(harmless), text));
}

/* "1.5%", and "-" where it is unknown. */
static const char *share(char buf[static SHARE_SIZE], double percent)
{
	char number[FMT_SIZE];

	fmt_percent(number, sizeof(number), percent);
	snprintf(buf, SHARE_SIZE, "%s%s", number, isnan(percent) ? "" : "%");
	return buf;
}

static void put_target(FILE *out, const struct snapshot *snapshot)
{
	const struct snapshot_target *target = &snapshot->target;
	char comm[CELL_SIZE];
	char elapsed[FMT_SIZE];
	char percent[SHARE_SIZE];
	char rss[FMT_SIZE];

	make_cell(comm, target->comm, NAME_COLUMNS);
	fprintf(out, "target: %d %s, %s, %s since attachment, %u threads, CPU %s, RSS %s\n",
		target->pid, comm, target->exited ? "exited" : "running",
		fmt_duration(elapsed, sizeof(elapsed), snapshot->elapsed_s), target->threads,
		share(percent, target->cpu_pct), fmt_bytes(rss, sizeof(rss), target->rss_bytes));
}

static void put_cpu(FILE *out, const struct snapshot_cpu *cpu)
{
	char samples[FMT_SIZE];
	char kernel[FMT_SIZE];
	char where[2 * FMT_SIZE];
	char complete[FMT_SIZE];
	char count[FMT_SIZE];
	char guessed[2 * FMT_SIZE] = "";
	char copied[FMT_SIZE];
	char pending[FMT_SIZE];

	if (cpu->state == CHANNEL_OFF) {
		put_reason(out, "cpu: off", cpu->reason ? cpu->reason : "no reason known");
		return;
	}
	fmt_count(kernel, sizeof(kernel), cpu->kernel_samples);
	snprintf(where, sizeof(where), "%s in the kernel", kernel);
	if (cpu->stacks_guessed > 0)
		snprintf(guessed, sizeof(guessed), " (%s guessed)",
			 fmt_count(count, sizeof(count), cpu->stacks_guessed));
	fprintf(out,
		"cpu: %s at %u Hz, %s samples, %s; stacks: %s complete%s, %s copied, "
		"%s pending\n",
		cpu->event ? cpu->event : "-", cpu->frequency_hz,
		fmt_count(samples, sizeof(samples), cpu->samples),
		cpu->kernel ? where : "kernel not sampled",
		fmt_count(complete, sizeof(complete), cpu->stacks_complete), guessed,
		fmt_count(copied, sizeof(copied), cpu->stacks_copied),
		fmt_count(pending, sizeof(pending), cpu->stacks_pending));
	if (cpu->reason)
		put_reason(out, "cpu limited", cpu->reason);
}

static void put_heap_figures(FILE *out, const struct snapshot_heap *heap)
{
	char live[FMT_SIZE];
	char objects[FMT_SIZE];
	char growth[FMT_SIZE];
	char allocated[FMT_SIZE];
	char freed[FMT_SIZE];
	char rate[FMT_SIZE];
	char untracked[FMT_SIZE];

	fprintf(out,
		"heap books: %s live in %s objects, growth %s; %s allocated (%s), %s freed; "
		"%s untracked frees\n",
		fmt_bytes(live, sizeof(live), heap->live_bytes),
		fmt_count(objects, sizeof(objects), heap->live_objects),
		fmt_bytes_signed(growth, sizeof(growth), heap->growth_bytes_per_s, "/s"),
		fmt_bytes(allocated, sizeof(allocated), heap->alloc_bytes),
		fmt_bytes_signed(rate, sizeof(rate), heap->alloc_bytes_per_s, "/s"),
		fmt_bytes(freed, sizeof(freed), heap->freed_bytes),
		fmt_count(untracked, sizeof(untracked), heap->untracked_frees));
}

static void put_heap(FILE *out, const struct snapshot *snapshot)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	char interval[FMT_SIZE];

	if (heap->state == CHANNEL_OFF) {
		put_reason(out, "heap: off", heap->reason ? heap->reason : "no reason known");
		return;
	}
	fprintf(out, "heap: %s", heap->mode ? heap->mode : "-");
	if (heap->interval_bytes > 0)
		fprintf(out, ", a sample in %s",
			fmt_bytes(interval, sizeof(interval), heap->interval_bytes));
	for (size_t i = 0; i < snapshot->allocator_count; i++) {
		const struct snapshot_allocator *allocator = &snapshot->allocators[i];
		char module[CELL_SIZE];

		make_cell(module, allocator->module, NAME_COLUMNS);
		fprintf(out, ", %s in %s (%u probes)", allocator->name, module, allocator->probes);
	}
	fputc('\n', out);
	if (heap->reason)
		put_reason(out, "heap limited", heap->reason);
	put_heap_figures(out, heap);
}

/* "-" where it is unknown. */
static const char *known_bytes(char buf[static FMT_SIZE], uint64_t bytes)
{
	return bytes == SNAPSHOT_UNKNOWN ? "-" : fmt_bytes(buf, FMT_SIZE, bytes);
}

static void put_memory(FILE *out, const struct snapshot *snapshot)
{
	const struct snapshot_memory *memory = &snapshot->memory;
	char anonymous[FMT_SIZE], swap[FMT_SIZE], rate[FMT_SIZE], covered[SHARE_SIZE];
	char used[FMT_SIZE], limit[FMT_SIZE], left[FMT_SIZE];

	fprintf(out, "memory: %s anonymous, %s swapped, growth %s, %s covered by the heap's books",
		known_bytes(anonymous, memory->anonymous_bytes),
		known_bytes(swap, memory->swap_bytes),
		isnan(memory->growth_bytes_per_s)
		    ? "-"
		    : fmt_bytes_signed(rate, sizeof(rate), memory->growth_bytes_per_s, "/s"),
		share(covered, snapshot->heap.coverage_pct));
	if (memory->limit_bytes != SNAPSHOT_UNKNOWN)
		fprintf(out, "; control group: %s of %s", known_bytes(used, memory->used_bytes),
			known_bytes(limit, memory->limit_bytes));
	if (!isnan(memory->seconds_to_limit))
		fprintf(out, ", full in %s",
			fmt_duration(left, sizeof(left), memory->seconds_to_limit));
	fputc('\n', out);
}

static void put_growth(FILE *out, const struct snapshot_growth *growth)
{
	char bytes[FMT_SIZE], rate[FMT_SIZE], samples[FMT_SIZE], pending[FMT_SIZE];

	if (growth->state == CHANNEL_OFF) {
		put_reason(out, "growth: off", growth->reason ? growth->reason : "no reason known");
		return;
	}
	fprintf(out, "growth: about %s touched for the first time, %s lately; %s samples of %s, "
		     "%s wait for unwind rules or mappings\n",
		fmt_bytes(bytes, sizeof(bytes), growth->bytes),
		fmt_bytes_signed(rate, sizeof(rate), growth->bytes_per_s, "/s"),
		fmt_count(samples, sizeof(samples), growth->samples), growth->event,
		fmt_count(pending, sizeof(pending), growth->samples_pending));
	if (growth->reason)
		put_reason(out, "growth limited", growth->reason);
	if (growth->mappings_reason) {
		put_reason(out, "mapped: unknown", growth->mappings_reason);
		return;
	}
	fprintf(out, "mapped: %s by %s calls of mmap(), mremap() and brk(), %s lost\n",
		fmt_bytes(bytes, sizeof(bytes), growth->mapped_bytes),
		fmt_count(samples, sizeof(samples), growth->mappings),
		fmt_count(rate, sizeof(rate), growth->mappings_lost));
}

/* Zeros are shown: that nothing was lost is a finding. */
static void put_losses(FILE *out, const struct snapshot_overflow *overflow)
{
	fprintf(out,
		"lost: %ju samples, %ju throttled, %ju ring buffer, %ju live map full, "
		"%ju site map full, %ju threads uncovered\n",
		(uintmax_t)overflow->perf_lost, (uintmax_t)overflow->perf_throttled,
		(uintmax_t)overflow->ringbuf_dropped, (uintmax_t)overflow->live_map_full,
		(uintmax_t)overflow->site_map_full, (uintmax_t)overflow->threads_uncovered);
}

static void put_overhead(FILE *out, const struct snapshot *snapshot)
{
	const struct snapshot_overhead *overhead = &snapshot->overhead;
	char target[SHARE_SIZE];
	char heap[SHARE_SIZE];
	char cpu[SHARE_SIZE];
	char self[SHARE_SIZE];
	char rss[FMT_SIZE];
	char maps[FMT_SIZE];

	fprintf(out, "cost: target %s (heap %s, cpu %s); own CPU %s, RSS %s, BPF maps %s\n",
		share(target, overhead->target_pct), share(heap, overhead->heap_pct),
		share(cpu, overhead->cpu_pct), share(self, overhead->self_cpu_pct),
		fmt_bytes(rss, sizeof(rss), overhead->self_rss_bytes),
		snapshot->maps_bytes == SNAPSHOT_UNKNOWN
		    ? "-"
		    : fmt_bytes(maps, sizeof(maps), snapshot->maps_bytes));
}

static void put_attach(FILE *out, const struct snapshot_attach *attach)
{
	fprintf(out, "attached: probes in %.1f ms (one file's in %.1f at most), sampler in %.1f ms\n",
		1e3 * attach->probes_s, 1e3 * attach->longest_s, 1e3 * attach->sampler_s);
}

static size_t wider(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void put_functions(FILE *out, const struct snapshot *snapshot)
{
	size_t rows = snapshot->folded_count < TOP_ROWS ? snapshot->folded_count : TOP_ROWS;
	size_t name_width = strlen("FUNCTION");
	size_t module_width = strlen("MODULE");

	for (size_t i = 0; i < rows; i++) {
		const struct snapshot_function *row = &snapshot->folded[i];

		name_width = wider(name_width, cell_columns(row->name, NAME_COLUMNS));
		module_width = wider(module_width, cell_columns(row->module, MODULE_COLUMNS));
	}
	fprintf(out, "\n%6s %6s %7s", "SELF%", "TOTAL%", "SELF");
	put_cell(out, "FUNCTION", NAME_COLUMNS, name_width);
	put_cell(out, "MODULE", MODULE_COLUMNS, module_width);
	fprintf(out, "  WHERE\n");
	for (size_t i = 0; i < rows; i++) {
		const struct snapshot_function *row = &snapshot->folded[i];
		char self[FMT_SIZE];
		char total[FMT_SIZE];
		char samples[FMT_SIZE];

		fprintf(out, "%6s %6s %7s", fmt_percent(self, sizeof(self), row->self_pct),
			fmt_percent(total, sizeof(total), row->total_pct),
			fmt_count(samples, sizeof(samples), row->self_samples));
		put_cell(out, row->name, NAME_COLUMNS, name_width);
		put_cell(out, row->module, MODULE_COLUMNS, module_width);
		put_place(out, row->file, row->line);
	}
}

static void put_sites(FILE *out, const struct snapshot *snapshot)
{
	size_t rows = snapshot->site_count < TOP_ROWS ? snapshot->site_count : TOP_ROWS;
	size_t name_width = strlen("SITE");

	for (size_t i = 0; i < rows; i++)
		name_width =
		    wider(name_width, cell_columns(snapshot->sites[i].function, NAME_COLUMNS));
	fprintf(out, "\n%6s %6s %9s %6s %6s %5s", "LIVE", "OBJS", "GROWTH/S", "ALLOC", "FREED",
		"LEAK");
	put_cell(out, "SITE", NAME_COLUMNS, name_width);
	fprintf(out, "  WHERE\n");
	for (size_t i = 0; i < rows; i++) {
		const struct snapshot_site *row = &snapshot->sites[i];
		char live[FMT_SIZE];
		char objects[FMT_SIZE];
		char growth[FMT_SIZE];
		char allocated[FMT_SIZE];
		char freed[FMT_SIZE];

		fprintf(out, "%6s %6s %9s %6s %6s %5s", fmt_bytes(live, sizeof(live), row->live_bytes),
			fmt_count(objects, sizeof(objects), row->live_objects),
			fmt_bytes_signed(growth, sizeof(growth), row->growth_bytes_per_s, ""),
			fmt_bytes(allocated, sizeof(allocated), row->alloc_bytes),
			fmt_bytes(freed, sizeof(freed), row->freed_bytes),
			row->leak.level == LEAK_NONE ? "-" : leak_level_name(row->leak.level));
		put_cell(out, row->function, NAME_COLUMNS, name_width);
		put_place(out, row->file, row->line);
	}
}

static void put_growth_sites(FILE *out, const struct snapshot *snapshot)
{
	size_t rows =
	    snapshot->growth_site_count < TOP_ROWS ? snapshot->growth_site_count : TOP_ROWS;
	size_t name_width = strlen("SITE");

	for (size_t i = 0; i < rows; i++)
		name_width = wider(name_width,
				   cell_columns(snapshot->growth_sites[i].function, NAME_COLUMNS));
	fprintf(out, "\n%6s %9s %6s %7s", "~NEW", "~NEW/S", "MAPPED", "SAMPLES");
	put_cell(out, "SITE", NAME_COLUMNS, name_width);
	fprintf(out, "  WHERE\n");
	for (size_t i = 0; i < rows; i++) {
		const struct snapshot_growth_site *row = &snapshot->growth_sites[i];
		char bytes[FMT_SIZE], rate[FMT_SIZE], mapped[FMT_SIZE], samples[FMT_SIZE];

		fprintf(out, "%6s %9s %6s %7s", fmt_bytes(bytes, sizeof(bytes), row->bytes),
			fmt_bytes_signed(rate, sizeof(rate), row->bytes_per_s, ""),
			known_bytes(mapped, row->mapped_bytes),
			fmt_count(samples, sizeof(samples), row->samples));
		put_cell(out, row->function, NAME_COLUMNS, name_width);
		put_place(out, row->file, row->line);
	}
}

int batch_print(FILE *out, const struct snapshot *snapshot)
{
	errno = 0;
	put_target(out, snapshot);
	put_cpu(out, &snapshot->cpu);
	put_heap(out, snapshot);
	put_memory(out, snapshot);
	put_growth(out, &snapshot->growth);
	put_losses(out, &snapshot->overflow);
	put_overhead(out, snapshot);
	put_attach(out, &snapshot->attach);
	if (snapshot->governor.reason)
		put_reason(out, "budget", snapshot->governor.reason);
	if (snapshot->notice)
		put_reason(out, "notice", snapshot->notice);
	if (snapshot->cpu.state == CHANNEL_ON)
		put_functions(out, snapshot);
	if (snapshot->heap.state == CHANNEL_ON)
		put_sites(out, snapshot);
	if (snapshot->growth.state == CHANNEL_ON)
		put_growth_sites(out, snapshot);
	fputc('\n', out);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
