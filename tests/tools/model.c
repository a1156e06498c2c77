#include "config.h"

#include "model.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "model_names.h"
#include "profile/kernel_fold.h"
#include "profile/sample_counts.h"

enum { SAMPLES_A_SECOND = 990, OBJECT_BYTES = 96, LONG_SECONDS = 10 };

/* 2024-01-02 03:04:05 UTC */
static const time_t start_time = 1704164645;

struct model {
	enum model_scene scene;
	uint64_t random;
	unsigned seconds;
	uint64_t samples, kernel_samples;
	size_t rows;
	char **made_names; /* owned, as the two arrays below */
	struct snapshot_function *functions;
	struct sample_counts *self, *total; /* of them */
	struct snapshot_site *sites;
	uint64_t *marked_bytes, *zeroed_alloc, *zeroed_freed; /* of them */
	struct sample_clock clock;
	struct sample_counts all;
	unsigned zeroed_at, marked_at; /* seconds; 0: never */
	enum snapshot_group group;
};

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

static void make_rows(struct model *model, size_t rows)
{
	size_t count;
	const struct model_name *names = model_names(model->scene == MODEL_HOSTILE, &count);

	model->rows = rows ? rows : count;
	model->made_names = xcalloc(model->rows + 1, sizeof(*model->made_names));
	model->functions = xcalloc(model->rows, sizeof(*model->functions));
	model->self = xcalloc(model->rows, sizeof(*model->self));
	model->total = xcalloc(model->rows, sizeof(*model->total));
	model->sites = xcalloc(model->rows, sizeof(*model->sites));
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
		    .id = i + 1,
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
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->rows; i++)
		free(model->made_names[i]);
	free(model->made_names);
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

	uint64_t total = self + (uint64_t)((double)self * (double)(index % 4) * 0.3);

	function->self_samples += self;
	function->total_samples += total;
	sample_counts_add(&model->self[index], &model->clock, self);
	sample_counts_add(&model->total[index], &model->clock, total);
	sample_counts_add(&model->all, &model->clock, self);
	model->samples += self;
	if (function->kernel)
		model->kernel_samples += self;
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
	site->ages_known = true;
	site->ages.bytes[AGE_1S] = (double)site->live_bytes;
	site->oldest_s = model->seconds;
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

static int by_self(const void *left, const void *right)
{
	const struct snapshot_function *a = left, *b = right;

	if (a->self_samples != b->self_samples)
		return a->self_samples < b->self_samples ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

static int by_live(const void *left, const void *right)
{
	const struct snapshot_site *a = left, *b = right;

	if (a->live_bytes != b->live_bytes)
		return a->live_bytes < b->live_bytes ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

/* What a row has by windows, and against the baseline. */
static void fill_windows(const struct model *model, size_t index, struct snapshot_function *row)
{
	struct sample_sums self = {.since_mark = 0}, total = self, all = self;

	sample_counts_sum(&model->self[index], &model->clock, &self);
	sample_counts_sum(&model->total[index], &model->clock, &total);
	sample_counts_sum(&model->all, &model->clock, &all);
	for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++)
		row->in[window] = (struct snapshot_samples){self.in[window], total.in[window]};
	row->change_pct = (double)NAN;
	if (model->marked_at && all.since_mark)
		row->change_pct = 100.0 * (double)self.since_mark / (double)all.since_mark -
				  100.0 * (double)self.before_mark / (double)all.before_mark;
	sample_counts_add_trend(&model->self[index], &model->clock, row->trend);
	for (size_t part = 0; part < SNAPSHOT_TREND; part++)
		if (sample_clock_parts(&model->clock) < SNAPSHOT_TREND - part)
			row->trend[part] = (double)NAN;
}

/* The rows of each module as one; the model knows no other lines than those of its functions. */
static void fill_group(const struct model *model, struct snapshot *snapshot)
{
	snapshot->group = model->group;
	if (model->group == GROUP_FUNCTION)
		return;
	snapshot->grouped = xcalloc(snapshot->function_count + 1, sizeof(*snapshot->grouped));
	for (size_t i = 0; i < snapshot->function_count; i++) {
		const struct snapshot_function *from = &snapshot->functions[i];
		struct snapshot_function *to = snapshot->grouped;
		size_t at = 0;

		while (model->group == GROUP_MODULE && at < snapshot->grouped_count &&
		       strcmp(to[at].module, from->module) != 0)
			at++;
		if (model->group == GROUP_LINE || at == snapshot->grouped_count) {
			to[snapshot->grouped_count++] = *from;
			continue;
		}
		for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++) {
			to[at].in[window].self += from->in[window].self;
			to[at].in[window].total += from->in[window].self;
		}
	}
	for (size_t i = 0; model->group == GROUP_MODULE && i < snapshot->grouped_count; i++) {
		snapshot->grouped[i].name = snapshot->grouped[i].module;
		snapshot->grouped[i].file = NULL;
		snapshot->grouped[i].inlined = false;
	}
}

