/* The whole screen without a terminal: a seeded snapshot, keys, and what the grid then says. */
#include "config.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/combined.h"
#include "profile/cpu_profile.h"
#include "profile/kernel_fold.h"
#include "screen.h"
#include "ui.h"

static struct snapshot_function functions[3];
static struct snapshot_site sites[2];
static const struct snapshot_site *suspects[1];
static struct snapshot_growth_site growth_sites[2];
static struct snapshot_allocator allocators[1];
static struct snapshot_module modules[2];
static struct snapshot_channel channels[1];
static struct snapshot_map maps[1];
static struct snapshot_probe probes[2];
static struct snapshot_thread threads[2];
static struct snapshot snapshot;
static struct screen *screen;
static struct grid *grid;
static char *text;

static void seed_rows(void)
{
	functions[0] = (struct snapshot_function){.id = 1,
						  .name = "orders::book::match_level",
						  .module = "ordersd",
						  .file = "src/book.rs",
						  .line = 214,
						  .self_samples = 600,
						  .total_samples = 620,
						  .self_pct = 60.0,
						  .total_pct = 62.0};
	functions[1] = (struct snapshot_function){.id = 2,
						  .name = "copy_user",
						  .kernel = true,
						  .module = "[kernel]",
						  .self_samples = 250,
						  .total_samples = 250,
						  .self_pct = 25.0,
						  .total_pct = 25.0};
	functions[2] = (struct snapshot_function){.id = 3,
						  .name = "main",
						  .module = "ordersd",
						  .self_samples = 150,
						  .total_samples = 1000,
						  .self_pct = 15.0,
						  .total_pct = 100.0};
	sites[0] = (struct snapshot_site){.id = 11,
					  .function = "cache::insert",
					  .module = "ordersd",
					  .file = "src/cache.rs",
					  .line = 141,
					  .live_bytes = 3 << 20,
					  .live_objects = 1500,
					  .alloc_bytes = 5 << 20,
					  .freed_bytes = 2 << 20,
					  .peak_bytes = 4 << 20,
					  .growth_bytes_per_s = 2048.0,
					  .ages_known = true,
					  .ages = {.bytes = {[AGE_10S] = 1, [AGE_1MIN] = 3}},
					  .oldest_s = 400.0,
					  .leak = {.level = LEAK_HIGH,
						   .score = 90.0,
						   .slope_bytes_per_s = 2048.0,
						   .slope_half_width = 64.0,
						   .evidence = "grew in 12 of 12 windows"}};
	for (int i = 0; i < SNAPSHOT_TREND; i++)
		sites[0].trend[i] = i < 2 ? (double)NAN : i;
	sites[1] = (struct snapshot_site){.id = 12,
					  .function = "parse",
					  .module = "libp.so",
					  .live_bytes = 1024,
					  .live_objects = 2,
					  .alloc_bytes = 4096,
					  .freed_bytes = 3072,
					  .peak_bytes = 2048,
					  .growth_bytes_per_s = (double)NAN,
					  .oldest_s = (double)NAN};
	suspects[0] = &sites[0];
	growth_sites[0] = (struct snapshot_growth_site){.id = 21,
							.function = "arena::grow",
							.module = "ordersd",
							.file = "src/arena.rs",
							.line = 9,
							.samples = 40,
							.faults = 1240,
							.bytes = 5 << 20,
							.bytes_per_s = 2048.0,
							.mapped_bytes = 8 << 20};
	growth_sites[1] = (struct snapshot_growth_site){.id = 22,
							.function = "parse",
							.module = "libp.so",
							.samples = 2,
							.faults = 62,
							.bytes = 248 << 10,
							.mapped_bytes = SNAPSHOT_UNKNOWN};
	allocators[0] = (struct snapshot_allocator){"glibc", "libc.so.6", 12};
}

static void seed_health(void)
{
	threads[0] = (struct snapshot_thread){
	    4127, "ordersd", 'S', 0, 100, 10.0, NULL, 0, (double)NAN};
	threads[1] = (struct snapshot_thread){
	    4130, "match\x1b", 'R', 97.5, 900, 90.0, "book::run", 5000, 2048};
	modules[0] = (struct snapshot_module){.id = 1,
					      .name = "ordersd",
					      .path = "/usr/bin/ordersd",
					      .state = "ok",
					      .build_id = "0123456789abcdef",
					      .names = "dwarf",
					      .unwinding = "CFI",
					      .self_samples = 750,
					      .self_pct = 75.0};
	modules[1] = (struct snapshot_module){.id = 2,
					      .name = "libp.so",
					      .path = "/lib/libp.so",
					      .state = "degraded",
					      .names = "symtab",
					      .broken_stacks = 8};
	channels[0] = (struct snapshot_channel){"heap ring buffer", 100, 97, 3, 4096, 3686};
	maps[0] = (struct snapshot_map){"live objects", 1000, 250, 0, 3 << 20};
	probes[0] = (struct snapshot_probe){.function = "malloc",
					    .module = "libc.so.6",
					    .offset = 0x98930,
					    .emulated = true,
					    .hits = 4000,
					    .hits_per_s = 100,
					    .ns_per_hit = 660};
	probes[1] = (struct snapshot_probe){.function = "free",
					    .module = "libc.so.6",
					    .offset = 0x98f00,
					    .frees = true,
					    .hits_per_s = (double)NAN,
					    .ns_per_hit = (double)NAN};
}

static void setup(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	cr_assert_eq(setenv("TZ", "UTC", 1), 0);
	seed_rows();
	seed_health();
	snapshot = (struct snapshot){
	    .time.tv_sec = 45667,
	    .elapsed_s = 7.0,
	    .baseline_s = (double)NAN,
	    .reset_s = (double)NAN,
	    .target = {.pid = 4127,
		       .comm = "ordersd",
		       .exe = "/usr/bin/ordersd",
		       .threads = 24,
		       .up_s = 7500.0,
		       .cpu_pct = 318.0,
		       .rss_bytes = 512 << 20,
		       .exit_status = -1},
	    .cpu = {.state = CHANNEL_ON,
		    .event = "cpu-clock",
		    .frequency_hz = 99,
		    .kernel = true,
		    .samples = 1000,
		    .kernel_samples = 250,
		    .recent_kernel = 250,
		    .recent_probes = 50,
		    .stacks_complete = 992},
	    .heap = {.state = CHANNEL_ON,
		     .mode = "exact",
		     .live_bytes = 3 << 20,
		     .live_objects = 1502,
		     .growth_bytes_per_s = 2048.0,
		     .alloc_bytes_per_s = 4096.0,
		     .untracked_frees = 17,
		     .untracked_known = true,
		     .coverage_pct = (double)NAN},
	    .memory = {.anonymous_bytes = 100 << 20,
		       .swap_bytes = 0,
		       .limit_bytes = SNAPSHOT_UNKNOWN,
		       .used_bytes = SNAPSHOT_UNKNOWN,
		       .growth_bytes_per_s = 4096.0,
		       .seconds_to_limit = (double)NAN},
	    .growth = {.reason = "the heap is tracked"},
	    .growth_site_count = 2,
	    .growth_sites = growth_sites,
	    .overhead = {.target_pct = (double)NAN,
			 .heap_pct = (double)NAN,
			 .cpu_pct = (double)NAN,
			 .self_cpu_pct = 2.1,
			 .self_rss_bytes = 38 << 20},
	    .function_count = 3,
	    .functions = functions,
	    .site_count = 2,
	    .sites = sites,
	    .suspect_count = 1,
	    .suspects = suspects,
	    .allocator_count = 1,
	    .allocators = allocators,
	    .kernel = {.release = "6.1.0-13-amd64", .uprobe_link = "multi"},
	    .channel_count = 1,
	    .channels = channels,
	    .map_count = 1,
	    .maps = maps,
	    .maps_bytes = 3 << 20,
	    .probe_count = 2,
	    .probes = probes,
	    .module_count = 2,
	    .modules = modules,
	    .thread_count = 2,
	    .threads = threads,
	};
	screen = screen_new(false);
	grid = grid_new(1, 1);
}

