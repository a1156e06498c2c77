#include "config.h"

#include "profile/trend.h"

#include <math.h>

static const double part_s = 60.0 / SNAPSHOT_TREND;

void trend_add(struct trend *trend, double now_s, double figure)
{
	uint64_t part = (uint64_t)(now_s / part_s) + 1;
	size_t slot = part % SNAPSHOT_TREND;

	if (part < trend->latest)
		return;
	if (trend->parts[slot] != part || figure > trend->highest[slot])
		trend->highest[slot] = figure;
	trend->parts[slot] = part;
	trend->latest = part;
}

void trend_fill(const struct trend *trend, double ret_figures[SNAPSHOT_TREND])
{
	for (uint64_t back = 0; back < SNAPSHOT_TREND; back++) {
		uint64_t part = trend->latest - back;
		size_t slot = part % SNAPSHOT_TREND;
		bool known = back < trend->latest && trend->parts[slot] == part;

		ret_figures[SNAPSHOT_TREND - 1 - back] = known ? trend->highest[slot] : (double)NAN;
	}
}
