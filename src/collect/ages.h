/*
 * How old live objects are: their bytes and number in steps of age, log-spaced, and the birth of
 * the oldest. Pure.
 */
#ifndef RSP_COLLECT_AGES_H
#define RSP_COLLECT_AGES_H

#include <stdint.h>

/* Younger than 1 s, 10 s, 1 min, 10 min, 1 h, 1 day, and older. */
enum age_bucket { AGE_0S, AGE_1S, AGE_10S, AGE_1MIN, AGE_10MIN, AGE_1H, AGE_1DAY, AGE_BUCKETS };

struct ages {
	double bytes[AGE_BUCKETS]; /* estimates where allocations are sampled */
	double objects[AGE_BUCKETS];
	uint64_t oldest_ns; /* birth of the oldest, CLOCK_MONOTONIC; 0: there is none */
};

/* The age at which a bucket begins, in seconds. */
double ages_edge_s(enum age_bucket bucket);

/* Adds objects born at `birth_ns`; one that is born after `now_ns` has no age yet. */
void ages_add(struct ages *ages, uint64_t birth_ns, uint64_t now_ns, double bytes,
	      double objects);

void ages_merge(struct ages *to, const struct ages *from);

/* Bytes of the objects in this bucket and all older ones. */
double ages_bytes_from(const struct ages *ages, enum age_bucket bucket);

#endif
