/*
 * How large live objects are: their bytes and number in steps of size, log-spaced. Pure.
 */
#ifndef RSP_COLLECT_SIZES_H
#define RSP_COLLECT_SIZES_H

#include <stddef.h>
#include <stdint.h>

/* Below 64 bytes, 256, 1 KiB, 4 KiB, 16 KiB, 64 KiB, 1 MiB, and larger. */
enum { SIZE_BUCKETS = 8 };

struct sizes {
	double bytes[SIZE_BUCKETS]; /* estimates where allocations are sampled */
	double objects[SIZE_BUCKETS];
};

/* The size at which a bucket begins, in bytes; UINT64_MAX behind the last one. */
uint64_t sizes_edge(size_t bucket);

/* Adds objects of `size` bytes each. */
void sizes_add(struct sizes *sizes, uint64_t size, double bytes, double objects);

void sizes_merge(struct sizes *to, const struct sizes *from);

#endif
