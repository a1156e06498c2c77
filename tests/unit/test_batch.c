/* batch: what the lines say, that columns line up, and that names stay harmless. */
#include "config.h"

#include "output/batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct snapshot plain = {
    .elapsed_s = 192,
    .target = {.pid = 42, .comm = "program", .threads = 3, .cpu_pct = 98.76, .rss_bytes = 1 << 20},
    .cpu = {.state = CHANNEL_ON,
	    .event = "cpu-clock",
	    .frequency_hz = 99,
	    .kernel = true,
	    .samples = 80200,
	    .kernel_samples = 5,
	    .stacks_complete = 4,
	    .stacks_copied = 3,
	    .stacks_pending = 2},
    .heap = {.state = CHANNEL_ON,
	     .mode = "sampled",
	     .interval_bytes = 524288,
	     .live_bytes = 40580000,
	     .live_objects = 1900000,
	     .alloc_bytes = 2048,
	     .freed_bytes = 1024,
	     .untracked_frees = 9,
	     .growth_bytes_per_s = -4096,
	     .alloc_bytes_per_s = 1024},
    .overflow = {1, 2, 3, false, 4, 5, 6},
    .attach = {.probes_s = 0.0025, .longest_s = 0.0015, .sampler_s = 0.0005},
    .overhead = {.target_pct = 1.5,
		 .heap_pct = NAN,
		 .cpu_pct = 0.5,
		 .self_cpu_pct = 0.3,
		 .self_rss_bytes = 2 << 20},
    .maps_bytes = 3 << 20,
};

static char *print(const struct snapshot *snapshot)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	cr_assert_eq(batch_print(out, snapshot), 0);
	fclose(out);
	cr_assert(size >= 2 && strcmp(text + size - 2, "\n\n") == 0, "no empty line at the end");
	return text;
}

static void expect_line(const char *text, const char *line)
{
	char *whole;

	cr_assert_gt(asprintf(&whole, "\n%s\n", line), 0);
	cr_expect(strncmp(text, whole + 1, strlen(whole + 1)) == 0 || strstr(text, whole),
		  "%s is not in\n%s", line, text);
	free(whole);
}

Test(batch, summary)
{
	struct snapshot_allocator allocators[] = {{"glibc", "libc.so.6", 6},
						  {"jemalloc", "program", 9}};
	struct snapshot snapshot = plain;
	char *text;

	snapshot.allocators = allocators;
	snapshot.allocator_count = 2;
	snapshot.notice = "the target called execve";
	snapshot.cpu.reason = "clamped";
	snapshot.heap.reason = "one allocator is not tracked";
	text = print(&snapshot);
	expect_line(text,
		    "target: 42 program, running, 3m12s since attachment, 3 threads, CPU 98.8%, "
		    "RSS 1.0M");
	expect_line(text,
		    "cpu: cpu-clock at 99 Hz, 80.2K samples, 5 in the kernel; stacks: 4 complete, "
		    "3 copied, 2 pending");
	expect_line(text, "cpu limited: clamped");
	expect_line(text,
		    "heap: sampled, a sample in 512.0K, glibc in libc.so.6 (6 probes), jemalloc in "
		    "program (9 probes)");
	expect_line(text, "heap limited: one allocator is not tracked");
	expect_line(text, "heap books: 38.7M live in 1.9M objects, growth -4.0K/s; 2.0K allocated "
			  "(+1.0K/s), 1.0K freed; 9 untracked frees");
	expect_line(text,
		    "lost: 1 samples, 2 throttled, 3 ring buffer, 4 live map full, 5 site map "
		    "full, 6 threads uncovered");
	expect_line(text, "cost: target 1.5% (heap -, cpu 0.5%); own CPU 0.3%, RSS 2.0M, BPF maps 3.0M");
	expect_line(text, "attached: probes in 2.5 ms (one file's in 1.5 at most), sampler in 0.5 ms");
	expect_line(text, "notice: the target called execve");
	free(text);
}

Test(batch, kernel_time_that_is_not_sampled)
{
	struct snapshot snapshot = plain;
	char *text;

	snapshot.cpu.kernel = false;
	text = print(&snapshot);
	expect_line(text, "cpu: cpu-clock at 99 Hz, 80.2K samples, kernel not sampled; stacks: "
			  "4 complete, 3 copied, 2 pending");
	free(text);
}

Test(batch, guessed_stacks_are_shown_when_there_are_any)
{
	struct snapshot snapshot = plain;
	char *text;

	snapshot.cpu.stacks_guessed = 2;
	text = print(&snapshot);
	expect_line(text, "cpu: cpu-clock at 99 Hz, 80.2K samples, 5 in the kernel; stacks: "
			  "4 complete (2 guessed), 3 copied, 2 pending");
	free(text);
}

