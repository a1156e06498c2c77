/* The BPF maps of a session and what they take of the kernel's memory, read anew only now and then. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "collect/map_memory.h"
#include "session_state.h"

/* How old what is shown may be. */
static const double read_again_s = 30;

/* Whose maps are being read. */
enum owner { OWNER_CPU = 1, OWNER_HEAP = 2, OWNER_BOTH = OWNER_CPU | OWNER_HEAP };

/* The maps that have a row of their own, in the order of their rows; of all the others there is one. */
static const struct {
	enum owner owner;
	const char *map;  /* in the BPF program */
	const char *name; /* in words */
} rows[SESSION_MAPS - 1] = {
    {OWNER_BOTH, "rules", "unwind rules"},
    {OWNER_BOTH, "rule_cache", "unwind rules met lately"},
    {OWNER_CPU, "counts_even", "CPU samples by stack"},
    {OWNER_CPU, "counts_odd", "CPU samples by stack, spare"},
    {OWNER_CPU, "index_even", "stacks of CPU samples"},
    {OWNER_CPU, "index_odd", "stacks of CPU samples, spare"},
    {OWNER_CPU, "thread_counts", "CPU samples by thread"},
    {OWNER_CPU, "records", "CPU ring buffer"},
    {OWNER_HEAP, "live", "live objects"},
    {OWNER_HEAP, "sites", "allocation stacks"},
    {OWNER_BOTH, "threads", "threads"},
    {OWNER_HEAP, "records", "heap ring buffer"},
};

static const char others[] = "other maps";

/* The maps met so far: one that both programs have is read once. */
struct reading {
	struct session_map *maps;
	enum owner owner;
	uint32_t *seen; /* owned */
	size_t seen_count;
};

static size_t row_of(enum owner owner, const char *map)
{
	size_t row = 0;

	while (row < SESSION_MAPS - 1 &&
	       (!(rows[row].owner & owner) || strcmp(rows[row].map, map) != 0))
		row++;
	return row;
}

static bool is_new(struct reading *reading, uint32_t id)
{
	for (size_t i = 0; i < reading->seen_count; i++)
		if (reading->seen[i] == id)
			return false;
	reading->seen = xreallocarray(reading->seen, reading->seen_count + 1, sizeof(*reading->seen));
	reading->seen[reading->seen_count++] = id;
	return true;
}

static void read_map(void *context, const char *name, int fd)
{
	struct reading *reading = context;
	struct session_map *map = &reading->maps[row_of(reading->owner, name)];
	struct map_memory memory;

	if (map_memory_read(fd, &memory)) {
		map->there = true;
		map->bytes = SNAPSHOT_UNKNOWN;
	} else if (is_new(reading, memory.id)) {
		map->there = true;
		if (map->bytes != SNAPSHOT_UNKNOWN)
			map->bytes += memory.bytes;
	}
}

static void read_maps(struct session *session)
{
	struct reading reading = {.maps = session->maps, .owner = OWNER_CPU};

	memset(session->maps, 0, sizeof(session->maps));
	if (session->counts)
		stack_counts_each_map(session->counts, read_map, &reading);
	reading.owner = OWNER_HEAP;
	if (session->heap)
		heap_source_each_map(session->heap, read_map, &reading);
	free(reading.seen);
}

void session_fill_maps(struct session *session, struct snapshot *snapshot)
{
	double now = monotonic_s();

	if (session->maps_s <= 0 || now - session->maps_s >= read_again_s ||
	    session->maps_with_heap != (session->heap != NULL)) {
		read_maps(session);
		session->maps_s = now;
		session->maps_with_heap = session->heap != NULL;
	}
	snapshot->maps = xcalloc(SESSION_MAPS, sizeof(*snapshot->maps));
	for (size_t i = 0; i < SESSION_MAPS; i++) {
		const struct session_map *map = &session->maps[i];

		if (!map->there)
			continue;
		snapshot->maps[snapshot->map_count++] = (struct snapshot_map){
		    .name = i < SESSION_MAPS - 1 ? rows[i].name : others,
		    .used = (double)NAN,
		    .refused = SNAPSHOT_UNKNOWN,
		    .memory_bytes = map->bytes,
		};
		if (map->bytes == SNAPSHOT_UNKNOWN || snapshot->maps_bytes == SNAPSHOT_UNKNOWN)
			snapshot->maps_bytes = SNAPSHOT_UNKNOWN;
		else
			snapshot->maps_bytes += map->bytes;
	}
}
