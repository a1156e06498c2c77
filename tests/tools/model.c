#include "config.h"

#include "model_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "profile/combined.h"
#include "profile/cpu_profile.h"
#include "profile/runtime.h"
#include "profile/site_modules.h"

enum { SAMPLES_A_SECOND = 990, OBJECT_BYTES = 96 };

/* 2024-01-02 03:04:05 UTC */
static const time_t start_time = 1704164645;

const char *model_scene_name(enum model_scene scene)
{
	static const char *const names[MODEL_SCENES] = {
	    [MODEL_BUSY] = "busy", [MODEL_HOSTILE] = "hostile", [MODEL_LOSSY] = "lossy",
	    [MODEL_BARE] = "bare", [MODEL_EXITED] = "exited",
	};

	return names[scene];
}

/* splitmix64 */
static uint64_t next_random(struct model *model)
{
	uint64_t mixed = model->random += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* 0 to 1, without the latter. */
static double next_share(struct model *model)
{
	return (double)(next_random(model) >> 11) * 0x1p-53;
}

size_t model_caller(const struct model *model, size_t row)
{
	int caller = row < model->name_count ? model->names[row].caller : -1;

	return caller < 0 || (size_t)caller >= model->rows ? MODEL_NONE : (size_t)caller;
}

bool model_is_site(const struct model *model, size_t row)
{
	const struct snapshot_site *site = &model->sites[row];

	if (row >= model->name_count || model->scene == MODEL_HOSTILE)
		return true;
	return site->module[0] != '[' && !runtime_frame(site->function, site->module);
}

static void make_rows(struct model *model, size_t rows)
{
	size_t count;
	const struct model_name *names = model_names(model->scene == MODEL_HOSTILE, &count);

	model->names = names;
	model->name_count = count;

	model->rows = rows ? rows : count;
	model->made_names = xcalloc(model->rows + 1, sizeof(*model->made_names));
	model->functions = xcalloc_aligned(model->rows, sizeof(*model->functions), SNAPSHOT_ROW_ALIGNMENT);
	model->self = xcalloc(model->rows, sizeof(*model->self));
	model->total = xcalloc(model->rows, sizeof(*model->total));
	model->sites = xcalloc_aligned(model->rows, sizeof(*model->sites), SNAPSHOT_ROW_ALIGNMENT);
	model->marked_bytes = xcalloc(model->rows, sizeof(*model->marked_bytes));
	model->zeroed_alloc = xcalloc(model->rows, sizeof(*model->zeroed_alloc));
	model->zeroed_freed = xcalloc(model->rows, sizeof(*model->zeroed_freed));
	for (size_t i = 0; i < model->rows; i++) {
		struct model_name name = names[i % count];

		if (i >= count) {
			if (asprintf(&model->made_names[i], "%s::part_%zu", name.function, i) < 0)
				out_of_memory();
			name.function = model->made_names[i];
		}
		model->functions[i] = (struct snapshot_function){
		    .id = cpu_profile_function_id(name.function, name.module),
		    .name = name.function,
		    .module = name.module,
		    .file = name.file,
		    .line = name.line,
		    .inlined = name.inlined,
		    .kernel = strcmp(name.module, "[kernel]") == 0,
		};
		model->sites[i] = (struct snapshot_site){
		    .id = i + 1,
		    .function = name.function,
		    .module = name.module,
		    .file = name.file,
		    .line = name.line,
		    .leak = {.level = i == 1   ? LEAK_HIGH
				      : i == 4 ? LEAK_MEDIUM
				      : i == 6 ? LEAK_CONST
					       : LEAK_NONE,
			     .score = i == 1   ? 96.0
				      : i == 4 ? 55.0
					       : 0.0,
			     .slope_bytes_per_s = i == 1   ? 65536.0
						  : i == 4 ? 4096.0
							   : 0.0,
			     .slope_half_width = i == 1 ? 512.0 : 64.0,
			     .windows = 12,
			     .windows_grown = i == 1 ? 12 : 7},
		};
		snprintf(model->sites[i].leak.evidence, sizeof(model->sites[i].leak.evidence), "%s",
			 i == 1	  ? "grew in 12 of 12 windows; nothing was freed"
			 : i == 4 ? "grew in 7 of 12 windows; its growth slows down"
				  : "");
		for (size_t part = 0; part < SNAPSHOT_TREND; part++)
			model->sites[i].trend[part] = (double)NAN;
	}
}

struct model *model_new(enum model_scene scene, size_t rows, uint64_t seed)
{
	struct model *model = xcalloc(1, sizeof(*model));

	model->scene = scene;
	model->random = seed;
	make_rows(model, rows);
	model->calls = model_calls_new(model);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->rows; i++)
		free(model->made_names[i]);
	free(model->made_names);
	model_calls_free(model->calls);
	free(model->functions);
	free(model->self);
	free(model->total);
	free(model->sites);
	free(model->marked_bytes);
	free(model->zeroed_alloc);
	free(model->zeroed_freed);
	free(model);
}

