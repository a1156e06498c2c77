/*
 * How fast a figure changes: the least-squares line through points and how sure its slope is. Pure.
 */
#ifndef RSP_PROFILE_SLOPE_H
#define RSP_PROFILE_SLOPE_H

#include <stddef.h>

struct slope_point {
	double time_s;
	double value;
};

struct slope {
	double per_s;	   /* NAN with fewer than two points, or all at one time */
	double half_width; /* of the 95 % confidence interval; NAN with fewer than three points */
};

/* The points need no order. The residuals are taken to be independent of each other. */
struct slope slope_fit(const struct slope_point *points, size_t count);

/* The same interval where the change over `span_s` has an error of this variance besides. */
struct slope slope_with_noise(struct slope slope, double variance, double span_s);

#endif
