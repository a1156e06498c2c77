/* json: the printed line is read back, and every key of schema 1 is looked at. */
#include "config.h"

#include "output/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

/* Prints into memory and reads the line back; the caller gives both up. */
static json_t *print(const struct snapshot *snapshot, char **ret_line)
{
	size_t size;
	FILE *out = open_memstream(ret_line, &size);
	json_error_t error;
	json_t *object;

	cr_assert_not_null(out);
	cr_assert_eq(json_print(out, snapshot), 0);
	fclose(out);
	cr_assert_gt(size, 1);
	cr_assert_eq((*ret_line)[size - 1], '\n');
	cr_assert_eq(strchr(*ret_line, '\n'), *ret_line + size - 1);
	object = json_loads(*ret_line, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(object, "%s", error.text);
	return object;
}

static void release(json_t *object, char *line, struct snapshot *snapshot)
{
	json_decref(object);
	free(line);
	snapshot_free(snapshot);
}

/* The member of nested objects and arrays: "heap", "sites", "0", ..., NULL. */
static json_t *at(json_t *value, ...)
{
	va_list keys;
	const char *key;

	va_start(keys, value);
	while ((key = va_arg(keys, const char *))) {
		if (json_is_array(value))
			value = json_array_get(value, (size_t)strtoul(key, NULL, 10));
		else
			value = json_object_get(value, key);
		cr_assert_not_null(value, "%s", key);
	}
	va_end(keys);
	return value;
}

#define AT(object, ...) at(object, __VA_ARGS__, NULL)
#define EXPECT_TEXT(text, ...) cr_expect_str_eq(json_string_value(AT(__VA_ARGS__)), text)
#define EXPECT_COUNT(count, ...)                      \
	cr_expect(json_is_integer(AT(__VA_ARGS__)) && \
		  json_integer_value(AT(__VA_ARGS__)) == (count))
#define EXPECT_REAL(real, ...)                     \
	cr_expect(json_is_real(AT(__VA_ARGS__)) && \
		  fabs(json_real_value(AT(__VA_ARGS__)) - (real)) < 1e-9)
#define EXPECT_NULL(...) cr_expect(json_is_null(AT(__VA_ARGS__)))

/* Exactly these keys, in this order; "a b c". */
static void expect_keys(json_t *object, const char *keys)
{
	char text[1024] = "";
	const char *key;
	json_t *value;

	cr_assert(json_is_object(object));
	json_object_foreach(object, key, value)
	{
		cr_assert_lt(strlen(text) + strlen(key) + 2, sizeof(text));
		if (text[0])
			strcat(text, " ");
		strcat(text, key);
	}
	cr_expect_str_eq(text, keys);
}

static struct snapshot *empty_snapshot(void)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	snapshot->time.tv_sec = 1700000000;
	snapshot->time.tv_nsec = 7999999;
	snapshot->target = (struct snapshot_target){.pid = 42, .exit_status = -1, .cpu_pct = NAN};
	snapshot->overhead =
	    (struct snapshot_overhead){.target_pct = NAN, .heap_pct = NAN, .cpu_pct = NAN};
	return snapshot;
}

static void fill_site(struct snapshot_site *site)
{
	*site = (struct snapshot_site){.id = 9,
				       .function = "grow",
				       .module = "program",
				       .file = "/src/grow.c",
				       .line = 17,
				       .live_bytes = 1,
				       .live_objects = 2,
				       .alloc_bytes = 3,
				       .alloc_objects = 4,
				       .freed_bytes = 5,
				       .freed_objects = 6,
				       .peak_bytes = 7,
				       .growth_bytes_per_s = -8.25,
				       .alloc_bytes_per_s = 30.5,
				       .alloc_objects_per_s = 31.5,
				       .freed_bytes_per_s = 32.5,
				       .freed_objects_per_s = 33.5,
				       .ages_known = true,
				       .ages = {.bytes = {[AGE_1MIN] = 50}, .objects = {[AGE_1MIN] = 5}},
				       .sizes = {.bytes = {0, 50}, .objects = {0, 5}},
				       .oldest_s = 75.5,
				       .leak = {.level = LEAK_MEDIUM,
						.score = 61.5,
						.slope_bytes_per_s = 40.5,
						.slope_half_width = 1.5,
						.windows = 12,
						.windows_grown = 11,
						.evidence = "grew"},
				       .stack_count = 1,
				       .stacks = xcalloc(1, sizeof(*site->stacks))};
	site->stacks[0] =
	    (struct snapshot_stack){.live_bytes = 10,
				    .live_objects = 11,
				    .frame_count = 2,
				    .frames = xcalloc(2, sizeof(struct snapshot_frame))};
	site->stacks[0].frames[0] = (struct snapshot_frame){.function = "grow",
							    .module = "program",
							    .file = "/src/grow.c",
							    .line = 17,
							    .inlined = true};
	site->stacks[0].frames[1] =
	    (struct snapshot_frame){.function = "0x1234", .module = "[unknown]"};
}