static void teardown(void)
{
	free(text);
	grid_free(grid);
	screen_free(screen);
	free(snapshot.folded);
	free(snapshot.combined);
	call_tree_free(snapshot.cpu_tree);
	call_tree_free(snapshot.heap_tree);
}

TestSuite(ui_screen, .init = setup, .fini = teardown);

static void draw(int cols, int rows)
{
	grid_resize(grid, rows, cols);
	for (size_t i = 0; i < snapshot.function_count; i++) {
		for (enum snapshot_window window = SNAPSHOT_RECENT; window < SNAPSHOT_WINDOWS;
		     window++)
			functions[i].in[window] = (struct snapshot_samples){
			    functions[i].self_samples, functions[i].total_samples};
	}
	for (size_t i = 0; i < snapshot.site_count; i++) {
		sites[i].since_alloc_bytes = sites[i].alloc_bytes;
		sites[i].since_freed_bytes = sites[i].freed_bytes;
	}
	snapshot.cpu.window_samples[SNAPSHOT_RECENT] = snapshot.cpu.samples;
	snapshot.cpu.window_samples[SNAPSHOT_ALL] = snapshot.cpu.samples;
	snapshot.cpu.window_s[SNAPSHOT_RECENT] = 10;
	free(snapshot.folded);
	snapshot_fold_kernel(&snapshot);
	screen_draw(screen, &snapshot, grid);
	free(text);
	text = grid_dump(grid);
}

/* The text with one blank for several: where things stand is for the goldens to say. */
static const char *squeeze(char *buf, size_t size, const char *from)
{
	size_t length = 0;

	for (; *from && length + 1 < size; from++)
		if (*from != ' ' || length == 0 || buf[length - 1] != ' ')
			buf[length++] = *from;
	buf[length] = '\0';
	return buf;
}

static bool has(const char *part)
{
	static char all[1 << 16];
	char wanted[1024];

	return strstr(squeeze(all, sizeof(all), text), squeeze(wanted, sizeof(wanted), part));
}

/* The line that has `part`, squeezed, or NULL; valid until the next call. */
static const char *line_with(const char *part)
{
	static char line[1024];
	char raw[1024];
	const char *found = strstr(text, part), *end;

	if (!found)
		return NULL;
	while (found > text && found[-1] != '\n')
		found--;
	end = strchr(found, '\n');
	snprintf(raw, sizeof(raw), "%.*s", (int)(end - found), found);
	return squeeze(line, sizeof(line), raw);
}

#define HAS(part) cr_expect(has(part), "\"%s\" is missing in\n%s", part, text)
#define HAS_NOT(part) cr_expect(!has(part), "\"%s\" is in\n%s", part, text)
#define LINE(part, expected)                                                          \
	do {                                                                          \
		const char *line_ = line_with(part);                                  \
		char expected_[1024];                                                 \
		cr_assert_not_null(line_, "\"%s\" is missing in\n%s", part, text);    \
		cr_expect_str_eq(line_, squeeze(expected_, sizeof(expected_), expected), \
				 "got\n%s", line_);                                   \
	} while (0)

static unsigned press(int key)
{
	return screen_key(screen, key);
}

Test(ui_screen, full_size)
{
	draw(120, 35);
	HAS(" rsprof-top  4127 ordersd  /usr/bin/ordersd  24 thr  CPU 318%  RSS 512.0M");
	HAS("up 2h05m  watched 7s  12:41:07");
	LINE("cpu-clock", " CPU   cpu-clock 99 Hz  samples 1.0K  100/s  full stacks 99.2%  kernel 25.0%  in probes 5.0%");
	LINE("exact", " HEAP  exact  glibc  live 3.0M  objs 1.5K  growth +2.0K/s  alloc 4.0K/s  "
		      "older frees 17");
	HAS(" LOST  perf samples 0  throttled 0  ring buffer 0  maps full 0  uncovered threads 0");
	HAS("self 2.1% 38.0M");
	LINE("SELF%", " SELF%v  TOTAL% SHARE      TREND        FUNCTION                               "
		      "MODULE               WHERE");
	LINE("match_level",
	     ">  60.0    62.0 ||||||     ____________ orders::book::match_level              "
	     "ordersd              src/book.rs:214");
	LINE("[kernel] ", "   25.0    25.0 ||         ____________ [kernel]                               "
			  "[kernel]");
	LINE("cache::insert",
	     "    3.0M     +2.0K        0   1.5K    5.0M    2.0M   6m40s   ---==#  HIGH "
	     "cache::insert             cache.rs:141");
	LINE("parse", "    1.0K         -        0      2    4.0K    3.0K       - ______     - "
		      "parse                     libp.so");
	HAS("--[CPU] last 10s -");
	HAS("-- HEAP  since attachment -");
	HAS("- 1-3 of 3 --");
}

Test(ui_screen, last_line_is_always_the_keys)
{
	static const int sizes[][2] = {{120, 35}, {80, 24}, {60, 15}, {40, 10}, {30, 6}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(sizes[i][0], sizes[i][1]);
		size_t length = strlen(text);

		text[length - 1] = '\0';
		const char *last = strrchr(text, '\n');

		cr_assert_not_null(last);
		cr_expect_eq(strncmp(last + 1, " ? Help  q Quit", 15), 0, "%s", last + 1);
	}
}

Test(ui_screen, eighty_by_twenty_four)
{
	draw(80, 24);
	HAS(" rsprof-top  4127 ordersd  24 thr  CPU 318%  RSS 512.0M");
	HAS(" LOST  perf 0  throt 0  ring 0  maps 0  thr 0");
	HAS("self 2.1% 38.0M");
	LINE("match_level",
	     ">  60.0    62.0 ________ orders::book::match_level src/book.rs:214");
	LINE("LIVEv", "   LIVEv  GROWTH/s TREND  LEAK SITE               WHERE");
	HAS("cache.rs:141");
}

