#include "config.h"

#include "model_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "profile/kernel_fold.h"

static int by_self(const void *left, const void *right)
{
	const struct snapshot_function *a = left, *b = right;

	if (a->self_samples != b->self_samples)
		return a->self_samples < b->self_samples ? 1 : -1;
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

const struct snapshot_thread_name *model_thread(size_t index)
{
	static const struct snapshot_thread_name none = {0},
						 threads[] = {{4127, "ordersd/4127"},
							      {4128, "engine/4128"},
							      {4129, "audit-0/4129"}};

	return index % 7 == 6 ? &none : &threads[index % 3];
}

static void set_thread(struct snapshot_function *row, size_t index)
{
	const struct snapshot_thread_name *thread = model_thread(index);

	row->tid = thread->tid;
	row->thread = thread->tid ? thread->text : NULL;
}

/* The rows of each module as one; the model knows no other lines than those of its functions. */
static void fill_group(const struct model *model, struct snapshot *snapshot)
{
	snapshot->group = model->group;
	if (model->group == GROUP_FUNCTION)
		return;
	snapshot->grouped = xcalloc_aligned(snapshot->function_count + 1,
					   sizeof(*snapshot->grouped), SNAPSHOT_ROW_ALIGNMENT);
	for (size_t i = 0; i < snapshot->function_count; i++) {
		const struct snapshot_function *from = &snapshot->functions[i];
		struct snapshot_function *to = snapshot->grouped;
		size_t at = 0;

		while (model->group == GROUP_MODULE && at < snapshot->grouped_count &&
		       strcmp(to[at].module, from->module) != 0)
			at++;
		if (model->group != GROUP_MODULE || at == snapshot->grouped_count) {
			to[snapshot->grouped_count] = *from;
			if (model->group == GROUP_THREAD)
				set_thread(&to[snapshot->grouped_count], i);
			snapshot->grouped_count++;
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

void model_fill_cpu(const struct model *model, struct snapshot *snapshot)
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
	snapshot->functions = xcalloc_aligned(model->rows, sizeof(*snapshot->functions), SNAPSHOT_ROW_ALIGNMENT);
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
