/* A short series in a fixed ring: one for every allocation site, so it must stay small. */
#include "config.h"

#include "profile/growth.h"

#include <math.h>
#include <stddef.h>

/* Less than the second meant: a timer that fires early once must not halve the points. */
static const double spacing_s = 0.9;

static const struct growth_point *point_at(const struct growth *growth, size_t index)
{
	return &growth->points[(growth->first + index) % GROWTH_POINTS];
}

static void drop_oldest(struct growth *growth)
{
	growth->first = (uint8_t)((growth->first + 1) % GROWTH_POINTS);
	growth->count--;
}

static void push(struct growth *growth, struct growth_point point)
{
	if (growth->count == GROWTH_POINTS)
		drop_oldest(growth);
	growth->points[(growth->first + growth->count) % GROWTH_POINTS] = point;
	growth->count++;
}

void growth_add(struct growth *growth, double time_s, double value)
{
	struct growth_point point = {time_s, value};

	if (!isfinite(time_s) || !isfinite(value))
		return;
	if (growth->count > 0 && time_s <= growth->latest.time_s)
		return;
	growth->latest = point;
	if (growth->count == 0 ||
	    time_s - point_at(growth, growth->count - 1U)->time_s >= spacing_s)
		push(growth, point);
	/* The oldest is needed only as long as the one behind it is inside the window. */
	while (growth->count > 1 && time_s - point_at(growth, 1)->time_s >= GROWTH_WINDOW_S)
		drop_oldest(growth);
}

/* The value where the window begins, on the line between the points beside it. */
static struct growth_point at_window(const struct growth *growth)
{
	struct growth_point point = *point_at(growth, 0);
	const struct growth_point *next = growth->count > 1 ? point_at(growth, 1) : &growth->latest;
	double begin_s = growth->latest.time_s - GROWTH_WINDOW_S;

	if (point.time_s >= begin_s || next->time_s <= point.time_s)
		return point;
	point.value += (next->value - point.value) * (begin_s - point.time_s) /
		       (next->time_s - point.time_s);
	point.time_s = begin_s;
	return point;
}

double growth_per_s(const struct growth *growth)
{
	struct growth_point begin;

	if (growth->count == 0)
		return (double)NAN;
	begin = at_window(growth);
	if (growth->latest.time_s <= begin.time_s)
		return (double)NAN;
	return (growth->latest.value - begin.value) / (growth->latest.time_s - begin.time_s);
}
