#include "config.h"

#include "output/json_growth.h"

#include "output/json_put.h"

static json_t *stacks_array(const struct snapshot_growth_site *site)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < site->stack_count; i++) {
		const struct snapshot_growth_stack *stack = &site->stacks[i];
		json_t *object = json_checked(json_object());

		json_put_count(object, "faults", stack->faults);
		json_put_count(object, "bytes", stack->bytes);
		json_put_known(object, "mapped_bytes", stack->mapped_bytes);
		json_put_frames(object, stack->frames, stack->frame_count);
		json_append(array, object);
	}
	return array;
}

static json_t *site_object(const struct snapshot_growth_site *site)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "function", site->function);
	json_put_text(object, "module", site->module);
	json_put_place(object, site->file, site->line);
	json_put_count(object, "samples", site->samples);
	json_put_count(object, "faults", site->faults);
	json_put_count(object, "bytes", site->bytes);
	json_put_real(object, "bytes_per_s", site->bytes_per_s);
	json_put_known(object, "mapped_bytes", site->mapped_bytes);
	json_put_known(object, "mappings", site->mappings);
	json_put(object, "stacks", stacks_array(site));
	return object;
}

static json_t *sites_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->growth_site_count; i++)
		json_append(array, site_object(&snapshot->growth_sites[i]));
	return array;
}

static void put_memory(json_t *object, const struct snapshot_memory *memory)
{
	json_put_known(object, "rss_bytes", memory->rss_bytes);
	json_put_known(object, "anonymous_bytes", memory->anonymous_bytes);
	json_put_known(object, "swap_bytes", memory->swap_bytes);
	json_put_known(object, "brk_bytes", memory->brk_bytes);
	json_put_real(object, "anonymous_bytes_per_s", memory->growth_bytes_per_s);
	json_put_known(object, "cgroup_limit_bytes", memory->limit_bytes);
	json_put_known(object, "cgroup_used_bytes", memory->used_bytes);
	json_put_real(object, "seconds_to_limit", memory->seconds_to_limit);
}

/* Without the source its figures are unknown, and not zero; those of the process are there. */
json_t *json_growth(const struct snapshot *snapshot)
{
	const struct snapshot_growth *growth = &snapshot->growth;
	const uint64_t unknown = growth->state == CHANNEL_ON ? 0 : SNAPSHOT_UNKNOWN;
	json_t *object = json_checked(json_object());

	json_put_state(object, growth->state);
	json_put_text(object, "reason", growth->reason);
	json_put_text(object, "event", growth->event);
	json_put_known(object, "faults_per_sample", growth->faults_per_sample | unknown);
	json_put_known(object, "samples", growth->samples | unknown);
	json_put_known(object, "samples_pending", growth->samples_pending | unknown);
	json_put_known(object, "samples_lost", growth->samples_lost | unknown);
	json_put_known(object, "faults", growth->faults | unknown);
	json_put_known(object, "bytes", growth->bytes | unknown);
	json_put_real(object, "bytes_per_s", growth->bytes_per_s);
	json_put_known(object, "file_faults", growth->file_faults | unknown);
	json_put_known(object, "unknown_faults", growth->unknown_faults | unknown);
	json_put_known(object, "mapped_bytes", growth->mapped_bytes | unknown);
	json_put_known(object, "mappings", growth->mappings | unknown);
	json_put_known(object, "mappings_lost", growth->mappings_lost | unknown);
	json_put_text(object, "mappings_reason", growth->mappings_reason);
	put_memory(object, &snapshot->memory);
	json_put(object, "sites", sites_array(snapshot));
	return object;
}