/* A function's samples of this second: Zipf's law, and some of them come and go. */
static void step_function(struct model *model, size_t index)
{
	struct snapshot_function *function = &model->functions[index];
	double expected = SAMPLES_A_SECOND * 0.25 / (double)(index + 1);
	double wave = index % 3 == 1 ? 1 + sin(model->seconds * 0.4 + (double)index) : 1;
	uint64_t self = (uint64_t)(expected * wave * (0.7 + 0.6 * next_share(model)) + 0.5);

	function->self_samples += self;
	sample_counts_add(&model->self[index], &model->clock, self);
	sample_counts_add(&model->all, &model->clock, self);
	for (size_t at = index; at != MODEL_NONE; at = model_caller(model, at)) {
		model->functions[at].total_samples += self;
		sample_counts_add(&model->total[at], &model->clock, self);
	}
	model->samples += self;
	if (function->kernel)
		model->kernel_samples += self;
}

/* Half of what is live is of the last ten seconds, most of the rest of the last minute. */
static void fill_ages(const struct model *model, struct snapshot_site *site)
{
	static const double shares[AGE_BUCKETS] = {
	    [AGE_0S] = 0.125, [AGE_1S] = 0.375, [AGE_10S] = 0.4375, [AGE_1MIN] = 0.0625};

	site->ages_known = true;
	for (enum age_bucket bucket = AGE_0S; bucket < AGE_BUCKETS; bucket++)
		site->ages.bytes[bucket] = shares[bucket] * (double)site->live_bytes;
	site->oldest_s = 61 + model->seconds;
	site->sizes = (struct sizes){{0}, {0}};
	sizes_add(&site->sizes, OBJECT_BYTES, (double)site->live_bytes, (double)site->live_objects);
}

static void step_site(struct model *model, size_t index)
{
	struct snapshot_site *site = &model->sites[index];
	uint64_t before = site->live_bytes;
	uint64_t objects = (uint64_t)(8192.0 * (0.5 + next_share(model))) / (index + 1) + 1;
	bool keeps = index == 1 || (index == 4 && model->seconds % 2) || model->seconds < 3;
	uint64_t freed = keeps ? objects / 8 : site->live_objects / 3;

	site->alloc_objects += objects;
	site->freed_objects += freed;
	site->live_objects += objects - freed;
	site->alloc_bytes = site->alloc_objects * OBJECT_BYTES;
	site->freed_bytes = site->freed_objects * OBJECT_BYTES;
	site->live_bytes = site->live_objects * OBJECT_BYTES;
	if (site->live_bytes > site->peak_bytes)
		site->peak_bytes = site->live_bytes;
	site->growth_bytes_per_s = (double)site->live_bytes - (double)before;
	site->alloc_bytes_per_s = (double)(objects * OBJECT_BYTES);
	site->alloc_objects_per_s = (double)objects;
	site->freed_bytes_per_s = (double)(freed * OBJECT_BYTES);
	site->freed_objects_per_s = (double)freed;
	fill_ages(model, site);
	memmove(site->trend, site->trend + 1, sizeof(site->trend) - sizeof(site->trend[0]));
	site->trend[SNAPSHOT_TREND - 1] = (double)site->live_bytes;
}

void model_step(struct model *model)
{
	model->seconds++;
	sample_clock_end_refresh(&model->clock);
	sample_clock_set(&model->clock, model->seconds);
	for (size_t i = 0; i < model->rows; i++) {
		step_function(model, i);
		step_site(model, i);
	}
}

static void each_totals(struct model *model, void (*use)(struct sample_totals *totals))
{
	use(&model->all.totals);
	for (size_t i = 0; i < model->rows; i++) {
		use(&model->self[i].totals);
		use(&model->total[i].totals);
	}
}

void model_zero(struct model *model)
{
	each_totals(model, sample_totals_zero);
	for (size_t i = 0; i < model->rows; i++) {
		model->zeroed_alloc[i] = model->sites[i].alloc_bytes;
		model->zeroed_freed[i] = model->sites[i].freed_bytes;
	}
	model->zeroed_at = model->seconds;
}

void model_undo_zero(struct model *model)
{
	each_totals(model, sample_totals_undo_zero);
	memset(model->zeroed_alloc, 0, model->rows * sizeof(*model->zeroed_alloc));
	memset(model->zeroed_freed, 0, model->rows * sizeof(*model->zeroed_freed));
	model->zeroed_at = 0;
}

void model_mark(struct model *model, bool marked)
{
	model->marked_at = marked ? model->seconds : 0;
	if (!marked)
		return;
	each_totals(model, sample_totals_mark);
	for (size_t i = 0; i < model->rows; i++)
		model->marked_bytes[i] = model->sites[i].live_bytes;
}

void model_set_group(struct model *model, enum snapshot_group group)
{
	model->group = group;
}

struct snapshot *model_snapshot(const struct model *model, const struct snapshot_request *request)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	snapshot->request = *request;
	snapshot->time.tv_sec = start_time + (time_t)model->seconds;
	snapshot->elapsed_s = model->seconds;
	snapshot->reset_s = model->zeroed_at ? model->seconds - model->zeroed_at : (double)NAN;
	snapshot->baseline_s = model->marked_at ? model->seconds - model->marked_at : (double)NAN;
	model_fill_process(model, snapshot);
	model_fill_cpu(model, snapshot);
	model_fill_heap(model, snapshot);
	model_fill_health(model, snapshot);
	model_fill_calls(model, snapshot);
	model_fill_source(model, snapshot);
	if (request->combined)
		snapshot_fill_combined(snapshot);
	if (snapshot->group == GROUP_MODULE)
		snapshot_fill_site_modules(snapshot);
	return snapshot;
}
