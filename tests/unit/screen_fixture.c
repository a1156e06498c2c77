/* The fixture of the tests of the screen; see the header. */
#include "config.h"

#include "screen_fixture.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/kernel_fold.h"

struct snapshot_function functions[3];
struct snapshot_site sites[2];
const struct snapshot_site *suspects[1];
struct snapshot_growth_site growth_sites[2];
static struct snapshot_allocator allocators[1];
static struct snapshot_module modules[2];
static struct snapshot_channel channels[1];
static struct snapshot_map maps[1];
static struct snapshot_probe probes[2];
struct snapshot_thread threads[2];
struct snapshot snapshot;
struct screen *screen;
struct grid *grid;
char *text;

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
					  .sizes = {.bytes = {[1] = 1, [3] = 3}, .objects = {[1] = 7, [3] = 5}},
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

void set_up_screen(void)
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

void tear_down_screen(void)
{
	free(text);
	grid_free(grid);
	screen_free(screen);
	free(snapshot.folded);
	free(snapshot.combined);
	call_tree_free(snapshot.cpu_tree);
	call_tree_free(snapshot.heap_tree);
}

void draw(int cols, int rows)
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

const char *squeeze(char *buf, size_t size, const char *from)
{
	size_t length = 0;

	for (; *from && length + 1 < size; from++)
		if (*from != ' ' || length == 0 || buf[length - 1] != ' ')
			buf[length++] = *from;
	buf[length] = '\0';
	return buf;
}

bool has(const char *part)
{
	static char all[1 << 16];
	char wanted[1024];

	return strstr(squeeze(all, sizeof(all), text), squeeze(wanted, sizeof(wanted), part));
}

const char *line_with(const char *part)
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

unsigned press(int key)
{
	return screen_key(screen, key);
}

void type(const char *keys)
{
	while (*keys)
		press((unsigned char)*keys++);
}

struct call_tree *seed_tree(uint64_t unit)
{
	static const struct call_node nodes[] = {
	    {0, "[all]", "", NULL, 0, false, false, 0, 100, CALL_NODE_NONE, 1, CALL_NODE_NONE, 0},
	    {11, "main", "ordersd", NULL, 0, false, false, 0, 100, 0, 2, CALL_NODE_NONE, 1},
	    {12, "engine::run", "ordersd", "run.rs", 7, false, false, 20, 80, 1, 3, 4, 2},
	    {14, "book::match_level", "ordersd", "book.rs", 9, false, true, 60, 60, 2,
	     CALL_NODE_NONE, CALL_NODE_NONE, 3},
	    {13, "parse", "libp.so", NULL, 0, false, false, 20, 20, 1, CALL_NODE_NONE,
	     CALL_NODE_NONE, 2},
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
