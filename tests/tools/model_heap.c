#include "config.h"

#include "model_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "profile/site.h"

static int by_live(const void *left, const void *right)
{
	const struct snapshot_site *a = left, *b = right;

	if (a->live_bytes != b->live_bytes)
		return a->live_bytes < b->live_bytes ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

/* The one stack of a site: the function and its callers. */
static void add_stack(const struct model *model, size_t row, struct snapshot_site *site)
{
	struct stack stack = model_stack(model, row);

	site->stacks = xcalloc(1, sizeof(*site->stacks));
	site->stack_count = 1;
	site->stacks[0] = (struct snapshot_stack){
	    .live_bytes = site->live_bytes,
	    .live_objects = site->live_objects,
	};
	site->stacks[0].frames = site_frames(&stack, &site->stacks[0].frame_count);
}

/* A site of the model is always in the same thread. */
static void fill_threads(struct snapshot *snapshot)
{
	size_t count = snapshot->site_count;

	snapshot->grouped_sites = xcalloc_aligned(count + 1, sizeof(*snapshot->sites), SNAPSHOT_ROW_ALIGNMENT);
	snapshot->grouped_site_count = count;
	for (size_t i = 0; i < count; i++) {
		struct snapshot_site *row = &snapshot->grouped_sites[i];
		const struct snapshot_thread_name *thread = model_thread(i);

		*row = snapshot->sites[i];
		row->id += (uint64_t)thread->tid;
		row->tid = thread->tid;
		row->thread = thread->tid ? thread->text : NULL;
		row->stacks = NULL;
		row->stack_count = 0;
	}
}

void model_fill_heap(const struct model *model, struct snapshot *snapshot)
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
	snapshot->sites = xcalloc_aligned(model->rows, sizeof(*snapshot->sites), SNAPSHOT_ROW_ALIGNMENT);
	for (size_t i = 0; i < model->rows; i++) {
		struct snapshot_site *site = &snapshot->sites[snapshot->site_count];

		if (!model_is_site(model, i))
			continue;
		snapshot->site_count++;
		*site = model->sites[i];
		site->site_id = site->id;
		site->since_alloc_bytes = site->alloc_bytes - model->zeroed_alloc[i];
		site->since_freed_bytes = site->freed_bytes - model->zeroed_freed[i];
		site->change_bytes = model->marked_at
					 ? (double)site->live_bytes - (double)model->marked_bytes[i]
					 : (double)NAN;
		if (snapshot->request.stacks)
			add_stack(model, i, site);
	}
	qsort(snapshot->sites, snapshot->site_count, sizeof(*snapshot->sites), by_live);
	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];

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
	if (model->group == GROUP_THREAD)
		fill_threads(snapshot);
	snapshot->allocators = xcalloc(1, sizeof(*snapshot->allocators));
	snapshot->allocators[0] = (struct snapshot_allocator){"glibc", "libc.so.6", 12};
	snapshot->allocator_count = 1;
}
