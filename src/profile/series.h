/*
 * What a site held over time, at three resolutions: the last minute by second, the last hour by
 * minute, the last day by 24 minutes. Pure and of fixed size; the caller brings the clock.
 *
 * Each slot keeps the least figure that was seen in it: what comes and goes within a slot is churn,
 * what a slot never goes below is held.
 */
#ifndef RSP_PROFILE_SERIES_H
#define RSP_PROFILE_SERIES_H

#include <stddef.h>
#include <stdint.h>

enum series_scale { SERIES_MINUTE, SERIES_HOUR, SERIES_DAY, SERIES_SCALES };

enum { SERIES_SLOTS = 60 };

#define SERIES_UNKNOWN UINT64_MAX

/* The books of a site at one time. */
struct series_sample {
	uint64_t live_bytes;
	uint64_t live_objects;
	uint64_t alloc_bytes; /* since attachment */
	uint64_t freed_bytes;
	/* Live bytes of objects that are old for each scale; SERIES_UNKNOWN where ages are. */
	uint64_t old_bytes[SERIES_SCALES];
};

struct series_point {
	double time_s;	      /* of live_bytes */
	uint64_t live_bytes;  /* the least */
	uint64_t old_bytes;   /* the least known; or SERIES_UNKNOWN */
	uint64_t alloc_bytes; /* the latest */
	uint64_t freed_bytes;
	uint32_t live_objects; /* the least; at most UINT32_MAX */
	uint32_t number;       /* of its slot, from 1; 0: the slot is empty */
};

/* A value type: all zero is the empty series. Nothing to free. */
struct series {
	struct series_point slots[SERIES_SCALES][SERIES_SLOTS];
	uint32_t latest[SERIES_SCALES]; /* number of the latest slot */
};

/* Seconds of a slot of this scale. */
double series_slot_s(enum series_scale scale);

/*
 * Adds what was seen at a time of a monotonic clock, not below zero. Times that are not finite, or
 * in a slot before the latest one, are ignored.
 */
void series_add(struct series *series, double time_s, const struct series_sample *sample);

/*
 * Copies the points of the last SERIES_SLOTS slots in the order of time into `points`, which has
 * room for SERIES_SLOTS. Returns how many there are; slots in which nothing was seen have none.
 */
size_t series_points(const struct series *series, enum series_scale scale,
		     struct series_point *points);

#endif
