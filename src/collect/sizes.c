#include "config.h"

#include "collect/sizes.h"

static const uint64_t edges[SIZE_BUCKETS] = {0, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20};

uint64_t sizes_edge(size_t bucket)
{
	return bucket < SIZE_BUCKETS ? edges[bucket] : UINT64_MAX;
}

void sizes_add(struct sizes *sizes, uint64_t size, double bytes, double objects)
{
	size_t bucket = 0;

	while (bucket + 1 < SIZE_BUCKETS && size >= edges[bucket + 1])
		bucket++;
	sizes->bytes[bucket] += bytes;
	sizes->objects[bucket] += objects;
}

void sizes_merge(struct sizes *to, const struct sizes *from)
{
	for (size_t bucket = 0; bucket < SIZE_BUCKETS; bucket++) {
		to->bytes[bucket] += from->bytes[bucket];
		to->objects[bucket] += from->objects[bucket];
	}
}
