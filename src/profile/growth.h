/*
 * How fast a figure grows, from its values at the last refreshes: the difference between the latest
 * value and the one ten seconds before it. Pure; the caller brings the clock.
 */
#ifndef RSP_PROFILE_GROWTH_H
#define RSP_PROFILE_GROWTH_H

#include <stdint.h>

/* Points are kept about a second apart, whatever the delay between refreshes is. */
enum { GROWTH_WINDOW_S = 10, GROWTH_POINTS = 12 };

struct growth_point {
	double time_s;
	double value;
};

/* A value type: all zero is the empty series. Nothing to free. */
struct growth {
	struct growth_point latest;
	struct growth_point points[GROWTH_POINTS]; /* a ring, the oldest at `first` */
	uint8_t first;
	uint8_t count;
};

/*
 * Adds the value at a time of a monotonic clock. Values that are not finite, and times that are not
 * finite or not after the latest one, are ignored (the first value of a time stands).
 */
void growth_add(struct growth *growth, double time_s, double value);

/*
 * Units of the value a second, over the ten seconds before the latest point, at whose beginning the
 * value is taken to be on the line between the points beside it; or since the first point when the
 * series is younger than that. NAN with fewer than two points.
 */
double growth_per_s(const struct growth *growth);

#endif