static void fill_cpu(const struct model *model, struct snapshot *snapshot)
{
	bool bare = model->scene == MODEL_BARE;

	snapshot->cpu = (struct snapshot_cpu){
	    .state = CHANNEL_ON,
	    .reason = bare ? "kernel.perf_event_paranoid is 2" : NULL,
	    .event = "cpu-clock",
	    .frequency_hz = 99,
	    .kernel = !bare,
	    .samples = model->samples,
	    .stacks_complete =
		model->samples - model->samples / (model->scene == MODEL_LOSSY ? 6 : 125),
	    .stacks_guessed = model->samples / 200,
	    .stacks_copied = 12,
	    .unwind_ns_per_frame = 36.0,
	};
	snapshot->functions = xcalloc(model->rows, sizeof(*snapshot->functions));
	for (size_t i = 0; i < model->rows; i++) {
		struct snapshot_function *row = &snapshot->functions[snapshot->function_count];

		if (bare && model->functions[i].kernel)
			continue;
		*row = model->functions[i];
		fill_windows(model, i, row);
		row->self_pct =
		    100.0 * (double)row->self_samples / (double)(model->samples + !model->samples);
		row->total_pct =
		    100.0 * (double)row->total_samples / (double)(model->samples + !model->samples);
		row->total_pct = row->total_pct > 100 ? 100 : row->total_pct;
		if (row->kernel)
			snapshot->cpu.recent_kernel += row->in[SNAPSHOT_RECENT].self;
		snapshot->function_count++;
	}
	snapshot->cpu.recent_probes = snapshot->cpu.recent_kernel / 2;
	struct sample_sums all = {.since_mark = 0};

	sample_counts_sum(&model->all, &model->clock, &all);
	for (enum snapshot_window window = SNAPSHOT_LATEST; window < SNAPSHOT_WINDOWS; window++) {
		snapshot->cpu.window_samples[window] = all.in[window];
		snapshot->cpu.window_s[window] = sample_clock_span_s(&model->clock, window);
	}
	snapshot->cpu.kernel_samples = bare ? 0 : model->kernel_samples;
	qsort(snapshot->functions, snapshot->function_count, sizeof(*snapshot->functions), by_self);
	snapshot_fold_kernel(snapshot);
	fill_group(model, snapshot);
}