Test(ui_screen, forty_by_ten)
{
	draw(40, 10);
	LINE("4127", " 4127 ordersd lost 0 cost ? full 99%");
	LINE("SELF%", " SELF%v  TOTAL% FUNCTION");
	LINE("::match", ">  60.0    62.0 orders::...::match_level");
	HAS_NOT("HEAP");
	press(RSP_KEY_TAB);
	draw(40, 10);
	LINE("LIVE", "   LIVEv  GROWTH/s SITE");
	LINE("cache", ">   3.0M     +2.0K cache::insert");
	HAS_NOT("CPU]");
}

Test(ui_screen, too_small_is_one_line_and_keys_still_work)
{
	draw(80, 24);
	draw(20, 5);
	cr_expect_str_eq(text, "terminal too small (\n\n\n\n\n");
	draw(60, 5);
	cr_expect_str_eq(text, "terminal too small (have 60x5)\n\n\n\n\n");
	draw(1, 1);
	cr_expect_str_eq(text, "t\n");
	cr_expect_eq(press('q'), UI_QUIT);
	cr_expect_eq(press('p'), UI_PAUSE | UI_DRAW);
	press(RSP_KEY_DOWN);
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
}

Test(ui_screen, unknown_is_never_a_number)
{
	snapshot.target.cpu_pct = (double)NAN;
	snapshot.target.exe = NULL;
	snapshot.overhead.self_cpu_pct = (double)NAN;
	snapshot.heap.growth_bytes_per_s = (double)NAN;
	snapshot.heap.alloc_bytes_per_s = (double)NAN;
	snapshot.cpu.samples = 0;
	snapshot.cpu.stacks_complete = 0;
	functions[0].self_pct = (double)NAN;
	draw(120, 35);
	HAS("CPU ?");
	HAS("self ? 38.0M");
	HAS("growth ?");
	HAS("alloc ?");
	HAS("full stacks ?");
	HAS_NOT("nan");
	functions[0].file = NULL;
	functions[0].module = NULL;
	functions[0].name = NULL;
	sites[0].function = NULL;
	snapshot.target.comm = NULL;
	snapshot.cpu.event = NULL;
	snapshot.heap.mode = NULL;
	draw(80, 24);
	draw(40, 10);
	HAS_NOT("(null)");
}

/* main calls run (80, of which 20 itself; it calls match, 60) and parse (20). */
static struct call_tree *seed_tree(uint64_t unit)
{
	static const struct call_node nodes[] = {
	    {0, "[all]", "", NULL, 0, false, false, 0, 100, CALL_NODE_NONE, 1, CALL_NODE_NONE, 0},
	    {11, "main", "ordersd", NULL, 0, false, false, 0, 100, 0, 2, CALL_NODE_NONE, 1},
	    {12, "engine::run", "ordersd", "run.rs", 7, false, false, 20, 80, 1, 4, 3, 2},
	    {13, "parse", "libp.so", NULL, 0, false, false, 20, 20, 1, CALL_NODE_NONE,
	     CALL_NODE_NONE, 2},
	    {14, "book::match_level", "ordersd", "book.rs", 9, false, true, 60, 60, 2,
	     CALL_NODE_NONE, CALL_NODE_NONE, 3},
	};
	enum { NODES = sizeof(nodes) / sizeof(nodes[0]) };
	struct call_tree *tree = calloc(1, sizeof(*tree));

	cr_assert_not_null(tree);
	tree->nodes = calloc(NODES, sizeof(*tree->nodes));
	cr_assert_not_null(tree->nodes);
	memcpy(tree->nodes, nodes, sizeof(nodes));
	for (int i = 0; i < NODES; i++) {
		tree->nodes[i].self *= unit;
		tree->nodes[i].total *= unit;
	}
	tree->count = NODES;
	return tree;
}

Test(ui_screen, tree)
{
	press('t');
	cr_expect(screen_request(screen).cpu_tree);
	cr_expect(screen_request(screen).fold_kernel);
	draw(120, 35);
	HAS("calls are not in what was frozen: p resumes the display");
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(120, 35);
	HAS("[TREE] callees, 100 samples since attachment, without 900 whose stacks are not ");
	HAS(">    100    0.0     100 - main  ");
	HAS("    80.0   20.0      80   - engine::run  ");
	HAS("    60.0   60.0      60       book::match_level ~inl  ");
	HAS("    20.0   20.0      20     parse  ");
	HAS(" run.rs:7\n");
	press('R');
	draw(120, 35);
	HAS(">    100    0.0     100 - main  ");
	HAS_NOT("TOTAL%^");
	press(RSP_KEY_DOWN);
	press('e');
	draw(120, 35);
	HAS("  + engine::run ");
	HAS_NOT("match_level");
	press('E');
	draw(120, 35);
	HAS("match_level");
	draw(40, 10);
	HAS("vel ~inl");
}

Test(ui_screen, callers_and_heap_are_asked_for)
{
	press('t');
	press('c');
	cr_expect(screen_request(screen).callers);
	press('M');
	press('K');
	cr_expect(screen_request(screen).heap_tree);
	cr_expect_not(screen_request(screen).cpu_tree);
	cr_expect_not(screen_request(screen).fold_kernel);
	snapshot.request = screen_request(screen);
	snapshot.heap_tree = seed_tree(1 << 20);
	draw(120, 35);
	HAS("[TREE] callers of each function, 100.0M live ");
	HAS("    20.0   20.0   20.0M     parse  ");
	press('5');
	cr_expect(screen_request(screen).heap_tree);
	cr_expect_not(screen_request(screen).callers);
	press('P');
	cr_expect(screen_request(screen).cpu_tree);
	press('1');
	cr_expect_not(screen_request(screen).cpu_tree);
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "no BTF";
	call_tree_free(snapshot.heap_tree);
	snapshot.heap_tree = NULL;
	press('5');
	draw(120, 35);
	HAS("heap tracking is off: no BTF (P shows the CPU)");
}

Test(ui_screen, flame)
{
	press('5');
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(100, 30);
	LINE("|main", "|main");
	LINE("|engine", "|engine::run                                                        "
			"            |parse");
	LINE("match_level", "|book::match_level ~inl");
	HAS("\n [all]  100 100.0% of all, 100.0% of the top, self 0");
	press(RSP_KEY_DOWN);
	press(RSP_KEY_DOWN);
	draw(100, 30);
	HAS("\n engine::run  80 80.0% of all, 80.0% of the top, self 20  ordersd  run.rs:7");
	press(RSP_KEY_RIGHT);
	draw(100, 30);
	HAS("\n parse  20 20.0% of all");
	press(RSP_KEY_LEFT);
	press(RSP_KEY_ENTER);
	draw(100, 30);
	HAS_NOT("|parse");
	HAS("\n engine::run  80 80.0% of all, 100.0% of the top");
	press(RSP_KEY_DOWN);
	draw(100, 30);
	HAS("\n book::match_level ~inl  60 60.0% of all, 75.0% of the top, self 60");
	press(RSP_KEY_BACKSPACE);
	draw(100, 30);
	HAS("|parse");
	press(RSP_KEY_ESCAPE);
	press(RSP_KEY_HOME);
	draw(100, 30);
	HAS("|[all]");
	draw(30, 6);
	draw(3, 6);
	/* What was selected is not in the next tree. */
	snapshot.cpu_tree->nodes[0].child = CALL_NODE_NONE;
	snapshot.cpu_tree->count = 1;
	draw(100, 30);
	HAS("|[all]");
}