Test(batch, off_channels_show_why)
{
	struct snapshot snapshot = plain;
	char *text;

	snapshot.cpu.state = CHANNEL_OFF;
	snapshot.cpu.reason = "no permission";
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.target.exited = true;
	snapshot.target.cpu_pct = NAN;
	snapshot.target.comm = NULL;
	text = print(&snapshot);
	expect_line(text, "target: 42 [unknown], exited, 3m12s since attachment, 3 threads, CPU -, "
			  "RSS 1.0M");
	expect_line(text, "cpu: off: no permission");
	expect_line(text, "heap: off: no reason known");
	cr_expect_null(strstr(text, "SELF%"));
	cr_expect_null(strstr(text, "GROWTH/S"));
	free(text);
}

Test(batch, functions)
{
	struct snapshot_function rows[] = {
	    {.name = "hot",
	     .module = "program",
	     .file = "/src/hot.c",
	     .line = 3,
	     .self_samples = 80200,
	     .self_pct = 99.97,
	     .total_pct = 100},
	    {.name = "gr\u00fc\u00dfe",
	     .module = "libm.so.6",
	     .self_samples = 1,
	     .self_pct = 0.04,
	     .total_pct = 18.44},
	};
	struct snapshot snapshot = plain;
	char *text;

	snapshot.folded = rows;
	snapshot.folded_count = 2;
	text = print(&snapshot);
	expect_line(text, " SELF% TOTAL%    SELF  FUNCTION  MODULE     WHERE");
	expect_line(text, "   100    100   80.2K  hot       program    /src/hot.c:3");
	expect_line(text, "   0.0   18.4       1  gr\u00fc\u00dfe     libm.so.6  -");
	free(text);
}

Test(batch, sites)
{
	struct snapshot_site rows[] = {
	    {.function = "grow",
	     .file = "grow.c",
	     .live_bytes = 40580000,
	     .live_objects = 80200,
	     .growth_bytes_per_s = 1258291.2,
	     .alloc_bytes = UINT64_C(1524713390),
	     .freed_bytes = 0,
	     .leak.level = LEAK_HIGH},
	    {.function = NULL, .growth_bytes_per_s = NAN},
	};
	struct snapshot snapshot = plain;
	char *text;

	snapshot.sites = rows;
	snapshot.site_count = 2;
	text = print(&snapshot);
	expect_line(text, "  LIVE   OBJS  GROWTH/S  ALLOC  FREED  LEAK  SITE       WHERE");
	expect_line(text, " 38.7M  80.2K     +1.2M  1.42G      0  HIGH  grow       grow.c");
	expect_line(text, "     0      0         -      0      0     -  [unknown]  -");
	free(text);
}

Test(batch, long_names_are_cut)
{
	struct snapshot_function row = {.module = "m"};
	struct snapshot snapshot = plain;
	char name[400] = "";
	char *text;
	char *cell;

	for (int i = 0; i < 61; i++)
		strcat(name, "\U0001f600");
	row.name = name;
	snapshot.folded = &row;
	snapshot.folded_count = 1;
	text = print(&snapshot);
	cell = strstr(text, "\U0001f600");
	cr_assert_not_null(cell);
	cr_expect_eq(strncmp(cell, name, 57 * 4), 0);
	cr_expect_eq(strncmp(cell + 57 * 4, "...  m       -\n", 15), 0);
	free(text);
	name[60 * 4] = '\0';
	text = print(&snapshot);
	cr_expect_not_null(strstr(text, name));
	free(text);
}

Test(batch, twenty_rows)
{
	struct snapshot_function functions[30] = {0};
	struct snapshot_site sites[30] = {0};
	struct snapshot snapshot = plain;
	size_t lines = 0;
	char *text;

	for (size_t i = 0; i < 30; i++) {
		functions[i].name = "some_function";
		sites[i].function = "some_site";
	}
	snapshot.folded = functions;
	snapshot.folded_count = 30;
	snapshot.sites = sites;
	snapshot.site_count = 30;
	text = print(&snapshot);
	for (const char *next = text; (next = strstr(next, "some_")); next++)
		lines++;
	cr_expect_eq(lines, 40);
	free(text);
}

