/*
 * The snapshot in schema 1: each function fills one object of it, its keys in the schema's order.
 * Names are the target's, so they may be no UTF-8 at all.
 */
#include "config.h"

#include "output/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fmt.h"

/* Rates to the byte up to a terabyte, without the noise of binary fractions. */
enum { REAL_DIGITS = 12 };

/* A terminal may be at the other end: nothing but ASCII leaves no control character to it. */
static const size_t dump_flags =
    JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(REAL_DIGITS);

static json_t *checked(json_t *value)
{
	if (!value)
		out_of_memory();
	return value;
}

static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, checked(value)) < 0)
		out_of_memory();
}

/* jansson refuses what is not UTF-8; then the bytes in question are escaped. */
static json_t *sanitised(const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *harmless = xcalloc(size, 1);
	json_t *value = json_string(fmt_harmless(harmless, size, text));

	free(harmless);
	return value;
}

static void put_text(json_t *object, const char *key, const char *text)
{
	json_t *value;

	if (!text) {
		put(object, key, json_null());
		return;
	}
	value = json_string(text);
	put(object, key, value ? value : sanitised(text));
}

static void put_count(json_t *object, const char *key, uint64_t count)
{
	put(object, key, json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
}

/* JSON has neither NAN nor infinity. */
static void put_real(json_t *object, const char *key, double value)
{
	put(object, key, isfinite(value) ? json_real(value) : json_null());
}

static void put_state(json_t *object, enum channel_state state)
{
	put_text(object, "state", state == CHANNEL_ON ? "on" : "off");
}

/* A line without a file says nothing. */
static void put_place(json_t *object, const char *file, unsigned line)
{
	put_text(object, "file", file);
	if (file && line > 0)
		put_count(object, "line", line);
	else
		put(object, "line", json_null());
}

static void put_time(json_t *object, const struct timespec *time)
{
	char seconds[48];
	char text[64];
	struct tm utc;

	if (!gmtime_r(&time->tv_sec, &utc) ||
	    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
		put(object, "time", json_null());
		return;
	}
	snprintf(text, sizeof(text), "%s.%03ldZ", seconds, time->tv_nsec / 1000000);
	put_text(object, "time", text);
}

static json_t *target_object(const struct snapshot_target *target)
{
	json_t *object = checked(json_object());

	put_count(object, "pid", (uint64_t)target->pid);
	put_text(object, "comm", target->comm);
	put_text(object, "exe", target->exe);
	put_text(object, "state", target->exited ? "exited" : "running");
	put_count(object, "threads", target->threads);
	return object;
}

static json_t *function_object(const struct snapshot_function *function)
{
	json_t *object = checked(json_object());

	put_text(object, "name", function->name);
	put_text(object, "module", function->module);
	put_place(object, function->file, function->line);
	put_count(object, "self_samples", function->self_samples);
	put_count(object, "total_samples", function->total_samples);
	put_real(object, "self_pct", function->self_pct);
	put_real(object, "total_pct", function->total_pct);
	return object;
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, checked(value)) < 0)
		out_of_memory();
}

static json_t *functions_array(const struct snapshot *snapshot)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < snapshot->function_count; i++)
		append(array, function_object(&snapshot->functions[i]));
	return array;
}

static json_t *check_object(const struct snapshot_cpu *cpu)
{
	json_t *object = checked(json_object());

	put_count(object, "equal", cpu->check_equal);
	put_count(object, "different", cpu->check_different);
	return object;
}

static json_t *cpu_object(const struct snapshot *snapshot)
{
	const struct snapshot_cpu *cpu = &snapshot->cpu;
	json_t *object = checked(json_object());

	put_state(object, cpu->state);
	put_text(object, "reason", cpu->reason);
	put_text(object, "event", cpu->event);
	put_count(object, "frequency_hz", cpu->frequency_hz);
	put_count(object, "samples", cpu->samples);
	put_count(object, "stacks_complete", cpu->stacks_complete);
	put_count(object, "stacks_guessed", cpu->stacks_guessed);
	put_count(object, "stacks_copied", cpu->stacks_copied);
	put_real(object, "unwind_ns_per_frame", cpu->unwind_ns_per_frame);
	put(object, "unwind_check", cpu->checked ? check_object(cpu) : json_null());
	put(object, "functions", functions_array(snapshot));
	return object;
}

static json_t *allocators_array(const struct snapshot *snapshot)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < snapshot->allocator_count; i++) {
		json_t *object = checked(json_object());

		put_text(object, "name", snapshot->allocators[i].name);
		put_text(object, "module", snapshot->allocators[i].module);
		put_count(object, "probes", snapshot->allocators[i].probes);
		append(array, object);
	}
	return array;
}

static json_t *frame_object(const struct snapshot_frame *frame)
{
	json_t *object = checked(json_object());

	put_text(object, "function", frame->function);
	put_text(object, "module", frame->module);
	put_place(object, frame->file, frame->line);
	put(object, "inlined", json_boolean(frame->inlined));
	return object;
}