Test(ui_screen, details_of_a_function)
{
	functions[1] = (struct snapshot_function){.id = 14,
						  .name = "book::match_level",
						  .module = "ordersd",
						  .file = "book.rs",
						  .line = 2,
						  .self_samples = 250,
						  .total_samples = 250,
						  .self_pct = 25.0,
						  .total_pct = 25.0};
	draw(120, 35);
	press(RSP_KEY_DOWN);
	press(RSP_KEY_ENTER);
	cr_expect_not(screen_request(screen).cpu_tree, "not known yet which row that is");
	draw(120, 35);
	HAS("[DETAIL] of a function");
	HAS("nothing is known of it in this snapshot");
	cr_expect(screen_request(screen).cpu_tree);
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(120, 35);
	HAS(" book::match_level  ordersd  book.rs:2\n");
	HAS("self 25.0%, with what it called 25.0% of all samples since attachment");
	HAS("hottest 1 of 1 stacks, shares of the function's 60");
	HAS("    100      60 stack 1\n");
	HAS("    book::match_level ~inl  book.rs:9\n");
	HAS("    engine::run  run.rs:7\n");
	HAS("    main  ordersd\n");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- HEAP ");
	/* Of a function with callees all stacks below it, the heaviest first. */
	functions[0] = functions[1];
	functions[0].id = 12;
	functions[0].name = "engine::run";
	press(RSP_KEY_HOME);
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("hottest 2 of 2 stacks, shares of the function's 80");
	HAS("   75.0      60 stack 1\n");
	HAS("   25.0      20 stack 2\n");
	press(RSP_KEY_BACKSPACE);
	draw(120, 35);
	HAS("--[CPU]");
}

Test(ui_screen, details_of_a_site)
{
	struct snapshot_frame frames[] = {
	    {.function = "malloc", .module = "libc.so.6"},
	    {.function = "cache::insert", .module = "ordersd", .file = "src/cache.rs", .line = 141}};
	struct snapshot_stack stacks[] = {{.live_bytes = 3 << 19,
					   .live_objects = 700,
					   .frame_count = 2,
					   .frames = frames}};

	sites[0].stacks = stacks;
	sites[0].stack_count = 1;
	press('3');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[DETAIL] of a site");
	HAS_NOT("stack 1");
	cr_expect(screen_request(screen).stacks);
	snapshot.request = screen_request(screen);
	draw(120, 40);
	HAS(" cache::insert  ordersd  src/cache.rs:141\n");
	HAS("live 3.0M (+/- 0) in 1.5K objects of 2.0K on average, peak 4.0M");
	HAS("allocated 5.0M, freed 2.0M since attachment; now +2.0K/s");
	HAS("leak: HIGH, grew in 12 of 12 windows");
	HAS("   25.0       1 from 10s ");
	HAS("   75.0       3 from 1m00s ");
	HAS("largest 1 of 1 stacks, shares of the site's live bytes");
	HAS("   50.0    1.5M stack 1, 700 objects\n");
	HAS("    malloc  libc.so.6\n");
	press(RSP_KEY_ESCAPE);
	press('4');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[DETAIL] of a site");
	sites[0].ages_known = false;
	draw(40, 10);
	draw(120, 40);
	HAS("the ages of what is live are not known yet");
	/* The line that has become known makes another id. */
	sites[0].id = 99;
	sites[0].line = 142;
	draw(120, 40);
	HAS(" cache::insert  ordersd  src/cache.rs:142\n");
	sites[0].function = "cache::evict";
	draw(120, 40);
	HAS(" cache::evict  ordersd");
	sites[0].id = 100;
	sites[0].function = "cache::clear";
	draw(120, 40);
	HAS("nothing is known of it");
	press(RSP_KEY_ESCAPE);
	press('6');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[THREADS]");
}

Test(ui_screen, source_lines_and_instructions_of_a_function)
{
	char code[] = "\thash \x1b[2J ^= 1;", empty[] = "", reason[] = "No such file or directory";
	struct snapshot_line lines[] = {
	    {.line = 12, .self = 40, .total = 50, .text = code},
	    {.line = 13, .text = empty},
	    {.line = 20, .self = 0, .total = 10, .text = NULL}};
	struct snapshot_insn insns[] = {{.offset = 0x1509, .self = 30, .text = "shr $0x1F, %rax"},
					{.offset = 0x1510, .self = 10}};
	struct snapshot_source source = {.file = "src/book.rs",
					 .newer = true,
					 .total = 100,
					 .self = 40,
					 .unplaced = 5,
					 .sampled_lines = 2,
					 .line_count = 3,
					 .lines = lines,
					 .sampled_insns = 7,
					 .insn_count = 2,
					 .insns = insns};

	press(RSP_KEY_ENTER);
	draw(120, 40);
	cr_expect_eq(screen_request(screen).source_of, 1);
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	snapshot.source = &source;
	draw(120, 40);
	HAS("source lines with most of its samples, AMOUNT: in the line itself  src/book.rs\n");
	HAS("the source is newer than the program");
	HAS("   50.0      40     12      hash \\x1b[2J ^= 1;\n");
	HAS(" 13\n                    ...\n    10.0       0     20\n");
	HAS("of 5 samples no line is known");
	HAS_NOT("shr $0x1F");
	press('a');
	draw(120, 40);
	HAS("2 of 7 instructions with samples");
	HAS("   75.0      30     0x1509  shr $0x1F, %rax\n");
	HAS("   25.0      10     0x1510  its code cannot be read\n");
	HAS_NOT("hash");
	press('a');
	source.reason = reason;
	draw(120, 40);
	HAS("the source is not shown: No such file or directory");
	HAS("shr $0x1F");
	snapshot.source = NULL;
}

Test(ui_screen, details_of_a_line_are_those_of_its_function)
{
	struct snapshot_function line = functions[0];

	line.id = 777;
	line.in[SNAPSHOT_RECENT] = (struct snapshot_samples){1, 1};
	snapshot.group = GROUP_LINE;
	snapshot.grouped = &line;
	snapshot.grouped_count = 1;
	press('l');
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("[DETAIL] of a function");
	cr_expect_eq(screen_request(screen).source_of,
		     cpu_profile_function_id(functions[0].name, functions[0].module));
	snapshot.grouped = NULL;
	snapshot.grouped_count = 0;
}

