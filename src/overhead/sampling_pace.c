#include "config.h"

#include "overhead/sampling_pace.h"

/* An exact allocation costs some microseconds: so many calls a second stay below 3 % of a core. */
static const double exact_calls_per_s = 10000;
/* With so many samples a second the shares of the large sites are right within a few per cent after
 * a second. */
static const double tracked_goal_per_s = 2000;
/* Objects are tracked no further when the map is full: there must be room until the interval works. */
static const double fill_most = 0.75, fill_calm = 0.5;
/* Finer again only when it has been calm for so long: a burst is often followed by the next. */
static const double calm_enough_s = 10;
/* After so long without a raise of the programs' most rules are known. */
static const double learnt_enough_s = 1;

static uint64_t bounded(uint64_t interval)
{
	if (interval < SAMPLING_INTERVAL_LEAST)
		return SAMPLING_INTERVAL_LEAST;
	return interval > SAMPLING_INTERVAL_MOST ? SAMPLING_INTERVAL_MOST : interval;
}

/* The power of two at which the goal is reached, if that is above `least`. */
static uint64_t goal_above(uint64_t least, const struct sampling_facts *facts)
{
	double wanted = facts->bytes / facts->seconds / tracked_goal_per_s;
	uint64_t interval = bounded(least);

	while ((double)interval < wanted && interval < SAMPLING_INTERVAL_MOST)
		interval *= 2;
	return interval;
}

static bool is_calm(const struct sampling_facts *facts)
{
	return facts->live_fill < fill_calm &&
	       ((double)facts->calls / facts->seconds < exact_calls_per_s / 2 ||
		(double)facts->tracked / facts->seconds < tracked_goal_per_s / 4);
}

/* What it would be without the raise. */
static uint64_t lowered(const struct sampling_facts *facts)
{
	uint64_t interval = goal_above(0, facts);

	if ((double)facts->calls / facts->seconds < exact_calls_per_s / 2)
		return 0;
	return interval < facts->interval ? interval : facts->interval;
}

uint64_t sampling_pace_next(struct sampling_pace *pace, const struct sampling_facts *facts)
{
	double calls_per_s = (double)facts->calls / facts->seconds;
	double tracked_per_s = (double)facts->tracked / facts->seconds;
	double tracked_most = facts->interval ? 4 * tracked_goal_per_s : exact_calls_per_s;

	/* What was tracked was so, in part, at the interval before. */
	if (facts->raised && facts->live_fill <= fill_most) {
		*pace = (struct sampling_pace){.raised = true};
		return facts->interval;
	}
	if (facts->live_fill > fill_most || tracked_per_s > tracked_most) {
		pace->calm_s = 0;
		return goal_above(2 * facts->interval, facts);
	}
	if (pace->raised && facts->live_fill < fill_calm) {
		pace->calm_s += facts->seconds;
		if (pace->calm_s < learnt_enough_s)
			return facts->interval;
		*pace = (struct sampling_pace){0};
		return lowered(facts);
	}
	if (!facts->interval || !is_calm(facts)) {
		pace->calm_s = 0;
		return facts->interval;
	}
	pace->calm_s += facts->seconds;
	if (pace->calm_s < calm_enough_s)
		return facts->interval;
	pace->calm_s = 0;
	if (calls_per_s < exact_calls_per_s / 2)
		return 0;
	return bounded(facts->interval / 2);
}

uint64_t sampling_step(uint64_t interval, bool finer)
{
	if (finer)
		return interval <= SAMPLING_INTERVAL_LEAST ? 0 : interval / 2;
	return interval ? bounded(2 * interval) : SAMPLING_INTERVAL_LEAST;
}