static void fill_growth(struct snapshot *snapshot)
{
	struct snapshot_growth_site *site = xcalloc(1, sizeof(*site));

	*site = (struct snapshot_growth_site){.function = "touch",
					      .module = "program",
					      .samples = 3,
					      .faults = 4,
					      .bytes = 5,
					      .bytes_per_s = 6.5,
					      .mapped_bytes = 9,
					      .mappings = 2,
					      .stack_count = 1,
					      .stacks = xcalloc(1, sizeof(*site->stacks))};
	site->stacks[0] =
	    (struct snapshot_growth_stack){.faults = 7,
					   .bytes = 8,
					   .mapped_bytes = SNAPSHOT_UNKNOWN,
					   .frame_count = 1,
					   .frames = xcalloc(1, sizeof(struct snapshot_frame))};
	site->stacks[0].frames[0] =
	    (struct snapshot_frame){.function = "touch", .module = "program"};
	snapshot->growth_sites = site;
	snapshot->growth_site_count = 1;
	snapshot->growth = (struct snapshot_growth){.state = CHANNEL_ON,
						    .reason = "user code only",
						    .event = "minor-faults",
						    .faults_per_sample = 31,
						    .samples = 51,
						    .samples_pending = 50,
						    .samples_lost = 52,
						    .faults = 53,
						    .bytes = 54,
						    .bytes_per_s = 2.5,
						    .file_faults = 55,
						    .unknown_faults = 56,
						    .mapped_bytes = 57,
						    .mappings = 58,
						    .mappings_lost = 59,
						    .mappings_reason = "not all"};
	snapshot->memory = (struct snapshot_memory){.rss_bytes = 61,
						    .anonymous_bytes = 62,
						    .swap_bytes = 63,
						    .brk_bytes = 64,
						    .limit_bytes = 65,
						    .used_bytes = 66,
						    .growth_bytes_per_s = 3.5,
						    .seconds_to_limit = 4.5};
	snapshot->heap.resident_bytes = 62;
	snapshot->heap.coverage_pct = 33.5;
}

static struct snapshot *full_snapshot(void)
{
	struct snapshot *snapshot = empty_snapshot();