Test(ui_screen, details_of_a_growth_site)
{
	struct snapshot_frame frames[] = {
	    {.function = "memset", .module = "libc.so.6"},
	    {.function = growth_sites[0].function, .module = "ordersd"}};
	struct snapshot_growth_stack stacks[] = {
	    {.bytes = growth_sites[0].bytes / 4, .frame_count = 2, .frames = frames}};

	growth_sites[0].stacks = stacks;
	growth_sites[0].stack_count = 1;
	snapshot.growth.state = CHANNEL_ON;
	press('9');
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("[DETAIL] of a growth site");
	cr_expect(screen_request(screen).stacks);
	snapshot.request = screen_request(screen);
	draw(120, 35);
	HAS("touched about ");
	HAS("1 of 1 stacks, shares of what the site touched");
	HAS("   25.0 ");
	HAS("    memset  libc.so.6\n");
	growth_sites[0].stacks = NULL;
	growth_sites[0].stack_count = 0;
	draw(120, 35);
	HAS("0 of 0 stacks");
}

Test(ui_screen, keys_of_the_last_line_can_be_clicked)
{
	const char *line, *window;
	int col;

	draw(120, 35);
	line = strstr(text, "\n ? Help");
	cr_assert_not_null(line);
	window = strstr(line, "+- Window");
	cr_assert_not_null(window);
	col = (int)(window - line) - 1;
	screen_mouse(screen, RSP_KEY_CLICK, 34, col + 1);
	draw(120, 35);
	HAS_NOT("[CPU] last 10s");
	screen_mouse(screen, RSP_KEY_CLICK, 34, col);
	draw(120, 35);
	HAS("[CPU] last 10s");
	screen_mouse(screen, RSP_KEY_CLICK, 34, 3);
	draw(120, 35);
	HAS("Help ---");
	screen_mouse(screen, RSP_KEY_CLICK, 10, 40);
	draw(120, 35);
	HAS_NOT("Help ---");
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 0), UI_NONE);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 10), UI_QUIT);
	press('/');
	draw(120, 35);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 10), UI_NONE, "a prompt is there");
}

Test(ui_screen, combined)
{
	press('C');
	cr_expect(screen_request(screen).combined);
	draw(120, 35);
	HAS("this is not in what was frozen");
	snapshot.request = screen_request(screen);
	functions[2].name = "cache::insert";
	functions[2].id = cpu_profile_function_id("cache::insert", "ordersd");
	snapshot_fill_combined(&snapshot);
	draw(120, 35);
	HAS(">  60.0    62.0       0         0        0 orders::book::match_level  ");
	HAS("   15.0     100    3.0M     +2.0K        0 cache::insert  ");
	HAS("   25.0    25.0       0         0        0 [k] copy_user  ");
	HAS("    0.0     0.0    1.0K         -        0 parse  ");
	draw(40, 10);
	HAS("LIVE");
}

Test(ui_screen, threads)
{
	snapshot.governor.heap_share = 1;
	press('6');
	cr_expect(screen_request(screen).threads);
	draw(120, 35);
	HAS("[THREADS] of ordersd; CPU% and ALLOC/s since the last refresh ");
	HAS(">  97.5 |||||||||| 90.0      900     2.0K R          4130 match\\x1b        book::run");
	HAS("    0.0    10.0      100        - S          4127 ordersd          -");
	threads[1].cpu_pct = (double)NAN;
	threads[1].samples_pct = (double)NAN;
	threads[1].samples = SNAPSHOT_UNKNOWN;
	snapshot.kernel.walk_reason = "no BTF";
	snapshot.threads_left_out = 7;
	draw(120, 35);
	HAS("7 more are not shown; samples by thread are counted only in the kernel: no BTF");
	HAS("      -       -        -     2.0K R          4130 ");
	snapshot.kernel.walk_reason = NULL;
	snapshot.governor.heap_share = 0.25;
	draw(140, 35);
	HAS("; ALLOC/s is not known: allocations are seen for a share of the time");
	press('1');
	cr_expect_not(screen_request(screen).threads);
	snapshot.thread_count = 0;
	press('H');
	draw(120, 35);
	HAS("threads are not in what was frozen");
}

Test(ui_screen, modules)
{
	press('7');
	draw(120, 35);
	HAS("[MODULES] broken stacks 8 of 1000 ");
	HAS(">  75.0      750       0 dwarf      CFI            ok         /usr/bin/ordersd  ");
	HAS("   0.0        0       8 symtab     -              degraded   /lib/libp.so  ");
	HAS(" 0123456789ab\n");
	HAS("build-id 0123456789abcdef  names: dwarf  unwinding: CFI  state: ok  broken stacks: 0");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS("build-id none  names: symtab  unwinding: not needed yet  state: degraded");
	draw(40, 10);
	HAS("PATH");
	HAS_NOT("(null)");
}

Test(ui_screen, health)
{
	press('8');
	draw(120, 35);
	HAS("[HEALTH] maps take 3.0M --");
	HAS("6.1.0-13-amd64");
	LINE("heap ring", " channel  heap ring buffer              90.0       97"
			  "                                 3 records");
	LINE("live objects", " map      live objects                  25.0      250    3.0M"
			     "                         0 entries; LOST found it full");
	LINE("malloc", " probe    malloc  libc.so.6+0x98930              4.0K              100      660"
		       "         emulated");
	LINE("free  libc", " probe    free  libc.so.6+0x98f00                   0"
			   "                                   single-stepped: slow");
	snapshot.overflow.perf_lost = 5;
	draw(120, 35);
	LINE("CPU samples", " loss     CPU samples                            1.0K"
			    "                                 5 a lower -F loses fewer");
	snapshot.heap.untracked_known = false;
	draw(120, 35);
	HAS("cannot be told: ");
	press(RSP_KEY_END);
	draw(120, 35);
	HAS("\n free: single-stepped: slow");
	draw(40, 10);
	HAS_NOT("nan");
}

Test(ui_screen, losses_stand_out)
{
	snapshot.overflow = (struct snapshot_overflow){1, 2, 3, 4, 5, 6, 7, 0};
	draw(120, 35);
	HAS("perf samples 1!  throttled 2!  ring buffer 3!  maps full 9!  uncovered threads 6!");
	draw(80, 24);
	HAS("perf 1!  throt 2!  ring 3!  maps 9!  thr 6!");
	draw(40, 10);
	HAS("lost 21!");
}

Test(ui_screen, what_is_wrong_comes_with_what_helps)
{
	draw(200, 35);
	HAS_NOT("! ");
	HAS("target cost ?");
	snapshot.overhead.target_pct = 23.0;
	snapshot.overhead.heap_pct = 20.0;
	draw(200, 35);
	HAS(" ! watching takes 23.0 % of the target's CPU time: ] samples the heap, --heap off sets");
	HAS("target cost ~23.0%");
	draw(80, 24);
	HAS("cost ~23.0%");
	draw(40, 6);
	HAS("cost ~23.0%");
	snapshot.overflow.perf_lost = 5;
	draw(200, 35);
	HAS(" ! 5 samples are lost: a lower -F takes fewer");
	snapshot.overflow.live_map_full = 7;
	draw(200, 35);
	HAS(" ! 7 allocations found no room in the books: give a larger --heap-entries");
	snapshot.notice = "libx.so: something";
	draw(200, 35);
	HAS(" or sample the heap (])  ! libx.so: something");
	snapshot.overflow.live_map_full = snapshot.overflow.perf_lost = 0;
	snapshot.overhead.target_pct = 7.0;
	snapshot.governor.budget_pct = 10;
	snapshot.governor.reason = "the heap is sampled less";
	draw(200, 35);
	HAS(" ! the heap is sampled less  ! libx.so: something");
	HAS_NOT("watching takes");
	snapshot.notice = snapshot.governor.reason = NULL;
	snapshot.overflow = (struct snapshot_overflow){.ringbuf_dropped = 0};
	snapshot.overhead.target_pct = 1.0;
	snapshot.cpu.stacks_complete = 500;
	draw(200, 35);
	HAS(" ! 50.0 % of the stacks are complete");
}

