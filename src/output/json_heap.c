/* The heap's part of the JSON. */
#include "config.h"

#include "output/json_heap.h"

#include <math.h>

#include "output/json_put.h"

static json_t *allocators_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->allocator_count; i++) {
		json_t *object = json_checked(json_object());

		json_put_text(object, "name", snapshot->allocators[i].name);
		json_put_text(object, "module", snapshot->allocators[i].module);
		json_put_count(object, "probes", snapshot->allocators[i].probes);
		json_append(array, object);
	}
	return array;
}

static json_t *stacks_array(const struct snapshot_site *site)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < site->stack_count; i++) {
		const struct snapshot_stack *stack = &site->stacks[i];
		json_t *object = json_checked(json_object());

		json_put_known(object, "live_bytes", stack->live_bytes);
		json_put_known(object, "live_objects", stack->live_objects);
		json_put_frames(object, stack->frames, stack->frame_count);
		json_append(array, object);
	}
	return array;
}

static json_t *leak_object(const struct leak_verdict *leak)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "level", leak_level_name(leak->level));
	json_put_real(object, "score", leak->score);
	json_put_text(object, "evidence", leak->evidence[0] ? leak->evidence : NULL);
	json_put_real(object, "slope_bytes_per_s", leak->slope_bytes_per_s);
	json_put_real(object, "slope_ci_bytes_per_s", leak->slope_half_width);
	json_put_count(object, "windows_grown", leak->windows_grown);
	json_put_count(object, "windows", leak->windows);
	return object;
}

static json_t *ages_array(const struct ages *ages)
{
	json_t *array = json_checked(json_array());

	for (enum age_bucket bucket = AGE_0S; bucket < AGE_BUCKETS; bucket++) {
		json_t *object = json_checked(json_object());

		json_put_real(object, "from_s", ages_edge_s(bucket));
		json_put_count(object, "live_bytes", (uint64_t)(ages->bytes[bucket] + 0.5));
		json_put_count(object, "live_objects", (uint64_t)(ages->objects[bucket] + 0.5));
		json_append(array, object);
	}
	return array;
}

static json_t *sizes_array(const struct sizes *sizes)
{
	json_t *array = json_checked(json_array());

	for (size_t bucket = 0; bucket < SIZE_BUCKETS; bucket++) {
		json_t *object = json_checked(json_object());

		json_put_count(object, "from_bytes", sizes_edge(bucket));
		json_put_count(object, "live_bytes", (uint64_t)(sizes->bytes[bucket] + 0.5));
		json_put_count(object, "live_objects", (uint64_t)(sizes->objects[bucket] + 0.5));
		json_append(array, object);
	}
	return array;
}

static json_t *site_object(const struct snapshot_site *site)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "function", site->function);
	json_put_text(object, "module", site->module);
	json_put_place(object, site->file, site->line);
	json_put_known(object, "live_bytes", site->live_bytes);
	json_put_real(object, "live_ci_bytes", site->live_ci_bytes);
	json_put_known(object, "live_objects", site->live_objects);
	json_put_count(object, "alloc_bytes", site->alloc_bytes);
	json_put_count(object, "alloc_objects", site->alloc_objects);
	json_put_known(object, "freed_bytes", site->freed_bytes);
	json_put_known(object, "freed_objects", site->freed_objects);
	json_put_known(object, "peak_bytes", site->peak_bytes);
	json_put_real(object, "growth_bytes_per_s", site->growth_bytes_per_s);
	json_put_real(object, "oldest_s", site->oldest_s);
	json_put_real(object, "alloc_bytes_per_s", site->alloc_bytes_per_s);
	json_put_real(object, "alloc_objects_per_s", site->alloc_objects_per_s);
	json_put_real(object, "freed_bytes_per_s", site->freed_bytes_per_s);
	json_put_real(object, "freed_objects_per_s", site->freed_objects_per_s);
	json_put(object, "leak", leak_object(&site->leak));
	json_put(object, "ages", site->ages_known ? ages_array(&site->ages) : json_null());
	json_put(object, "sizes", site->ages_known ? sizes_array(&site->sizes) : json_null());
	json_put(object, "stacks", stacks_array(site));
	return object;
}

static json_t *sites_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->site_count; i++)
		json_append(array, site_object(&snapshot->sites[i]));
	return array;
}

/* Nothing is known of a heap that is not followed. */
static uint64_t if_on(const struct snapshot_heap *heap, uint64_t count)
{
	return heap->state == CHANNEL_ON ? count : SNAPSHOT_UNKNOWN;
}

json_t *json_heap(const struct snapshot *snapshot)
{
	const struct snapshot_heap *heap = &snapshot->heap;
	uint64_t untracked_frees = heap->untracked_known ? heap->untracked_frees : SNAPSHOT_UNKNOWN;
	json_t *object = json_checked(json_object());

	json_put_state(object, heap->state);
	json_put_text(object, "reason", heap->reason);
	json_put_text(object, "mode", heap->state == CHANNEL_ON ? heap->mode : NULL);
	json_put_known(object, "interval_bytes", if_on(heap, heap->interval_bytes));
	json_put(object, "allocators", allocators_array(snapshot));
	json_put_known(object, "live_bytes", if_on(heap, heap->live_bytes));
	json_put_real(object, "live_ci_bytes", heap->state == CHANNEL_ON ? heap->live_ci_bytes : (double)NAN);
	json_put_known(object, "live_objects", if_on(heap, heap->live_objects));
	json_put_known(object, "alloc_bytes", if_on(heap, heap->alloc_bytes));
	json_put_known(object, "alloc_objects", if_on(heap, heap->alloc_objects));
	json_put_known(object, "freed_bytes", if_on(heap, heap->freed_bytes));
	json_put_known(object, "freed_objects", if_on(heap, heap->freed_objects));
	json_put_known(object, "untracked_frees", if_on(heap, untracked_frees));
	json_put_count(object, "rss_bytes", snapshot->target.rss_bytes);
	json_put_known(object, "resident_bytes", heap->resident_bytes);
	json_put_real(object, "coverage_pct", heap->coverage_pct);
	json_put_count(object, "ages_skipped_objects", heap->ages_skipped);
	json_put(object, "sites", sites_array(snapshot));
	return object;
}