	snapshot->elapsed_s = 5.125;
	snapshot->target = (struct snapshot_target){.pid = 42,
						    .comm = "program",
						    .exe = "/usr/bin/program",
						    .threads = 3,
						    .rss_bytes = 4096};
	snapshot->cpu = (struct snapshot_cpu){.state = CHANNEL_ON,
					      .reason = "user code only",
					      .event = "cpu-clock",
					      .frequency_hz = 99,
					      .samples = 495,
					      .stacks_complete = 490,
					      .stacks_guessed = 12,
					      .stacks_copied = 12,
					      .unwind_ns_per_frame = 127.5,
					      .checked = true,
					      .check_equal = 483,
					      .check_different = 2};
	snapshot->heap = (struct snapshot_heap){.state = CHANNEL_ON,
						.reason = "limited",
						.mode = "sampled",
						.interval_bytes = 524288,
						.live_bytes = 21,
						.live_objects = 22,
						.alloc_bytes = 23,
						.alloc_objects = 24,
						.freed_bytes = 25,
						.freed_objects = 26,
						.untracked_frees = 27,
						.untracked_known = true};
	snapshot->overflow = (struct snapshot_overflow){31, 32, 33, false, 34, 35, 36, 37, 0};
	snapshot->overhead = (struct snapshot_overhead){1.5, 0.5, 1.0, 1.25, 0.25, 8192};
	snapshot->attach = (struct snapshot_attach){0.5, 0.25, 0.125, 0.0625};
	snapshot->governor = (struct snapshot_governor){5, "out", "too dear", 4096, 2, 0.5, true, 7.5, 3, 1};
	snapshot->function_count = 2;
	snapshot->functions = xcalloc_aligned(2, sizeof(*snapshot->functions), SNAPSHOT_ROW_ALIGNMENT);
	snapshot->functions[0] = (struct snapshot_function){.name = "hot",
							    .module = "program",
							    .file = "/src/hot.c",
							    .line = 3,
							    .self_samples = 400,
							    .total_samples = 450,
							    .self_pct = 80.8,
							    .total_pct = 90.9};
	snapshot->functions[1] =
	    (struct snapshot_function){.name = "program+0x10", .module = "[unknown]", .line = 5};
	snapshot->site_count = 1;
	snapshot->sites = xcalloc_aligned(1, sizeof(*snapshot->sites), SNAPSHOT_ROW_ALIGNMENT);
	fill_site(&snapshot->sites[0]);
	snapshot->allocator_count = 1;
	snapshot->allocators = xcalloc(1, sizeof(*snapshot->allocators));
	snapshot->allocators[0] = (struct snapshot_allocator){"glibc", "libc.so.6", 6};
	snapshot->channel_count = 1;
	snapshot->channels = xcalloc(1, sizeof(*snapshot->channels));
	snapshot->channels[0] = (struct snapshot_channel){"ring", 10, 7, 3, 4096, 128};
	snapshot->map_count = 1;
	snapshot->maps = xcalloc(1, sizeof(*snapshot->maps));
	snapshot->maps[0] = (struct snapshot_map){"live objects", 64, NAN, 2, 4096};
	snapshot->maps_bytes = SNAPSHOT_UNKNOWN;
	snapshot->probe_count = 1;
	snapshot->probes = xcalloc(1, sizeof(*snapshot->probes));
	snapshot->probes[0] = (struct snapshot_probe){.function = "malloc",
						      .module = "libc.so.6",
						      .offset = 0x98930,
						      .hits = 41,
						      .emulated = true,
						      .hits_per_s = 8.5,
						      .ns_per_hit = NAN};
	snapshot->books = (struct snapshot_books){51, 52, 53, 54, 55, 56, 57, 58};
	snapshot->thread_count = 2;
	snapshot->threads = xcalloc(2, sizeof(*snapshot->threads));
	snapshot->threads[0] = (struct snapshot_thread){41, "worker", 'R', 97.5, 99, 33.0, "run", 5000, 2048};
	snapshot->threads[1] =
	    (struct snapshot_thread){42, "idle", 'S', NAN, SNAPSHOT_UNKNOWN, NAN, NULL, SNAPSHOT_UNKNOWN, NAN};
	snapshot->module_count = 2;
	snapshot->modules = xcalloc(2, sizeof(*snapshot->modules));
	snapshot->modules[0] = (struct snapshot_module){.name = "program",
							.path = "/bin/program",
							.state = "ok",
							.build_id = "c0ffee",
							.names = "dwarf",
							.unwinding = "CFI",
							.self_samples = 71,
							.self_pct = 35.5,
							.broken_stacks = 3};
	snapshot->modules[1] = (struct snapshot_module){
	    .name = "libx.so", .path = "/lib/libx.so", .state = "degraded", .self_pct = NAN};
	fill_growth(snapshot);
	return snapshot;
}

Test(json, growth)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);
	json_t *growth = AT(o, "growth");
	json_t *site = AT(growth, "sites", "0");

	EXPECT_TEXT("on", growth, "state");
	EXPECT_TEXT("user code only", growth, "reason");
	EXPECT_TEXT("minor-faults", growth, "event");
	EXPECT_COUNT(31, growth, "faults_per_sample");
	EXPECT_COUNT(51, growth, "samples");
	EXPECT_COUNT(50, growth, "samples_pending");
	EXPECT_COUNT(52, growth, "samples_lost");
	EXPECT_COUNT(53, growth, "faults");
	EXPECT_COUNT(54, growth, "bytes");
	EXPECT_REAL(2.5, growth, "bytes_per_s");
	EXPECT_COUNT(55, growth, "file_faults");
	EXPECT_COUNT(56, growth, "unknown_faults");
	EXPECT_COUNT(57, growth, "mapped_bytes");
	EXPECT_COUNT(58, growth, "mappings");
	EXPECT_COUNT(59, growth, "mappings_lost");
	EXPECT_TEXT("not all", growth, "mappings_reason");
	EXPECT_COUNT(61, growth, "rss_bytes");
	EXPECT_COUNT(62, growth, "anonymous_bytes");
	EXPECT_COUNT(63, growth, "swap_bytes");
	EXPECT_COUNT(64, growth, "brk_bytes");
	EXPECT_COUNT(65, growth, "cgroup_limit_bytes");
	EXPECT_COUNT(66, growth, "cgroup_used_bytes");
	EXPECT_REAL(3.5, growth, "anonymous_bytes_per_s");
	EXPECT_REAL(4.5, growth, "seconds_to_limit");
	EXPECT_COUNT(3, site, "samples");
	EXPECT_COUNT(4, site, "faults");
	EXPECT_COUNT(5, site, "bytes");
	EXPECT_REAL(6.5, site, "bytes_per_s");
	EXPECT_COUNT(9, site, "mapped_bytes");
	EXPECT_COUNT(2, site, "mappings");
	EXPECT_NULL(site, "stacks", "0", "mapped_bytes");
	EXPECT_COUNT(7, site, "stacks", "0", "faults");
	EXPECT_COUNT(8, site, "stacks", "0", "bytes");
	EXPECT_TEXT("touch", site, "stacks", "0", "frames", "0", "function");
	EXPECT_COUNT(62, o, "heap", "resident_bytes");
	EXPECT_REAL(33.5, o, "heap", "coverage_pct");
	release(o, line, snapshot);
}

