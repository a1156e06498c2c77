/* A figure over the last minute: the highest of each part of it. All zero is one without figures. */
#ifndef RSP_PROFILE_TREND_H
#define RSP_PROFILE_TREND_H

#include <stdint.h>

#include "profile/snapshot.h"

struct trend {
	double highest[SNAPSHOT_TREND]; /* by part */
	uint64_t parts[SNAPSHOT_TREND]; /* whose they are, counted from 1; 0: nobody's */
	uint64_t latest;
};

/* Adds a figure of now; times of a monotonic clock, in seconds, that never goes back. */
void trend_add(struct trend *trend, double now_s, double figure);

/* Writes the parts, the oldest first, the one of the latest figure last; NAN where there is none. */
void trend_fill(const struct trend *trend, double ret_figures[SNAPSHOT_TREND]);

#endif