Test(ui_screen, pause_is_shown_at_every_size)
{
	static const int sizes[][2] = {{120, 35}, {80, 24}, {60, 16}, {40, 10}, {30, 6}};

	draw(80, 24);
	HAS_NOT("PAUSED");
	cr_expect_eq(press(' '), UI_PAUSE | UI_DRAW);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(sizes[i][0], sizes[i][1]);
		HAS("PAUSED");
	}
	cr_expect_eq(press('Z'), UI_PAUSE | UI_DRAW);
	draw(80, 24);
	HAS_NOT("PAUSED");
}

Test(ui_screen, exit_is_shown_and_figures_stay)
{
	snapshot.target.exited = true;
	snapshot.target.exit_status = 0;
	draw(70, 24);
	HAS("EXITED (status 0)");
	HAS("60.0    62.0 orders::book::match_level");
	snapshot.target.exit_status = 3 << 8;
	draw(120, 35);
	HAS("EXITED (status 3)");
	snapshot.target.exit_status = 9;
	draw(70, 24);
	HAS("EXITED (killed by signal 9)");
	draw(40, 10);
	HAS("EXITED (signal 9)");
	snapshot.target.exit_status = -1;
	draw(70, 24);
	HAS("EXITED (status unknown)");
}

Test(ui_screen, reason_of_what_is_off)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "uprobes need CAP_SYS_ADMIN; run it as root to see the heap too";
	draw(80, 24);
	HAS(" heap tracking is off: uprobes need CAP_SYS_ADMIN; run it as root to see the\n heap "
	    "too\n");
	HAS_NOT("cache::insert");
	HAS_NOT("growth");
	snapshot.cpu.state = CHANNEL_OFF;
	snapshot.cpu.reason = "switched off";
	draw(120, 35);
	HAS("CPU sampling is off: switched off");
	HAS(" CPU   off: switched off");
	HAS_NOT("match_level");
}

Test(ui_screen, limits_are_said)
{
	snapshot.cpu.kernel = false;
	snapshot.cpu.reason = "kernel.perf_event_paranoid is 2";
	draw(80, 24);
	HAS("user only");
	HAS("[CPU] last 10s; kernel.perf_event_paranoid is 2 -");
	snapshot.heap.mode = "sampled";
	snapshot.heap.interval_bytes = 512 << 10;
	draw(80, 24);
	HAS("sampled 1/512.0K");
}

/* In the header as many clauses as fit; the pane has all of it. */
Test(ui_screen, a_reason_ends_with_a_clause)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace; see PERMISSIONS";
	draw(80, 24);
	HAS(" HEAP  off: it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace\n");
	HAS("see PERMISSIONS\n");
	draw(120, 24);
	HAS(" HEAP  off: it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace; see PERMISSIONS\n");
	snapshot.heap.reason = snapshot.governor.reason = "the probes are taken out at a cost of 7.1%";
	snapshot.governor.heap_out = true;
	snapshot.governor.budget_pct = 5;
	draw(80, 24);
	HAS(" HEAP  off: the probes are taken out to keep within --max-overhead 5: O lifts it\n");
}

Test(ui_screen, probes_that_are_refused)
{
	draw(80, 24);
	HAS_NOT("refused");
	snapshot.overflow.probes_refused = 2;
	draw(80, 24);
	HAS(" HEAP  exact  glibc  refused 2!  live ");
	HAS(" ! 2 functions of allocators are not probed: their file's own symbol table does\n"
	    " not have them there; the heap may miss allocations\n");
	draw(60, 24);
	HAS("refused 2!");
}

Test(ui_screen, empty_panes_say_what_they_wait_for)
{
	snapshot.function_count = 0;
	snapshot.site_count = 0;
	snapshot.cpu.samples = 0;
	draw(80, 24);
	HAS("no samples yet: the target is idle");
	HAS("no allocations yet");
	snapshot.cpu.samples = 12;
	snapshot.cpu.stacks_pending = 12;
	draw(80, 24);
	HAS("12 samples wait for unwind rules");
}

Test(ui_screen, notice)
{
	snapshot.notice = "2 modules without symbols \x1b]0;title\x07";
	draw(80, 24);
	HAS(" ! 2 modules without symbols \\x1b]0;title\\x07\n ? Help");
	draw(40, 8);
	HAS(" 4127 ordersd !1 lost 0");
	snapshot.notice = "the heap's probes are taken out at a cost of 7.1% of the target's CPU time "
			  "(--max-overhead 5); tried again in 30 s";
	draw(80, 24);
	HAS(" ! the heap's probes are taken out at a cost of 7.1% of the target's CPU time\n"
	    " (--max-overhead 5); tried again in 30 s\n ? Help");
	draw(80, 19);
	HAS(" CPU time...\n ? Help");
}

Test(ui_screen, hostile_names)
{
	functions[0].name = "evil\x1b[2J\x9b\r\nname\xe2\x80\xae";
	sites[0].function = "\x1b]52;c;AAAA\x07";
	snapshot.target.comm = "x\x1b[31m";
	snapshot.target.exe = "/tmp/\n\x1b";
	draw(120, 35);
	HAS("evil\\x1b[2J\\x9b\\x0d\\x0aname ");
	HAS("\\x1b]52;c;AAAA\\x07");
	HAS("x\\x1b[31m");
	for (const char *at = text; *at; at++)
		cr_assert(*at == '\n' || (unsigned char)*at >= ' ');
}

Test(ui_screen, sort_keys_move_the_mark)
{
	draw(70, 24);
	press('>');
	draw(70, 24);
	LINE("TOTAL%v", "  SELF% TOTAL%v FUNCTION WHERE");
	HAS(">  15.0     100 main");
	press('R');
	draw(70, 24);
	HAS("TOTAL%^");
	press('P');
	draw(70, 24);
	HAS("SELF%v");
	press('<');
	draw(70, 24);
	HAS("SELF%v");
	press('T');
	draw(70, 24);
	HAS("TOTAL%v");
	for (int i = 0; i < 9; i++)
		press('>');
	draw(70, 24);
	HAS("WHERE^");
	press('M');
	draw(70, 24);
	HAS("--[HEAP]");
	HAS("LIVEv");
}

Test(ui_screen, sort_skips_columns_without_room)
{
	draw(40, 10);
	press('>');
	press('>');
	press('>');
	draw(40, 10);
	LINE("FUNCTION", "  SELF%  TOTAL% FUNCTION^");
	draw(120, 35);
	for (int i = 0; i < 9; i++)
		press('>');
	draw(40, 10);
	HAS("by WHERE");
}

