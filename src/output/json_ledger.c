/* The ledger's part of the JSON. */
#include "config.h"

#include "output/json_ledger.h"

#include "output/json_put.h"

static json_t *channels_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct snapshot_channel *channel = &snapshot->channels[i];
		json_t *object = json_checked(json_object());

		json_put_text(object, "name", channel->name);
		json_put_count(object, "produced", channel->produced);
		json_put_count(object, "consumed", channel->consumed);
		json_put_count(object, "lost", channel->lost);
		json_put_count(object, "capacity_bytes", channel->capacity_bytes);
		json_put_count(object, "used_bytes", channel->used_bytes);
		json_append(array, object);
	}
	return array;
}

static json_t *maps_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct snapshot_map *map = &snapshot->maps[i];
		json_t *object = json_checked(json_object());

		json_put_text(object, "name", map->name);
		json_put_count(object, "capacity", map->capacity);
		json_put_real(object, "used", map->used);
		json_put_known(object, "refused", map->refused);
		json_put_known(object, "memory_bytes", map->memory_bytes);
		json_append(array, object);
	}
	return array;
}

static json_t *probes_array(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->probe_count; i++) {
		const struct snapshot_probe *probe = &snapshot->probes[i];
		json_t *object = json_checked(json_object());

		json_put_text(object, "function", probe->function);
		json_put_text(object, "module", probe->module);
		json_put_count(object, "offset", probe->offset);
		json_put(object, "emulated", json_boolean(probe->emulated));
		json_put_count(object, "hits", probe->hits);
		json_put_real(object, "hits_per_s", probe->hits_per_s);
		json_put_real(object, "ns_per_hit", probe->ns_per_hit);
		json_append(array, object);
	}
	return array;
}

json_t *json_ledger(const struct snapshot *snapshot)
{
	const struct snapshot_books *books = &snapshot->books;
	json_t *object = json_checked(json_object());

	json_put(object, "channels", channels_array(snapshot));
	json_put(object, "maps", maps_array(snapshot));
	json_put_known(object, "maps_memory_bytes", snapshot->maps_bytes);
	json_put(object, "probes", probes_array(snapshot));
	json_put_count(object, "tracked_allocations", books->allocations);
	json_put_count(object, "tracked_frees", books->frees);
	json_put_count(object, "failed_allocations", books->failed);
	json_put_count(object, "replaced", books->replaced);
	json_put_count(object, "lost_returns", books->lost_returns);
	json_put_count(object, "stacks_copied", books->copies);
	json_put_count(object, "stacks_unlearnt", books->unlearnt);
	json_put_count(object, "worker_restarts", books->worker_restarts);
	return object;
}