static json_t *stacks_array(const struct snapshot_site *site)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < site->stack_count; i++) {
		const struct snapshot_stack *stack = &site->stacks[i];
		json_t *object = checked(json_object());
		json_t *frames = checked(json_array());

		for (size_t f = 0; f < stack->frame_count; f++)
			append(frames, frame_object(&stack->frames[f]));
		put_count(object, "live_bytes", stack->live_bytes);
		put_count(object, "live_objects", stack->live_objects);
		put(object, "frames", frames);
		append(array, object);
	}
	return array;
}

static json_t *site_object(const struct snapshot_site *site)
{
	json_t *object = checked(json_object());

	put_text(object, "function", site->function);
	put_text(object, "module", site->module);
	put_place(object, site->file, site->line);
	put_count(object, "live_bytes", site->live_bytes);
	put_count(object, "live_objects", site->live_objects);
	put_count(object, "alloc_bytes", site->alloc_bytes);
	put_count(object, "alloc_objects", site->alloc_objects);
	put_count(object, "freed_bytes", site->freed_bytes);
	put_count(object, "freed_objects", site->freed_objects);
	put_count(object, "peak_bytes", site->peak_bytes);
	put_real(object, "growth_bytes_per_s", site->growth_bytes_per_s);
	/* The ages of objects are not read yet at a refresh: unknown. */
	put(object, "oldest_s", json_null());
	put(object, "stacks", stacks_array(site));
	return object;
}

static json_t *sites_array(const struct snapshot *snapshot)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < snapshot->site_count; i++)
		append(array, site_object(&snapshot->sites[i]));
	return array;
}

static json_t *heap_object(const struct snapshot *snapshot)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	json_t *object = checked(json_object());

	put_state(object, heap->state);
	put_text(object, "reason", heap->reason);
	put_text(object, "mode", heap->state == CHANNEL_ON ? heap->mode : NULL);
	put_count(object, "interval_bytes", heap->interval_bytes);
	put(object, "allocators", allocators_array(snapshot));
	put_count(object, "live_bytes", heap->live_bytes);
	put_count(object, "live_objects", heap->live_objects);
	put_count(object, "alloc_bytes", heap->alloc_bytes);
	put_count(object, "alloc_objects", heap->alloc_objects);
	put_count(object, "freed_bytes", heap->freed_bytes);
	put_count(object, "freed_objects", heap->freed_objects);
	put_count(object, "untracked_frees", heap->untracked_frees);
	put_count(object, "rss_bytes", snapshot->target.rss_bytes);
	put(object, "sites", sites_array(snapshot));
	return object;
}

static json_t *overflow_object(const struct snapshot_overflow *overflow)
{
	json_t *object = checked(json_object());

	put_count(object, "perf_lost", overflow->perf_lost);
	put_count(object, "perf_throttled", overflow->perf_throttled);
	put_count(object, "ringbuf_dropped", overflow->ringbuf_dropped);
	put_count(object, "live_map_full", overflow->live_map_full);
	put_count(object, "site_map_full", overflow->site_map_full);
	put_count(object, "debug_files_missing", overflow->debug_files_missing);
	return object;
}

static json_t *overhead_object(const struct snapshot_overhead *overhead)
{
	json_t *object = checked(json_object());

	put_real(object, "target_pct", overhead->target_pct);
	put_real(object, "heap_pct", overhead->heap_pct);
	put_real(object, "cpu_pct", overhead->cpu_pct);
	put_real(object, "self_cpu_pct", overhead->self_cpu_pct);
	put_count(object, "self_rss_bytes", overhead->self_rss_bytes);
	return object;
}

static json_t *modules_array(const struct snapshot *snapshot)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < snapshot->module_count; i++) {
		json_t *object = checked(json_object());

		put_text(object, "name", snapshot->modules[i].name);
		put_text(object, "path", snapshot->modules[i].path);
		put_text(object, "state", snapshot->modules[i].state);
		append(array, object);
	}
	return array;
}

int json_print(FILE *out, const struct snapshot *snapshot)
{
	json_t *object = checked(json_object());
	char *line;

	put_count(object, "schema", 1);
	put_text(object, "version", PACKAGE_VERSION);
	put_time(object, &snapshot->time);
	put_real(object, "elapsed_s", snapshot->elapsed_s);
	put(object, "target", target_object(&snapshot->target));
	put(object, "cpu", cpu_object(snapshot));
	put(object, "heap", heap_object(snapshot));
	put(object, "modules", modules_array(snapshot));
	put(object, "overflow", overflow_object(&snapshot->overflow));
	put(object, "overhead", overhead_object(&snapshot->overhead));
	line = json_dumps(object, dump_flags);
	json_decref(object);
	if (!line)
		out_of_memory();
	errno = 0;
	fputs(line, out);
	fputc('\n', out);
	free(line);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