static void fill_heap(const struct model *model, struct snapshot *snapshot)
{
	struct snapshot_heap *heap = &snapshot->heap;

	if (model->scene == MODEL_BARE) {
		heap->reason =
		    "it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace; see PERMISSIONS";
		return;
	}
	*heap = (struct snapshot_heap){
	    .state = CHANNEL_ON,
	    .mode = model->scene == MODEL_LOSSY ? "sampled" : "exact",
	    .interval_bytes = model->scene == MODEL_LOSSY ? 512 << 10 : 0,
	    .untracked_frees = 17,
	    .untracked_known = model->scene != MODEL_LOSSY,
	    .resident_bytes = UINT64_C(96) << 20,
	};
	snapshot->sites = xcalloc(model->rows, sizeof(*snapshot->sites));
	memcpy(snapshot->sites, model->sites, model->rows * sizeof(*model->sites));
	snapshot->site_count = model->rows;
	for (size_t i = 0; i < model->rows; i++) {
		struct snapshot_site *site = &snapshot->sites[i];

		site->since_alloc_bytes = site->alloc_bytes - model->zeroed_alloc[i];
		site->since_freed_bytes = site->freed_bytes - model->zeroed_freed[i];
		site->change_bytes = model->marked_at
					 ? (double)site->live_bytes - (double)model->marked_bytes[i]
					 : (double)NAN;
	}
	qsort(snapshot->sites, snapshot->site_count, sizeof(*snapshot->sites), by_live);
	for (size_t i = 0; i < model->rows; i++) {
		const struct snapshot_site *site = &model->sites[i];

		heap->live_bytes += site->live_bytes;
		heap->live_objects += site->live_objects;
		heap->alloc_bytes += site->alloc_bytes;
		heap->alloc_objects += site->alloc_objects;
		heap->freed_bytes += site->freed_bytes;
		heap->freed_objects += site->freed_objects;
		heap->growth_bytes_per_s += site->growth_bytes_per_s;
		heap->alloc_bytes_per_s += site->alloc_bytes_per_s;
	}
	if (model->scene == MODEL_LOSSY)
		heap->live_ci_bytes = 0.1 * (double)heap->live_bytes;
	heap->coverage_pct = 100.0 * (double)heap->live_bytes / (double)heap->resident_bytes;
	snapshot_fill_suspects(snapshot);
	snapshot->allocators = xcalloc(1, sizeof(*snapshot->allocators));
	snapshot->allocators[0] = (struct snapshot_allocator){"glibc", "libc.so.6", 12};
	snapshot->allocator_count = 1;
}

static void fill_losses(const struct model *model, struct snapshot *snapshot)
{
	snapshot->overhead = (struct snapshot_overhead){
	    .target_pct = 1.8,
	    .heap_pct = 1.5,
	    .cpu_pct = 0.3,
	    .self_cpu_pct = 2.1,
	    .self_rss_bytes = UINT64_C(38) << 20,
	};
	snapshot->governor.budget_pct = 5;
	if (model->scene != MODEL_LOSSY)
		return;
	snapshot->overflow = (struct snapshot_overflow){
	    .perf_lost = model->samples / 20,
	    .perf_throttled = 3,
	    .ringbuf_dropped = 40,
	    .live_map_full = 1200,
	    .threads_uncovered = 2,
	};
	snapshot->overhead.target_pct = 23.0;
	snapshot->overhead.heap_pct = 22.0;
	snapshot->notice =
	    "libfoo.so: its functions have no names (its file made the symbol worker fail twice)";
}

struct snapshot *model_snapshot(const struct model *model)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
	bool exited = model->scene == MODEL_EXITED;

	snapshot->time.tv_sec = start_time + (time_t)model->seconds;
	snapshot->elapsed_s = model->seconds;
	snapshot->reset_s = model->zeroed_at ? model->seconds - model->zeroed_at : (double)NAN;
	snapshot->baseline_s = model->marked_at ? model->seconds - model->marked_at : (double)NAN;
	snapshot->target = (struct snapshot_target){
	    .pid = 4127,
	    .comm = model->scene == MODEL_HOSTILE ? model_hostile_comm() : "ordersd",
	    .exe = "/usr/local/bin/ordersd",
	    .exited = exited,
	    .exit_status = exited ? SIGKILL : -1,
	    .threads = 24,
	    .up_s = exited ? (double)NAN : 7500.0 + model->seconds,
	    .cpu_pct = exited ? (double)NAN : 318.0,
	    .rss_bytes =
		(UINT64_C(512) << 20) + (model->seconds > LONG_SECONDS ? UINT64_C(64) << 20 : 0),
	};
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
	fill_cpu(model, snapshot);
	fill_heap(model, snapshot);
	fill_losses(model, snapshot);
	return snapshot;
}
