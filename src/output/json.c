/*
 * The snapshot in schema 1: each function fills one object of it, its keys in the schema's order.
 */
#include "config.h"

#include "output/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "err.h"
#include "output/json_growth.h"
#include "output/json_heap.h"
#include "output/json_ledger.h"
#include "output/json_modules.h"
#include "output/json_put.h"
#include "output/json_threads.h"

/* Rates to the byte up to a terabyte, without the noise of binary fractions. */
enum { REAL_DIGITS = 12 };

/* A terminal may be at the other end: nothing but ASCII leaves no control character to it. */
static const size_t dump_flags =
    JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(REAL_DIGITS);

static void put_time(json_t *object, const struct timespec *time)
{
	char seconds[48];
	char text[64];
	struct tm utc;

	if (!gmtime_r(&time->tv_sec, &utc) ||
	    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
		json_put(object, "time", json_null());
		return;
	}
	snprintf(text, sizeof(text), "%s.%03ldZ", seconds, time->tv_nsec / 1000000);
	json_put_text(object, "time", text);
}

static json_t *target_object(const struct snapshot_target *target)
{
	json_t *object = json_checked(json_object());

	json_put_count(object, "pid", (uint64_t)target->pid);
	json_put_text(object, "comm", target->comm);
	json_put_text(object, "exe", target->exe);
	json_put_text(object, "state", target->exited ? "exited" : "running");
	json_put_count(object, "threads", target->threads);
	return object;
}

static json_t *function_object(const struct snapshot_function *function)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "name", function->name);
	json_put_text(object, "module", function->module);
	json_put_place(object, function->file, function->line);
	json_put_count(object, "self_samples", function->self_samples);
	json_put_count(object, "total_samples", function->total_samples);
	json_put_real(object, "self_pct", function->self_pct);
	json_put_real(object, "total_pct", function->total_pct);
	return object;
}

static json_t *functions_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->function_count; i++)
		json_append(array, function_object(&snapshot->functions[i]));
	return array;
}

static json_t *check_object(const struct snapshot_cpu *cpu)
{
	json_t *object = json_checked(json_object());

	json_put_count(object, "equal", cpu->check_equal);
	json_put_count(object, "different", cpu->check_different);
	return object;
}

static json_t *cpu_object(const struct snapshot *snapshot)
{
	const struct snapshot_cpu *cpu = &snapshot->cpu;
	json_t *object = json_checked(json_object());

	json_put_state(object, cpu->state);
	json_put_text(object, "reason", cpu->reason);
	json_put_text(object, "event", cpu->event);
	json_put_count(object, "frequency_hz", cpu->frequency_hz);
	json_put_count(object, "samples", cpu->samples);
	json_put_count(object, "stacks_complete", cpu->stacks_complete);
	json_put_count(object, "stacks_guessed", cpu->stacks_guessed);
	json_put_count(object, "stacks_copied", cpu->stacks_copied);
	json_put_real(object, "unwind_ns_per_frame", cpu->unwind_ns_per_frame);
	json_put(object, "unwind_check", cpu->checked ? check_object(cpu) : json_null());
	json_put(object, "functions", functions_array(snapshot));
	return object;
}

static json_t *overflow_object(const struct snapshot_overflow *overflow)
{
	json_t *object = json_checked(json_object());

	json_put_count(object, "perf_lost", overflow->perf_lost);
	json_put_count(object, "perf_throttled", overflow->perf_throttled);
	json_put_count(object, "ringbuf_dropped", overflow->ringbuf_dropped);
	json_put_count(object, "live_map_full", overflow->live_map_full);
	json_put_count(object, "site_map_full", overflow->site_map_full);
	json_put_count(object, "debug_files_missing", overflow->debug_files_missing);
	json_put_count(object, "probes_refused", overflow->probes_refused);
	return object;
}

static json_t *overhead_object(const struct snapshot_overhead *overhead)
{
	json_t *object = json_checked(json_object());

	json_put_real(object, "target_pct", overhead->target_pct);
	json_put_real(object, "heap_pct", overhead->heap_pct);
	json_put_real(object, "cpu_pct", overhead->cpu_pct);
	json_put_real(object, "trap_factor", overhead->trap_factor);
	json_put_real(object, "self_cpu_pct", overhead->self_cpu_pct);
	json_put_count(object, "self_rss_bytes", overhead->self_rss_bytes);
	return object;
}

static json_t *governor_object(const struct snapshot_governor *governor)
{
	json_t *object = json_checked(json_object());

	json_put_real(object, "budget_pct", governor->budget_pct);
	json_put_text(object, "level", governor->level);
	json_put_text(object, "reason", governor->reason);
	json_put_count(object, "interval_least_bytes", governor->interval_least_bytes);
	json_put_count(object, "sample_weight", governor->sample_weight);
	json_put_real(object, "heap_share", governor->heap_share);
	json_put(object, "heap_out", json_boolean(governor->heap_out));
	json_put_count(object, "steps", governor->steps);
	return object;
}

static json_t *attach_object(const struct snapshot_attach *attach)
{
	json_t *object = json_checked(json_object());

	json_put_real(object, "probes_s", attach->probes_s);
	json_put_real(object, "longest_s", attach->longest_s);
	json_put_real(object, "sampler_s", attach->sampler_s);
	json_put_real(object, "calibrated_s", attach->calibrated_s);
	return object;
}

int json_print(FILE *out, const struct snapshot *snapshot)
{
	json_t *object = json_checked(json_object());
	char *line;

	json_put_count(object, "schema", 1);
	json_put_text(object, "version", PACKAGE_VERSION);
	put_time(object, &snapshot->time);
	json_put_real(object, "elapsed_s", snapshot->elapsed_s);
	json_put(object, "target", target_object(&snapshot->target));
	json_put(object, "cpu", cpu_object(snapshot));
	json_put(object, "heap", json_heap(snapshot));
	json_put(object, "growth", json_growth(snapshot));
	json_put(object, "modules", json_modules(snapshot));
	json_put(object, "overflow", overflow_object(&snapshot->overflow));
	json_put(object, "ledger", json_ledger(snapshot));
	json_put(object, "overhead", overhead_object(&snapshot->overhead));
	json_put(object, "files", json_files(snapshot));
	json_put(object, "threads", json_threads(snapshot));
	json_put(object, "governor", governor_object(&snapshot->governor));
	json_put(object, "attach", attach_object(&snapshot->attach));
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