Test(ui_screen, selection_follows_its_row)
{
	draw(70, 24);
	press('j');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
	press('T');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
}

Test(ui_screen, kernel_unfolds_and_folds_again)
{
	draw(70, 24);
	HAS_NOT("copy_user");
	HAS_NOT("unfolded");
	press('K');
	draw(70, 24);
	HAS("   25.0    25.0 [k] copy_user");
	HAS("kernel unfolded");
	press('j');
	press('j');
	draw(70, 24);
	HAS(">  15.0     100 main");
	press('K');
	draw(70, 24);
	HAS_NOT("copy_user");
	HAS("   25.0    25.0 [kernel]");
	HAS(">  15.0     100 main");
}

Test(ui_screen, views_and_focus)
{
	press('3');
	draw(120, 35);
	HAS_NOT("FUNCTION");
	HAS("--[HEAP]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[LEAKS]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[GROWTH]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[COMBINED]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[FLAME]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[TREE]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[THREADS]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[MODULES]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[HEALTH]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[CPU]");
	HAS_NOT("GROWTH/s");
	press('M');
	draw(120, 35);
	HAS("--[HEAP]");
	press('2');
	draw(120, 35);
	HAS("--[CPU]");
	press('1');
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- HEAP ");
}

Test(ui_screen, leaks)
{
	press('4');
	draw(120, 35);
	LINE("LEVEL", " LEVELv  GROWTH/min     +/-  OLD%  OLDEST    LIVE SITE                "
		      "    WHERE             EVIDENCE");
	LINE("insert", ">  HIGH     +120.0K    3.8K  75.0   6m40s    3.0M cache::insert        "
		       "   src/cache.rs:141  grew in 12 of 12 windows");
	HAS_NOT("parse");
	draw(80, 24);
	HAS(">  HIGH     +120.0K ");
	HAS(" cache::insert ");
	HAS("\n grew in 12 of 12 windows\n");
	sites[0].leak.evidence[0] = '\0';
	strcat(sites[0].leak.evidence, "grew in 12 of 12 windows of 5.0s, 96 % older than 1m00s, ");
	strcat(sites[0].leak.evidence, "no frees from this site");
	draw(80, 24);
	HAS("\n grew in 12 of 12 windows of 5.0s, 96 % older than 1m00s, no frees from this\n"
	    " site\n ? Help");
	suspects[0] = NULL;
	snapshot.suspect_count = 0;
	draw(80, 24);
	HAS("no suspects: none of 2 sites grows, seen for 7s");
	snapshot.heap.ages_skipped = 12;
	draw(80, 24);
	HAS("--[LEAKS] ages without 12 objects");
	snapshot.heap = (struct snapshot_heap){.state = CHANNEL_OFF, .reason = "not permitted"};
	draw(80, 24);
	HAS("heap tracking is off: not permitted");
}

Test(ui_screen, growth_has_a_view)
{
	press('9');
	draw(120, 35);
	HAS("--[GROWTH]");
	HAS("page faults are not sampled: the heap is tracked");
	HAS_NOT("arena::grow");
	snapshot.growth.state = CHANNEL_ON;
	snapshot.growth.reason = "user code only";
	draw(120, 35);
	HAS("--[GROWTH] estimates; anonymous 100.0M +4.0K/s; user code only -");
	LINE("arena",
	     ">   5.0M     +2.0K    8.0M     1.2K       40 arena::grow                      "
	     "               src/arena.rs:9");
	snapshot.growth.reason = NULL;
	snapshot.growth.mappings_lost = 3;
	draw(120, 35);
	HAS("+4.0K/s; 3 calls without a place -");
	snapshot.growth.mappings_reason = "not permitted";
	draw(120, 35);
	HAS("+4.0K/s; MAPPED unknown: not permitted -");
	snapshot.growth_site_count = 0;
	draw(120, 35);
	HAS("no new memory has been touched since attachment");
}

Test(ui_screen, growth_says_when_the_limit_is_near)
{
	snapshot.growth.state = CHANNEL_ON;
	snapshot.memory.limit_bytes = 200 << 20;
	snapshot.memory.used_bytes = 150 << 20;
	snapshot.memory.seconds_to_limit = 12800;
	press('9');
	draw(140, 35);
	HAS("estimates; anonymous 100.0M +4.0K/s, limit 150.0M of 200.0M in 3h33m");
}

/* Where the heap cannot be tracked its place is not left empty. */
Test(ui_screen, growth_stands_in_for_the_heap)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "no permission";
	snapshot.growth.state = CHANNEL_ON;
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- GROWTH  estimates");
	HAS("heap not tracked: no permission");
	HAS("arena::grow");
	HAS_NOT("heap tracking is off");
	press('3');
	draw(120, 35);
	HAS("--[GROWTH]");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	LINE("parse",
	     "> 248.0K         0       -       62        2 parse                            "
	     "               libp.so");
	press('g');
	press('R');
	draw(120, 35);
	LINE("parse",
	     "> 248.0K         0       -       62        2 parse                            "
	     "               libp.so");
	press('>');
	draw(120, 35);
	HAS("~NEW/sv");
}

Test(ui_screen, names_scroll_sideways)
{
	functions[0].name = "crate::module::another::function_with_a_long_name";
	draw(80, 24);
	HAS("crate::...::function_with_a_long_name");
	press(RSP_KEY_RIGHT);
	draw(80, 24);
	HAS("odule::another::function_with_");
	HAS(" main ");
	for (int i = 0; i < 20; i++)
		press(RSP_KEY_RIGHT);
	draw(80, 24);
	HAS("function_with_a_long_name ");
	press(RSP_KEY_LEFT);
	press(RSP_KEY_LEFT);
	press(RSP_KEY_LEFT);
	draw(80, 24);
	HAS("crate::...::function_with_a_long_name");
}

static void type(const char *keys)
{
	while (*keys)
		press((unsigned char)*keys++);
}

Test(ui_screen, filter_while_it_is_typed)
{
	type("f");
	draw(120, 35);
	HAS(" Filter (!regex, empty: all):");
	type("orders::");
	draw(120, 35);
	HAS("1-1 of 1 of all 3 --");
	HAS_NOT("[kernel] ");
	HAS("none of all 2 --");
	HAS("no row passes the filter");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS_NOT("Filter (");
	HAS(" filter: orders::");
	HAS("1-1 of 1 of all 3 --");
	/* Dismissed, it is what it was before. */
	type("\\xyz");
	draw(120, 35);
	HAS_NOT("match_level");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("1-1 of 1 of all 3 --");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("- 1-3 of 3 --");
	type("f!(");
	draw(120, 35);
	HAS("- 1-3 of 3 --");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(" no regular expression: ");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(" ? Help  q Quit");
}