/* What is not measured is null, not zero; what the process has is there all the same. */
Test(json, growth_that_is_off)
{
	static const char *const unknown[] = {
	    "event",	"faults_per_sample", "samples",	    "samples_pending", "samples_lost",
	    "faults",
	    "bytes",	"bytes_per_s",	     "file_faults", "unknown_faults", "mapped_bytes",
	    "mappings", "mappings_lost"};
	struct snapshot *snapshot = empty_snapshot();
	char *line;
	json_t *o;

	snapshot->growth.bytes_per_s = NAN;
	snapshot->heap.coverage_pct = NAN;
	snapshot->heap.resident_bytes = SNAPSHOT_UNKNOWN;
	snapshot->memory = (struct snapshot_memory){.rss_bytes = 4096,
						    .limit_bytes = SNAPSHOT_UNKNOWN,
						    .growth_bytes_per_s = NAN,
						    .seconds_to_limit = NAN};
	o = print(snapshot, &line);
	EXPECT_TEXT("off", o, "growth", "state");
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		EXPECT_NULL(o, "growth", unknown[i]);
	EXPECT_COUNT(4096, o, "growth", "rss_bytes");
	EXPECT_NULL(o, "growth", "cgroup_limit_bytes");
	EXPECT_NULL(o, "growth", "seconds_to_limit");
	EXPECT_NULL(o, "heap", "resident_bytes");
	EXPECT_NULL(o, "heap", "coverage_pct");
	release(o, line, snapshot);
}

Test(json, keys_are_schema_1_exactly)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);

	expect_keys(o, "schema version time elapsed_s target cpu heap growth modules overflow "
		       "ledger overhead files threads governor attach");
	expect_keys(AT(o, "target"), "pid comm exe state threads");
	expect_keys(AT(o, "cpu"), "state reason event frequency_hz samples stacks_complete "
				  "stacks_guessed stacks_copied unwind_ns_per_frame unwind_check functions");
	expect_keys(AT(o, "cpu", "functions", "1"),
		    "name module file line self_samples total_samples self_pct total_pct");
	expect_keys(
	    AT(o, "heap"),
	    "state reason mode interval_bytes allocators live_bytes live_ci_bytes live_objects "
	    "alloc_bytes alloc_objects freed_bytes freed_objects untracked_frees rss_bytes resident_bytes "
	    "coverage_pct ages_skipped_objects sites");
	expect_keys(AT(o, "growth"),
		    "state reason event faults_per_sample samples samples_pending samples_lost faults bytes "
		    "bytes_per_s file_faults unknown_faults mapped_bytes mappings mappings_lost "
		    "mappings_reason rss_bytes anonymous_bytes swap_bytes "
		    "brk_bytes anonymous_bytes_per_s cgroup_limit_bytes cgroup_used_bytes "
		    "seconds_to_limit sites");
	expect_keys(
	    AT(o, "growth", "sites", "0"),
	    "function module file line samples faults bytes bytes_per_s mapped_bytes mappings "
	    "stacks");
	expect_keys(AT(o, "growth", "sites", "0", "stacks", "0"),
		    "faults bytes mapped_bytes frames");
	expect_keys(AT(o, "heap", "allocators", "0"), "name module probes");
	expect_keys(AT(o, "modules", "0"), "name path state");
	expect_keys(AT(o, "files", "0"), "name path state build_id names unwinding self_samples "
					 "self_pct broken_stacks");
	expect_keys(AT(o, "ledger"),
		    "channels maps maps_memory_bytes probes tracked_allocations tracked_frees failed_allocations "
		    "replaced lost_returns stacks_copied stacks_unlearnt worker_restarts");
	expect_keys(AT(o, "ledger", "channels", "0"),
		    "name produced consumed lost capacity_bytes used_bytes");
	expect_keys(AT(o, "ledger", "maps", "0"), "name capacity used refused memory_bytes");
	expect_keys(AT(o, "ledger", "probes", "0"),
		    "function module offset emulated hits hits_per_s ns_per_hit");
	expect_keys(AT(o, "heap", "sites", "0"),
		    "function module file line live_bytes live_ci_bytes live_objects alloc_bytes alloc_objects "
		    "freed_bytes freed_objects peak_bytes growth_bytes_per_s oldest_s alloc_bytes_per_s "
		    "alloc_objects_per_s freed_bytes_per_s freed_objects_per_s leak ages sizes stacks");
	expect_keys(AT(o, "heap", "sites", "0", "stacks", "0"), "live_bytes live_objects frames");
	expect_keys(AT(o, "heap", "sites", "0", "stacks", "0", "frames", "0"),
		    "function module file line inlined");
	expect_keys(AT(o, "overflow"),
		    "perf_lost perf_throttled ringbuf_dropped live_map_full site_map_full "
		    "debug_files_missing probes_refused");
	expect_keys(AT(o, "governor"), "budget_pct level reason interval_least_bytes sample_weight "
				       "heap_share heap_out steps");
	expect_keys(AT(o, "overhead"), "target_pct heap_pct cpu_pct trap_factor self_cpu_pct self_rss_bytes");
	release(o, line, snapshot);
}