Test(batch, hostile_names)
{
	static const char hostile[] = "\033[2J\n\r\xff\u202e\xc2\x9b";
	struct snapshot_function function = {.name = hostile, .module = hostile, .file = hostile};
	struct snapshot_site site = {.function = hostile, .file = hostile, .line = 1};
	struct snapshot_growth_site growth_site = {.function = hostile, .file = hostile, .line = 1};
	struct snapshot_allocator allocator = {"glibc", hostile, 1};
	struct snapshot snapshot = plain;
	size_t lines = 0;
	char *text;

	snapshot.target.comm = hostile;
	snapshot.notice = hostile;
	snapshot.heap.reason = hostile;
	snapshot.folded = &function;
	snapshot.sites = &site;
	snapshot.allocators = &allocator;
	snapshot.growth.state = CHANNEL_ON;
	snapshot.growth.event = "minor-faults";
	snapshot.growth.reason = hostile;
	snapshot.growth.mappings_reason = hostile;
	snapshot.growth_sites = &growth_site;
	snapshot.folded_count = snapshot.site_count = snapshot.allocator_count =
	    snapshot.growth_site_count = 1;
	text = print(&snapshot);
	for (const char *next = text; *next; next++) {
		cr_assert((*next >= 0x20 && *next < 0x7f) || *next == '\n');
		lines += *next == '\n';
	}
	/* 13 of summary, 3 tables of an empty line, a head and a row, and the empty line behind. */
	cr_expect_eq(lines, 13 + 3 * 3 + 1);
	free(text);
}

Test(batch, growth_is_marked_as_an_estimate)
{
	struct snapshot_growth_site site = {.function = "grow",
					    .file = "a.c",
					    .line = 7,
					    .samples = 12,
					    .bytes = 3 << 20,
					    .bytes_per_s = 2048,
					    .mapped_bytes = 9 << 20};
	struct snapshot snapshot = plain;
	char *text;

	snapshot.heap.coverage_pct = 25;
	snapshot.memory = (struct snapshot_memory){.anonymous_bytes = 4 << 20,
						   .swap_bytes = SNAPSHOT_UNKNOWN,
						   .limit_bytes = 8 << 20,
						   .used_bytes = 5 << 20,
						   .growth_bytes_per_s = 1024,
						   .seconds_to_limit = 3072};
	snapshot.growth = (struct snapshot_growth){.state = CHANNEL_ON,
						   .event = "minor-faults",
						   .reason = "user code only",
						   .samples = 12,
						   .samples_pending = 3,
						   .bytes = 3 << 20,
						   .bytes_per_s = 2048,
						   .mapped_bytes = 9 << 20,
						   .mappings = 4,
						   .mappings_lost = 2};
	snapshot.growth_sites = &site;
	snapshot.growth_site_count = 1;
	text = print(&snapshot);
	expect_line(text, "memory: 4.0M anonymous, - swapped, growth +1.0K/s, 25.0% covered by the "
			  "heap's books; control group: 5.0M of 8.0M, full in 51m12s");
	expect_line(text, "growth: about 3.0M touched for the first time, +2.0K/s lately; 12 "
			  "samples of minor-faults, 3 wait for unwind rules or mappings");
	expect_line(text, "growth limited: user code only");
	expect_line(text, "mapped: 9.0M by 4 calls of mmap(), mremap() and brk(), 2 lost");
	expect_line(text, "  ~NEW    ~NEW/S MAPPED SAMPLES  SITE  WHERE");
	expect_line(text, "  3.0M     +2.0K   9.0M      12  grow  a.c:7");
	free(text);
	snapshot.growth.mappings_reason = "not permitted";
	site.mapped_bytes = SNAPSHOT_UNKNOWN;
	text = print(&snapshot);
	expect_line(text, "mapped: unknown: not permitted");
	expect_line(text, "  3.0M     +2.0K      -      12  grow  a.c:7");
	free(text);
}

Test(batch, growth_that_is_off_says_why)
{
	struct snapshot snapshot = plain;
	char *text;

	snapshot.growth.reason = "the heap is tracked";
	snapshot.memory.limit_bytes = SNAPSHOT_UNKNOWN;
	text = print(&snapshot);
	expect_line(text, "growth: off: the heap is tracked");
	cr_expect_null(strstr(text, "control group"));
	cr_expect_null(strstr(text, "~NEW"));
	free(text);
}

Test(batch, write_errors_are_returned)
{
	FILE *full = fopen("/dev/full", "w");
	FILE *pipe_out;
	int ends[2];

	cr_assert_not_null(full);
	cr_expect_eq(batch_print(full, &plain), -ENOSPC);
	fclose(full);
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	pipe_out = fdopen(ends[1], "w");
	cr_assert_not_null(pipe_out);
	cr_expect_eq(batch_print(pipe_out, &plain), -EPIPE);
	fclose(pipe_out);
}
