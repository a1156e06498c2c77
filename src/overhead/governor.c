#include "config.h"

#include "overhead/governor.h"

#include <math.h>

#include "overhead/governor_steps.h"

/* A short peak is no reason, one that is high is. */
static const double patience_s = 0.4;
static const double undo_least_s = 10, undo_most_s = 320;
/* Of a share of the time that turns out to cost less than was predicted, after so long. */
static const double correct_after_s = 1.5;
static const double retry_least_s = 30, retry_most_s = 1920;
/* So long the probes are on trial after they were put back. */
static const double trial_s = 3;

void governor_init(struct governor *governor)
{
	*governor = (struct governor){
	    .undo_after_s = undo_least_s, .retry_s = retry_least_s, .undone_s = (double)INFINITY};
}

static bool is_held(const struct governor_setting *setting)
{
	return setting->interval_least || setting->halvings || setting->time_halvings ||
	       setting->frees_out || setting->heap_out;
}

static bool is_over(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *facts)
{
	if (governor_fits(governor, limits, facts, &governor->setting, 1)) {
		governor->over_s = governor->strained_s = 0;
		return false;
	}
	governor->over_s += facts->seconds;
	governor->strained_s += facts->seconds;
	return governor->over_s >= patience_s ||
	       governor_cost_pct(&facts->cost) > governor_high * limits->budget_pct ||
	       governor_cost_pct(&facts->latest) > governor_high * limits->budget_pct;
}

static void tighten(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *given)
{
	struct governor_facts facts = *given;
	struct governor_setting next;

	/* A load that has just risen: in what was before there is less of it. */
	if (governor_cost_pct(&given->latest) > governor_cost_pct(&given->cost))
		facts.cost = given->latest;
	next = governor_tighter(governor, limits, &facts);
	governor->over_s = governor->calm_s = 0;
	if (governor_same(&next, &governor->setting))
		return;
	/* What was undone a moment ago is held for longer now. */
	if (governor->undone_s < governor->undo_after_s)
		governor->undo_after_s = fmin(2 * governor->undo_after_s, undo_most_s);
	else
		governor->undo_after_s = undo_least_s;
	if (next.heap_out && governor->tried_s > 0)
		governor->retry_s = fmin(2 * governor->retry_s, retry_most_s);
	governor->cost_pct = governor_cost_pct(&facts.cost);
	if (next.frees_out || next.heap_out)
		governor->followed_pct = governor_followed_pct(governor, limits, &facts, &next);
	governor->out_s = governor->tried_s = governor->strained_s = 0;
	governor->predicted = next.time_halvings > 0;
	governor->setting = next;
}

static void undo(struct governor *governor, const struct governor_setting *next)
{
	governor->setting = *next;
	governor->calm_s = 0;
	governor->undone_s = 0;
}

/* What a share of the time costs is predicted as if the target did the same while the probes are
 * in, and it does less. Once it is measured the share is chosen anew, unless that has led to
 * another step lately. */
static bool correct(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *facts)
{
	const struct governor_setting next = governor_longer(governor, limits, facts, 1);

	if (!governor->predicted || governor->calm_s < correct_after_s)
		return false;
	governor->predicted = false;
	if (governor->undo_after_s > undo_least_s || governor_same(&next, &governor->setting))
		return false;
	undo(governor, &next);
	return true;
}

static void loosen(struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts)
{
	const struct governor_setting next = governor_looser(governor, limits, facts);

	if (governor_same(&next, &governor->setting) ||
	    !governor_fits(governor, limits, facts, &next, governor_calm)) {
		governor->calm_s = 0;
		return;
	}
	governor->calm_s += facts->seconds;
	if (correct(governor, limits, facts))
		return;
	if (governor->calm_s >= governor->undo_after_s)
		undo(governor, &next);
}

/* What they would cost is not known while they are out: they are put back to see, where possible
 * for as little of the time as can be. */
static void wait_out(struct governor *governor, const struct governor_limits *limits,
		     double seconds)
{
	governor->out_s += seconds;
	if (governor->out_s < governor->retry_s)
		return;
	governor->setting.heap_out = false;
	governor->setting.frees_out = limits->counted_halvings_most > 0;
	governor->setting.time_halvings = limits->counted_halvings_most;
	governor->tried_s = seconds;
	governor->undone_s = 0;
}

static void count_time(struct governor *governor, double seconds)
{
	governor->undone_s += seconds;
	if (governor->tried_s > 0)
		governor->tried_s += seconds;
	if (governor->tried_s > trial_s) {
		governor->tried_s = 0;
		governor->retry_s = retry_least_s;
	}
}

bool governor_next(struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts)
{
	const struct governor_setting before = governor->setting;

	if (!(limits->budget_pct > 0)) {
		governor_init(governor);
		return is_held(&before);
	}
	count_time(governor, facts->seconds);
	/* An unknown cost is no reason for anything. */
	if (isnan(governor_cost_ns(&facts->cost)) || !(facts->cost.seconds > 0))
		return false;
	if (is_over(governor, limits, facts))
		tighten(governor, limits, facts);
	else if (governor->setting.heap_out)
		wait_out(governor, limits, facts->seconds);
	else if (is_held(&governor->setting))
		loosen(governor, limits, facts);
	return !governor_same(&before, &governor->setting);
}
