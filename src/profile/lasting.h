/*
 * Growth that lasts. At each time of a series the *held* figure is the least one from then on: what
 * was there and never went away again. Churn, caches that are full and memory that is given back in
 * the end hold it flat, a leak raises it again and again. Pure.
 */
#ifndef RSP_PROFILE_LASTING_H
#define RSP_PROFILE_LASTING_H

#include <stddef.h>

#include "profile/slope.h"

enum { LASTING_POINTS = 60, LASTING_WINDOWS = 12 };

/*
 * The growth behind the last big step: what came at once (a table, a doubled array) is not gone on
 * about. All zero when nothing grew.
 */
struct lasting {
	size_t begin;	    /* index of the point at which it begins */
	double span_s;	    /* from there to the end, a twelfth before the last point */
	double rise;	    /* of the held figure */
	unsigned windows;   /* equal parts of the span, at most LASTING_WINDOWS, ... */
	unsigned grown;	    /* ... and in how many of them the held figure rose */
	unsigned steps;	    /* separate rises of a fortieth of the whole */
	double gap_s;	    /* the longest time between two of them */
	double quiet_s;	    /* since the last of them */
	double early, late; /* rise in the first and in the last third of the span */
};

/* `points` in the order of time, from three to LASTING_POINTS of them. */
struct lasting lasting_measure(const struct slope_point *points, size_t count);

/* How often the figure fell by at least `depth` from the highest value since the fall before. */
unsigned lasting_falls(const struct slope_point *points, size_t count, double depth);

#endif
