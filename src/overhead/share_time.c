#include "config.h"

#include "overhead/share_time.h"

#include <math.h>

/* A moment weighs so much less than the next one: some ten are remembered. */
static const double kept = 0.9;
/* Until it is known, and what is not believed. */
static const double usual_late_s = 0.02, late_most_s = 0.2;
/* The kernel needs it to take them out. */
static const double wait_least_s = 0.02;

void share_time_moment(struct share_time *time, double seconds, double cost_ns)
{
	time->moments = kept * time->moments + 1;
	time->open_s = kept * time->open_s + seconds;
	time->open_ns = kept * time->open_ns + cost_ns;
	time->waits *= kept;
	time->late_ns *= kept;
}

void share_time_between(struct share_time *time, double cost_ns)
{
	if (!(time->moments > 0))
		return;
	time->waits++;
	time->late_ns += cost_ns;
}

double share_time_late_s(const struct share_time *time)
{
	if (!(time->open_ns > 0) || !(time->waits > 0))
		return usual_late_s;
	return fmin(time->late_ns * time->open_s / (time->open_ns * time->waits), late_most_s);
}

double share_time_wait_s(const struct share_time *time, unsigned halvings, double moment_s, double opening_s)
{
	double cycle_s = ldexp(moment_s + share_time_late_s(time), (int)halvings);

	return fmax(cycle_s - moment_s - opening_s, wait_least_s);
}