Test(json, threads)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);

	cr_expect_eq(json_array_size(AT(o, "threads")), 2);
	expect_keys(AT(o, "threads", "0"), "tid name state cpu_pct samples function alloc_bytes alloc_bytes_per_s");
	EXPECT_COUNT(41, o, "threads", "0", "tid");
	EXPECT_COUNT(5000, o, "threads", "0", "alloc_bytes");
	cr_expect(json_is_null(AT(o, "threads", "1", "alloc_bytes")));
	EXPECT_TEXT("worker", o, "threads", "0", "name");
	EXPECT_TEXT("R", o, "threads", "0", "state");
	EXPECT_REAL(97.5, o, "threads", "0", "cpu_pct");
	EXPECT_COUNT(99, o, "threads", "0", "samples");
	EXPECT_TEXT("run", o, "threads", "0", "function");
	EXPECT_NULL(o, "threads", "1", "cpu_pct");
	EXPECT_NULL(o, "threads", "1", "samples");
	EXPECT_NULL(o, "threads", "1", "function");
	release(o, line, snapshot);
}

Test(json, modules_are_the_damaged_ones_and_files_are_all)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);

	cr_expect_eq(json_array_size(AT(o, "modules")), 1);
	EXPECT_TEXT("libx.so", o, "modules", "0", "name");
	cr_expect_eq(json_array_size(AT(o, "files")), 2);
	EXPECT_TEXT("/bin/program", o, "files", "0", "path");
	EXPECT_TEXT("ok", o, "files", "0", "state");
	EXPECT_TEXT("c0ffee", o, "files", "0", "build_id");
	EXPECT_TEXT("dwarf", o, "files", "0", "names");
	EXPECT_TEXT("CFI", o, "files", "0", "unwinding");
	EXPECT_COUNT(71, o, "files", "0", "self_samples");
	EXPECT_REAL(35.5, o, "files", "0", "self_pct");
	EXPECT_COUNT(3, o, "files", "0", "broken_stacks");
	EXPECT_NULL(o, "files", "1", "build_id");
	EXPECT_NULL(o, "files", "1", "names");
	EXPECT_NULL(o, "files", "1", "unwinding");
	EXPECT_NULL(o, "files", "1", "self_pct");
	release(o, line, snapshot);
}

Test(json, ledger)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line), *ledger = AT(o, "ledger");

	EXPECT_COUNT(10, ledger, "channels", "0", "produced");
	EXPECT_COUNT(7, ledger, "channels", "0", "consumed");
	EXPECT_COUNT(3, ledger, "channels", "0", "lost");
	EXPECT_COUNT(4096, ledger, "channels", "0", "capacity_bytes");
	EXPECT_COUNT(128, ledger, "channels", "0", "used_bytes");
	EXPECT_COUNT(64, ledger, "maps", "0", "capacity");
	EXPECT_NULL(ledger, "maps", "0", "used");
	EXPECT_COUNT(2, ledger, "maps", "0", "refused");
	EXPECT_COUNT(4096, ledger, "maps", "0", "memory_bytes");
	EXPECT_NULL(ledger, "maps_memory_bytes");
	EXPECT_TEXT("malloc", ledger, "probes", "0", "function");
	EXPECT_COUNT(0x98930, ledger, "probes", "0", "offset");
	EXPECT_COUNT(41, ledger, "probes", "0", "hits");
	EXPECT_REAL(8.5, ledger, "probes", "0", "hits_per_s");
	cr_expect(json_is_true(AT(ledger, "probes", "0", "emulated")));
	EXPECT_NULL(ledger, "probes", "0", "ns_per_hit");
	EXPECT_COUNT(51, ledger, "tracked_allocations");
	EXPECT_COUNT(52, ledger, "tracked_frees");
	EXPECT_COUNT(53, ledger, "failed_allocations");
	EXPECT_COUNT(54, ledger, "replaced");
	EXPECT_COUNT(55, ledger, "lost_returns");
	EXPECT_COUNT(56, ledger, "stacks_copied");
	EXPECT_COUNT(57, ledger, "stacks_unlearnt");
	EXPECT_COUNT(58, ledger, "worker_restarts");
	release(o, line, snapshot);
}