Test(ui_screen, search)
{
	draw(120, 35);
	type("/MAIN");
	draw(120, 35);
	HAS(" Search (!regex): MAIN");
	HAS(">  60.0    62.0 ||||||     ____________ orders::book::match_level ");
	for (int i = 0; i < 4; i++)
		press(RSP_KEY_BACKSPACE);
	type("main");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(">  15.0     100 |          ____________ main");
	type("/kern");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	type("/nothing");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(" not found: nothing");
	press(RSP_KEY_UP);
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(" ? Help");
	type("n");
	draw(120, 35);
	HAS(" not found: nothing");
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	type("#");
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
}

Test(ui_screen, sort_menu)
{
	draw(80, 24);
	type("s");
	draw(80, 24);
	HAS(" Sort CPU by ");
	HAS(">SELF% ");
	for (int i = 0; i < 5; i++)
		press(RSP_KEY_DOWN);
	draw(80, 24);
	HAS(">FUNCTION ");
	press(RSP_KEY_ENTER);
	draw(80, 24);
	HAS_NOT(" Sort CPU by ");
	HAS("FUNCTION^");
	type("s");
	press(RSP_KEY_ESCAPE);
	draw(80, 24);
	HAS_NOT(" Sort CPU by ");
	HAS("FUNCTION^");
}

Test(ui_screen, columns_and_colours)
{
	struct settings settings;

	settings_init(&settings);
	screen_apply(screen, &settings);
	draw(120, 35);
	HAS("TOTAL%");
	press(RSP_KEY_F1 + 1);
	draw(120, 35);
	HAS(" Colours, and columns of CPU ");
	HAS("> Colours for what the terminal says");
	press(RSP_KEY_DOWN);
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(">[x] TOTAL%");
	cr_expect_eq(press(' '), UI_DRAW, "no pause");
	draw(120, 35);
	HAS(">[ ] TOTAL%");
	for (int i = 0; i < 4; i++)
		press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS("> FUNCTION [k]");
	press(RSP_KEY_ENTER);
	press(RSP_KEY_HOME);
	press(RSP_KEY_LEFT);
	draw(120, 35);
	HAS("> Colours for a light background");
	cr_expect_eq(screen_theme(screen), THEME_LIGHT);
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS_NOT(" Colours, ");
	HAS_NOT("TOTAL%");
	HAS("FUNCTION");
	cr_expect_eq(press('q'), UI_QUIT);

	screen_remember(screen, &settings);
	cr_expect_eq(settings.theme, THEME_LIGHT);
	cr_expect_eq(settings.off[PANE_CPU], 1U << 1);
	settings.off[PANE_HEAP] = 1;
	screen_apply(screen, &settings);
	draw(120, 35);
	HAS_NOT(" LIVEv");
	HAS("by LIVE, 1-2 of 2");
}

Test(ui_screen, theme_of_the_command_line_is_not_remembered)
{
	struct settings given, kept;

	settings_init(&given);
	settings_init(&kept);
	given.theme = THEME_DARK;
	screen_apply(screen, &given);
	screen_remember(screen, &kept);
	cr_expect_eq(kept.theme, THEME_AUTO);
}

Test(ui_screen, mouse)
{
	draw(120, 35);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 7, 20), UI_DRAW);
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	screen_mouse(screen, RSP_KEY_WHEEL_DOWN, 7, 20);
	draw(120, 35);
	HAS(">  15.0     100 |          ____________ main");
	screen_mouse(screen, RSP_KEY_WHEEL_UP, 7, 20);
	draw(120, 35);
	HAS(">  60.0    62.0 ||||||     ____________ orders");
	screen_mouse(screen, RSP_KEY_CLICK, 5, 10);
	draw(120, 35);
	HAS("  SELF% TOTAL%v SHARE");
	screen_mouse(screen, RSP_KEY_CLICK, 5, 10);
	draw(120, 35);
	HAS("  SELF% TOTAL%^ SHARE");
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 0, 0), UI_NONE);
	/* Below the last row there is none to click on. */
	screen_mouse(screen, RSP_KEY_CLICK, 15, 10);
	draw(120, 35);
	HAS("--[CPU]");
	screen_mouse(screen, RSP_KEY_CLICK, 24, 10);
	draw(120, 35);
	HAS("--[HEAP]");
	HAS(">   1.0K         -");
}

Test(ui_screen, prompts_give_their_text)
{
	draw(120, 35);
	type("d2.5");
	cr_expect_eq(press(RSP_KEY_ENTER), UI_DELAY | UI_DRAW);
	cr_expect_str_eq(screen_delay_text(screen), "2.5");
	type("w");
	draw(120, 35);
	HAS(" Write to the file: rsprof-top-4127-19700101-124107.json");
	press('U' & 0x1f);
	type("a q");
	press(0xe9);
	cr_expect_eq(press(RSP_KEY_ENTER), UI_SAVE | UI_DRAW);
	cr_expect_str_eq(screen_save_name(screen), "a q\xc3\xa9");
	screen_say(screen, true, "cannot write \x1b[31m");
	draw(120, 35);
	HAS(" cannot write \\x1b[31m");
	type("d");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW);
	cr_expect_eq(press('q'), UI_QUIT);
}

Test(ui_screen, help_opens_scrolls_and_closes)
{
	draw(80, 24);
	press('?');
	draw(80, 24);
	HAS("Help ---");
	HAS("q ^C F10       quit");
	HAS("Esc closes");
	press('G');
	draw(80, 24);
	HAS("Columns of DETAIL");
	HAS_NOT("q ^C F10");
	press('g');
	draw(80, 24);
	HAS("q ^C F10       quit");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW, "Esc never quits");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW, "Esc never quits");
	draw(80, 24);
	HAS_NOT("Esc closes");
	HAS(">  60.0");
	press('h');
	draw(120, 200);
	HAS("unfold or fold the kernel's functions");
	HAS("highest LIVE seen");
	press(RSP_KEY_F1);
	draw(120, 200);
	HAS_NOT("Esc closes");
}

Test(ui_screen, actions_of_keys)
{
	draw(80, 24);
	cr_expect_eq(press('q'), UI_QUIT);
	cr_expect_eq(press(3), UI_QUIT);
	cr_expect_eq(press(26), UI_SUSPEND);
	cr_expect_eq(press(12), UI_DRAW);
	cr_expect_eq(press('x'), UI_NONE);
	press('?');
	cr_expect_eq(press('q'), UI_QUIT, "help does not swallow it");
}

Test(ui_screen, utf8_glyphs_and_names)
{
	screen_free(screen);
	screen = screen_new(true);
	functions[0].name = "日本語::関数::とても長い名前の関数::終わり";
	draw(80, 24);
	HAS("SELF%▼");
	HAS("──[CPU]");
	HAS("…");
	HAS("終わり");
	draw(40, 10);
	HAS("終わり");
}

Test(ui_screen, every_size_and_key_survives)
{
	for (int rows = 1; rows <= 60; rows += 3) {
		for (int cols = 1; cols <= 140; cols += 7) {
			size_t count;
			const struct keymap_entry *entries = keymap_entries(&count);

			for (size_t i = 0; i < count; i++) {
				press(entries[i].keys[0]);
				draw(cols, rows);
			}
		}
	}
}
