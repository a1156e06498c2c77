/* What a snapshot itself does: suspects and its end. The session builds it, strings stay the session's. */
#include "config.h"

#include "profile/snapshot.h"

#include <math.h>
#include <stdlib.h>

#include "err.h"

static int by_score(const void *left, const void *right)
{
	const struct snapshot_site *a = *(const struct snapshot_site *const *)left;
	const struct snapshot_site *b = *(const struct snapshot_site *const *)right;

	if (a->leak.score != b->leak.score)
		return (a->leak.score < b->leak.score) - (a->leak.score > b->leak.score);
	return (a->id > b->id) - (a->id < b->id);
}

void snapshot_fill_suspects(struct snapshot *snapshot)
{
	snapshot->suspects = xcalloc(snapshot->site_count + 1, sizeof(*snapshot->suspects));
	for (size_t i = 0; i < snapshot->site_count; i++)
		if (snapshot->sites[i].leak.level >= LEAK_LOW)
			snapshot->suspects[snapshot->suspect_count++] = &snapshot->sites[i];
	if (snapshot->suspect_count > 1)
		qsort(snapshot->suspects, snapshot->suspect_count, sizeof(*snapshot->suspects),
		      by_score);
}

static void forget_site_frees(struct snapshot_site *site)
{
	site->live_bytes = site->live_objects = site->peak_bytes = SNAPSHOT_UNKNOWN;
	site->freed_bytes = site->freed_objects = site->since_freed_bytes = SNAPSHOT_UNKNOWN;
	site->change_bytes = site->growth_bytes_per_s = site->oldest_s = (double)NAN;
	site->freed_bytes_per_s = site->freed_objects_per_s = (double)NAN;
	site->ages_known = false;
	for (size_t i = 0; i < SNAPSHOT_TREND; i++)
		site->trend[i] = (double)NAN;
	site->leak = (struct leak_verdict){
	    .level = LEAK_NONE, .slope_bytes_per_s = (double)NAN, .slope_half_width = (double)NAN};
	for (size_t i = 0; i < site->stack_count; i++)
		site->stacks[i].live_bytes = site->stacks[i].live_objects = SNAPSHOT_UNKNOWN;
}

void snapshot_forget_frees(struct snapshot *snapshot)
{
	struct snapshot_heap *heap = &snapshot->heap;

	heap->frees_unknown = true;
	heap->live_bytes = heap->live_objects = SNAPSHOT_UNKNOWN;
	heap->freed_bytes = heap->freed_objects = SNAPSHOT_UNKNOWN;
	heap->growth_bytes_per_s = (double)NAN;
	snapshot->suspect_count = 0;
	for (size_t i = 0; i < snapshot->site_count; i++)
		forget_site_frees(&snapshot->sites[i]);
	for (size_t i = 0; i < snapshot->grouped_site_count; i++)
		forget_site_frees(&snapshot->grouped_sites[i]);
}

bool snapshot_request_same(const struct snapshot_request *a, const struct snapshot_request *b)
{
	return a->stacks == b->stacks && a->threads == b->threads &&
	       a->combined == b->combined && a->cpu_tree == b->cpu_tree &&
	       a->heap_tree == b->heap_tree && a->callers == b->callers &&
	       a->fold_kernel == b->fold_kernel && a->source_of == b->source_of;
}

static void free_site(struct snapshot_site *site)
{
	for (size_t i = 0; i < site->stack_count; i++)
		free(site->stacks[i].frames);
	free(site->stacks);
}

static void free_growth_site(struct snapshot_growth_site *site)
{
	for (size_t i = 0; i < site->stack_count; i++)
		free(site->stacks[i].frames);
	free(site->stacks);
}

int snapshot_compare_sites(const void *left, const void *right)
{
	const struct snapshot_site *a = left, *b = right;

	if (a->live_bytes != b->live_bytes)
		return (a->live_bytes < b->live_bytes) - (a->live_bytes > b->live_bytes);
	if (a->alloc_bytes != b->alloc_bytes)
		return (a->alloc_bytes < b->alloc_bytes) - (a->alloc_bytes > b->alloc_bytes);
	return (a->id > b->id) - (a->id < b->id);
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->site_count; i++)
		free_site(&snapshot->sites[i]);
	free(snapshot->sites);
	free(snapshot->grouped_sites);
	free(snapshot->suspects);
	for (size_t i = 0; i < snapshot->growth_site_count; i++)
		free_growth_site(&snapshot->growth_sites[i]);
	free(snapshot->growth_sites);
	free(snapshot->functions);
	free(snapshot->folded);
	free(snapshot->grouped);
	free(snapshot->thread_names);
	free(snapshot->allocators);
	free(snapshot->channels);
	free(snapshot->maps);
	free(snapshot->probes);
	free(snapshot->modules);
	free(snapshot->combined);
	free(snapshot->threads);
	call_tree_free(snapshot->cpu_tree);
	call_tree_free(snapshot->heap_tree);
	snapshot_source_free(snapshot->source);
	free(snapshot);
}