/* What is not tracked cannot be told from what is older, while allocations are sampled. */
Test(json, untracked_frees_of_sampled_books)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o;

	snapshot->heap.untracked_known = false;
	o = print(snapshot, &line);
	EXPECT_NULL(o, "heap", "untracked_frees");
	release(o, line, snapshot);
}

Test(json, target_overflow_and_overhead)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);

	EXPECT_COUNT(1, o, "schema");
	EXPECT_TEXT(PACKAGE_VERSION, o, "version");
	EXPECT_TEXT("2023-11-14T22:13:20.007Z", o, "time");
	EXPECT_REAL(5.125, o, "elapsed_s");
	EXPECT_COUNT(42, o, "target", "pid");
	EXPECT_TEXT("program", o, "target", "comm");
	EXPECT_TEXT("/usr/bin/program", o, "target", "exe");
	EXPECT_TEXT("running", o, "target", "state");
	EXPECT_COUNT(3, o, "target", "threads");
	EXPECT_COUNT(31, o, "overflow", "perf_lost");
	EXPECT_COUNT(32, o, "overflow", "perf_throttled");
	EXPECT_COUNT(33, o, "overflow", "ringbuf_dropped");
	EXPECT_COUNT(34, o, "overflow", "live_map_full");
	EXPECT_COUNT(35, o, "overflow", "site_map_full");
	EXPECT_REAL(1.5, o, "overhead", "target_pct");
	EXPECT_REAL(0.5, o, "overhead", "heap_pct");
	EXPECT_REAL(1.0, o, "overhead", "cpu_pct");
	EXPECT_REAL(1.25, o, "overhead", "trap_factor");
	EXPECT_REAL(0.5, o, "attach", "probes_s");
	EXPECT_REAL(0.25, o, "attach", "longest_s");
	EXPECT_REAL(0.125, o, "attach", "sampler_s");
	EXPECT_REAL(0.0625, o, "attach", "calibrated_s");
	EXPECT_REAL(5, o, "governor", "budget_pct");
	EXPECT_TEXT("out", o, "governor", "level");
	EXPECT_TEXT("too dear", o, "governor", "reason");
	EXPECT_COUNT(4096, o, "governor", "interval_least_bytes");
	EXPECT_COUNT(2, o, "governor", "sample_weight");
	cr_expect_eq(json_real_value(AT(o, "governor", "heap_share")), 0.5);
	EXPECT_COUNT(3, o, "governor", "steps");
	EXPECT_REAL(0.25, o, "overhead", "self_cpu_pct");
	EXPECT_COUNT(8192, o, "overhead", "self_rss_bytes");
	release(o, line, snapshot);
}

Test(json, cpu)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);

	EXPECT_TEXT("on", o, "cpu", "state");
	EXPECT_TEXT("user code only", o, "cpu", "reason");
	EXPECT_TEXT("cpu-clock", o, "cpu", "event");
	EXPECT_COUNT(99, o, "cpu", "frequency_hz");
	EXPECT_COUNT(495, o, "cpu", "samples");
	EXPECT_COUNT(490, o, "cpu", "stacks_complete");
	EXPECT_COUNT(12, o, "cpu", "stacks_guessed");
	EXPECT_COUNT(12, o, "cpu", "stacks_copied");
	cr_expect_eq(json_real_value(AT(o, "cpu", "unwind_ns_per_frame")), 127.5);
	EXPECT_COUNT(483, o, "cpu", "unwind_check", "equal");
	EXPECT_COUNT(2, o, "cpu", "unwind_check", "different");
	cr_expect_eq(json_array_size(AT(o, "cpu", "functions")), 2);
	EXPECT_TEXT("hot", o, "cpu", "functions", "0", "name");
	EXPECT_TEXT("program", o, "cpu", "functions", "0", "module");
	EXPECT_TEXT("/src/hot.c", o, "cpu", "functions", "0", "file");
	EXPECT_COUNT(3, o, "cpu", "functions", "0", "line");
	EXPECT_COUNT(400, o, "cpu", "functions", "0", "self_samples");
	EXPECT_COUNT(450, o, "cpu", "functions", "0", "total_samples");
	EXPECT_REAL(80.8, o, "cpu", "functions", "0", "self_pct");
	EXPECT_REAL(90.9, o, "cpu", "functions", "0", "total_pct");
	EXPECT_TEXT("[unknown]", o, "cpu", "functions", "1", "module");
	EXPECT_NULL(o, "cpu", "functions", "1", "file");
	EXPECT_NULL(o, "cpu", "functions", "1", "line");
	release(o, line, snapshot);
}

