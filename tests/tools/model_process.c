/* What the model has of the process: its memory, its threads, the files that its code is of. */
#include "config.h"

#include "model_state.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "err.h"

enum { PID = 4127, THREADS = 24, MODULES_MOST = 16, LONG_SECONDS = 10 };

static const double cpu_pct = 318.0;

static void fill_target(const struct model *model, struct snapshot *snapshot)
{
	bool exited = model->scene == MODEL_EXITED;

	snapshot->target = (struct snapshot_target){
	    .pid = PID,
	    .comm = model->scene == MODEL_HOSTILE ? model_hostile_comm() : "ordersd",
	    .exe = "/usr/local/bin/ordersd",
	    .exited = exited,
	    .exit_status = exited ? SIGKILL : -1,
	    .threads = THREADS,
	    .up_s = exited ? (double)NAN : 7500.0 + model->seconds,
	    .cpu_pct = exited ? (double)NAN : cpu_pct,
	    .rss_bytes =
		(UINT64_C(512) << 20) + (model->seconds > LONG_SECONDS ? UINT64_C(64) << 20 : 0),
	};
}

static void fill_memory(const struct model *model, struct snapshot *snapshot)
{
	snapshot->memory = (struct snapshot_memory){
	    .rss_bytes = snapshot->target.rss_bytes,
	    .anonymous_bytes = UINT64_C(96) << 20,
	    .brk_bytes = SNAPSHOT_UNKNOWN,
	    .limit_bytes = SNAPSHOT_UNKNOWN,
	    .used_bytes = SNAPSHOT_UNKNOWN,
	    .growth_bytes_per_s = 4096.0,
	    .seconds_to_limit = (double)NAN,
	};
	for (unsigned part = 0; part < SNAPSHOT_TREND; part++)
		snapshot->memory.rss_trend[part] =
		    part + model->seconds / 5 < SNAPSHOT_TREND
			? (double)NAN
			: (double)(snapshot->target.rss_bytes >> 2 * (part < SNAPSHOT_TREND / 2));
	snapshot->growth.reason = "the heap is tracked";
}

/* What part of the CPU time a thread has, to that of the first one; every fifth sleeps. */
static double thread_weight(size_t thread)
{
	return thread % 5 == 4 ? 0 : 1 / (double)(thread + 1);
}

static void name_thread(const struct model *model, size_t number, struct snapshot_thread *row)
{
	static const struct {
		size_t first; /* thread that is called so */
		const char *name;
	} groups[] = {{12, "tokio-rt"}, {8, "audit"}, {1, "engine"}, {0, "ordersd"}};
	size_t group = 0;

	if (model->scene == MODEL_HOSTILE) {
		(void)strlcpy(row->name, model->names[number % model->name_count].function,
			      sizeof(row->name));
		return;
	}
	while (groups[group].first > number)
		group++;
	if (number == 0)
		(void)strlcpy(row->name, groups[group].name, sizeof(row->name));
	else
		snprintf(row->name, sizeof(row->name), "%s-%zu", groups[group].name,
			 number - groups[group].first);
}

static void fill_threads(const struct model *model, struct snapshot *snapshot)
{
	bool counted = model->scene != MODEL_BARE;
	double all = 0;

	snapshot->threads = xcalloc(THREADS, sizeof(*snapshot->threads));
	for (size_t i = 0; i < THREADS; i++)
		all += thread_weight(i);
	for (size_t i = 0; i < THREADS; i++) {
		struct snapshot_thread *row = &snapshot->threads[snapshot->thread_count++];
		double part = thread_weight(i) / all;

		row->tid = PID + (int)i;
		name_thread(model, i, row);
		row->state = part > 0 ? 'R' : 'S';
		row->cpu_pct = part * cpu_pct;
		row->samples = SNAPSHOT_UNKNOWN;
		row->alloc_bytes = counted ? (uint64_t)(part * 64e6) : SNAPSHOT_UNKNOWN;
		row->alloc_bytes_per_s = counted ? part * 2.1e6 : (double)NAN;
		row->samples_pct = (double)NAN;
		if (!counted)
			continue;
		row->samples = (uint64_t)(part * (double)model->samples);
		row->samples_pct = 100.0 * part;
		if (part > 0)
			row->function = model->names[i % model->name_count].function;
	}
}

static size_t find_module(const struct snapshot *snapshot, const char *name)
{
	size_t at = 0;

	while (at < snapshot->module_count && strcmp(snapshot->modules[at].name, name) != 0)
		at++;
	return at;
}

static struct snapshot_module about_module(const struct model *model, const char *name,
					   size_t number)
{
	bool file = name[0] != '[', kernel = strcmp(name, "[kernel]") == 0;
	bool own = file && number == 0, bad = model->scene == MODEL_LOSSY && number == 2;
	struct snapshot_module module = {
	    .id = number + 1,
	    .name = name,
	    .path = own ? "/usr/local/bin/ordersd" : name,
	    .state = bad ? "degraded" : "ok",
	    .names = kernel	   ? "kallsyms"
		     : !file	   ? "none"
		     : own	   ? "dwarf"
		     : number == 3 ? "debug file"
				   : "dynsym",
	    .unwinding = kernel ? NULL
			 : file ? number == 3 ? "CFI+code" : "CFI"
				: "none",
	};

	if (file)
		snprintf(module.build_id, sizeof(module.build_id), "%016llx%016llx",
			 0x9e3779b97f4a7c15ULL * (number + 1),
			 0xbf58476d1ce4e5b9ULL * (number + 3));
	return module;
}

static void fill_modules(const struct model *model, struct snapshot *snapshot)
{
	snapshot->modules = xcalloc(MODULES_MOST, sizeof(*snapshot->modules));
	for (size_t i = 0; i < model->rows && i < model->name_count; i++) {
		const struct snapshot_function *function = &model->functions[i];
		size_t at = find_module(snapshot, function->module);

		if (at == MODULES_MOST)
			break;
		if (at == snapshot->module_count)
			snapshot->modules[snapshot->module_count++] =
			    about_module(model, function->module, at);
		snapshot->modules[at].self_samples += function->self_samples;
	}
	for (size_t i = 0; i < snapshot->module_count; i++) {
		struct snapshot_module *module = &snapshot->modules[i];

		module->self_pct =
		    model->samples ? 100.0 * (double)module->self_samples / (double)model->samples
				   : (double)NAN;
		module->broken_stacks =
		    module->self_samples / (model->scene == MODEL_LOSSY ? 6 : 125);
	}
}

void model_fill_process(const struct model *model, struct snapshot *snapshot)
{
	fill_target(model, snapshot);
	fill_memory(model, snapshot);
	fill_modules(model, snapshot);
	if (snapshot->request.threads && !snapshot->target.exited)
		fill_threads(model, snapshot);
}