Test(json, heap)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);
	json_t *heap = AT(o, "heap");

	EXPECT_TEXT("on", heap, "state");
	EXPECT_TEXT("limited", heap, "reason");
	EXPECT_TEXT("sampled", heap, "mode");
	EXPECT_COUNT(524288, heap, "interval_bytes");
	EXPECT_TEXT("glibc", heap, "allocators", "0", "name");
	EXPECT_TEXT("libc.so.6", heap, "allocators", "0", "module");
	EXPECT_COUNT(6, heap, "allocators", "0", "probes");
	EXPECT_COUNT(21, heap, "live_bytes");
	EXPECT_COUNT(22, heap, "live_objects");
	EXPECT_COUNT(23, heap, "alloc_bytes");
	EXPECT_COUNT(24, heap, "alloc_objects");
	EXPECT_COUNT(25, heap, "freed_bytes");
	EXPECT_COUNT(26, heap, "freed_objects");
	EXPECT_COUNT(27, heap, "untracked_frees");
	EXPECT_COUNT(4096, heap, "rss_bytes");
	release(o, line, snapshot);
}

Test(json, sites)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o = print(snapshot, &line);
	json_t *site = AT(o, "heap", "sites", "0");
	json_t *stack = AT(site, "stacks", "0");

	EXPECT_TEXT("grow", site, "function");
	EXPECT_TEXT("program", site, "module");
	EXPECT_TEXT("/src/grow.c", site, "file");
	EXPECT_COUNT(17, site, "line");
	EXPECT_COUNT(1, site, "live_bytes");
	EXPECT_COUNT(2, site, "live_objects");
	EXPECT_COUNT(3, site, "alloc_bytes");
	EXPECT_COUNT(4, site, "alloc_objects");
	EXPECT_COUNT(5, site, "freed_bytes");
	EXPECT_COUNT(6, site, "freed_objects");
	EXPECT_COUNT(7, site, "peak_bytes");
	EXPECT_REAL(-8.25, site, "growth_bytes_per_s");
	EXPECT_REAL(75.5, site, "oldest_s");
	EXPECT_REAL(30.5, site, "alloc_bytes_per_s");
	EXPECT_REAL(31.5, site, "alloc_objects_per_s");
	EXPECT_REAL(32.5, site, "freed_bytes_per_s");
	EXPECT_REAL(33.5, site, "freed_objects_per_s");
	expect_keys(AT(site, "leak"), "level score evidence slope_bytes_per_s "
				      "slope_ci_bytes_per_s windows_grown windows");
	EXPECT_TEXT("MED", site, "leak", "level");
	EXPECT_REAL(61.5, site, "leak", "score");
	EXPECT_TEXT("grew", site, "leak", "evidence");
	EXPECT_REAL(40.5, site, "leak", "slope_bytes_per_s");
	EXPECT_REAL(1.5, site, "leak", "slope_ci_bytes_per_s");
	EXPECT_COUNT(11, site, "leak", "windows_grown");
	EXPECT_COUNT(12, site, "leak", "windows");
	cr_expect_eq(json_array_size(AT(site, "ages")), AGE_BUCKETS);
	expect_keys(AT(site, "ages", "3"), "from_s live_bytes live_objects");
	EXPECT_REAL(60.0, site, "ages", "3", "from_s");
	EXPECT_COUNT(50, site, "ages", "3", "live_bytes");
	EXPECT_COUNT(5, site, "ages", "3", "live_objects");
	cr_expect_eq(json_array_size(AT(site, "sizes")), SIZE_BUCKETS);
	expect_keys(AT(site, "sizes", "1"), "from_bytes live_bytes live_objects");
	EXPECT_COUNT(64, site, "sizes", "1", "from_bytes");
	EXPECT_COUNT(50, site, "sizes", "1", "live_bytes");
	EXPECT_COUNT(5, site, "sizes", "1", "live_objects");
	EXPECT_COUNT(10, stack, "live_bytes");
	EXPECT_COUNT(11, stack, "live_objects");
	EXPECT_TEXT("grow", stack, "frames", "0", "function");
	EXPECT_TEXT("program", stack, "frames", "0", "module");
	EXPECT_TEXT("/src/grow.c", stack, "frames", "0", "file");
	EXPECT_COUNT(17, stack, "frames", "0", "line");
	cr_expect(json_is_true(AT(stack, "frames", "0", "inlined")));
	EXPECT_NULL(stack, "frames", "1", "file");
	EXPECT_NULL(stack, "frames", "1", "line");
	cr_expect(json_is_false(AT(stack, "frames", "1", "inlined")));
	release(o, line, snapshot);
}

Test(json, unknown_is_null)
{
	struct snapshot *snapshot = empty_snapshot();
	char *line;
	json_t *o;

	snapshot->target.exited = true;
	snapshot->heap.mode = "exact";
	snapshot->overhead.self_cpu_pct = INFINITY;
	snapshot->site_count = 1;
	snapshot->sites = xcalloc_aligned(1, sizeof(*snapshot->sites), SNAPSHOT_ROW_ALIGNMENT);
	snapshot->sites[0].oldest_s = NAN;
	snapshot->sites[0].leak.slope_bytes_per_s = NAN;
	snapshot->sites[0].leak.slope_half_width = NAN;
	o = print(snapshot, &line);
	EXPECT_NULL(o, "target", "comm");
	EXPECT_NULL(o, "target", "exe");
	EXPECT_TEXT("exited", o, "target", "state");
	EXPECT_TEXT("off", o, "cpu", "state");
	EXPECT_NULL(o, "cpu", "reason");
	EXPECT_NULL(o, "cpu", "event");
	EXPECT_TEXT("off", o, "heap", "state");
	EXPECT_NULL(o, "heap", "reason");
	EXPECT_NULL(o, "heap", "mode");
	EXPECT_NULL(o, "heap", "interval_bytes");
	EXPECT_NULL(o, "heap", "live_bytes");
	EXPECT_NULL(o, "heap", "live_ci_bytes");
	EXPECT_NULL(o, "heap", "alloc_objects");
	EXPECT_NULL(o, "heap", "freed_bytes");
	EXPECT_NULL(o, "heap", "untracked_frees");
	EXPECT_NULL(o, "overhead", "target_pct");
	EXPECT_NULL(o, "overhead", "heap_pct");
	EXPECT_NULL(o, "overhead", "cpu_pct");
	EXPECT_NULL(o, "overhead", "self_cpu_pct");
	cr_expect_eq(json_array_size(AT(o, "cpu", "functions")), 0);
	EXPECT_NULL(o, "heap", "sites", "0", "function");
	EXPECT_NULL(o, "heap", "sites", "0", "oldest_s");
	EXPECT_NULL(o, "heap", "sites", "0", "ages");
	EXPECT_NULL(o, "heap", "sites", "0", "sizes");
	EXPECT_TEXT("none", o, "heap", "sites", "0", "leak", "level");
	EXPECT_NULL(o, "heap", "sites", "0", "leak", "evidence");
	EXPECT_NULL(o, "heap", "sites", "0", "leak", "slope_bytes_per_s");
	EXPECT_NULL(o, "heap", "sites", "0", "leak", "slope_ci_bytes_per_s");
	cr_expect_eq(json_array_size(AT(o, "heap", "allocators")), 0);
	release(o, line, snapshot);
}

Test(json, hostile_names)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o;

	snapshot->target.comm = "\xff\033x";
	snapshot->target.exe = "/a\nb\t\"\\\u202e\xc2\x9b";
	snapshot->functions[0].name = "gr\u00fc\u00dfe";
	o = print(snapshot, &line);
	EXPECT_TEXT("\\xff\\x1bx", o, "target", "comm");
	EXPECT_TEXT("/a\nb\t\"\\\u202e\xc2\x9b", o, "target", "exe");
	EXPECT_TEXT("gr\u00fc\u00dfe", o, "cpu", "functions", "0", "name");
	for (const char *next = line; *next; next++)
		cr_assert((*next >= 0x20 && *next < 0x7f) || *next == '\n');
	release(o, line, snapshot);
}

Test(json, large_numbers)
{
	struct snapshot *snapshot = full_snapshot();
	char *line;
	json_t *o;

	snapshot->heap.live_bytes = UINT64_MAX - 1;
	snapshot->heap.alloc_bytes = INT64_MAX;
	snapshot->sites[0].growth_bytes_per_s = 12345678901.5;
	o = print(snapshot, &line);
	EXPECT_COUNT(INT64_MAX, o, "heap", "live_bytes");
	EXPECT_COUNT(INT64_MAX, o, "heap", "alloc_bytes");
	EXPECT_REAL(12345678901.5, o, "heap", "sites", "0", "growth_bytes_per_s");
	cr_expect_not_null(strstr(line, "\"self_pct\":80.8,"));
	release(o, line, snapshot);
}

Test(json, write_error_is_returned)
{
	struct snapshot *snapshot = full_snapshot();
	FILE *full = fopen("/dev/full", "w");

	cr_assert_not_null(full);
	cr_expect_eq(json_print(full, snapshot), -ENOSPC);
	fclose(full);
	snapshot_free(snapshot);
}
