#include "config.h"

#include "overhead/governor.h"

#include <math.h>

#include "overhead/sampling_pace.h"

/* A step is to bring the cost to this part of the budget: what is shown is true to a fifth. */
static const double aim = 0.8;
/* It is undone when all would stay below this part. */
static const double calm = 0.65;
/* A short peak is no reason, one that is high is. */
static const double patience_s = 0.4, high = 1.5;
/* What is live is given up for a small overshoot only when that lasts. Not so after a step of the load. */
static const double small = 1.3, evidence_s = 5;
static const double undo_least_s = 10, undo_most_s = 320;
/* Of a share of the time that turns out to cost less than was predicted, after so long. */
static const double correct_after_s = 1.5;
static const double retry_least_s = 30, retry_most_s = 1920;
/* So long the probes are on trial after they were put back. */
static const double trial_s = 3;

/* To hold back what costs less than this part of the budget would be seen and not help. */
static const double worth = 0.1;

enum { INTERVAL_FACTOR = 4 };

void governor_init(struct governor *governor)
{
	*governor = (struct governor){.undo_after_s = undo_least_s,
				      .retry_s = retry_least_s,
				      .undone_s = (double)INFINITY};
}

/* The probability that an allocation of the mean size is tracked. */
static double tracked(uint64_t interval, double bytes)
{
	return interval && bytes > 0 ? -expm1(-bytes / (double)interval) : 1;
}

static double cost_ns(const struct cost_slice *cost)
{
	return cost->entries_ns + cost->kept_ns + cost->sampled_ns + cost->followed_ns + cost->sampling_ns;
}

/* Of the CPU time that the target would use, given what it uses without us. */
static double pct(const struct cost_slice *cost, double own_ns)
{
	double ns = cost_ns(cost);

	return ns > 0 ? 100 * ns / (ns + own_ns) : 0;
}

static double slice_pct(const struct cost_slice *cost)
{
	return pct(cost, fmax(cost->target_ns - cost_ns(cost), 0));
}

/* The interval with this floor: above its floor it is chosen by others. */
static uint64_t interval_with(const struct governor *governor, const struct governor_facts *facts,
			      uint64_t floor)
{
	bool held = facts->interval == governor->setting.interval_least;

	return floor > facts->interval || held ? floor : facts->interval;
}

/* The cost with this setting in place of the present one. */
static struct cost_slice predict(const struct governor *governor, const struct governor_facts *facts,
				 const struct governor_setting *setting)
{
	const struct governor_setting *now = &governor->setting;
	struct cost_slice cost = facts->cost;
	double share = ldexp(1, (int)now->time_halvings - (int)setting->time_halvings);
	double sampled =
	    tracked(interval_with(governor, facts, setting->interval_least), facts->allocation_bytes) /
	    tracked(facts->interval, facts->allocation_bytes);

	/* As long as what frees is not seen it is taken to be called as often as what allocates. */
	if (now->frees_out && !setting->frees_out)
		cost.kept_ns = ldexp(cost.entries_ns, (int)now->time_halvings);
	if (setting->frees_out && !now->frees_out)
		cost.entries_ns += ldexp(cost.reallocs_ns, -(int)now->time_halvings);
	/* Taking them out takes a while, in which they still cost something. */
	if (setting->frees_out)
		cost.kept_ns = cost.followed_ns = 0;
	cost.entries_ns *= share;
	cost.sampled_ns *= share * sampled;
	cost.followed_ns *= share * sampled;
	cost.sampling_ns *= ldexp(1, (int)now->halvings - (int)setting->halvings);
	if (setting->heap_out)
		cost.entries_ns = cost.kept_ns = cost.sampled_ns = cost.followed_ns = 0;
	return cost;
}

static bool fits(const struct governor *governor, const struct governor_limits *limits,
		 const struct governor_facts *facts, const struct governor_setting *setting, double part)
{
	const struct cost_slice cost = predict(governor, facts, setting);
	double own_ns = fmax(facts->cost.target_ns - cost_ns(&facts->cost), 0);

	return pct(&cost, own_ns) <= part * limits->budget_pct ||
	       cost_ns(&cost) <= part * GOVERNOR_NEGLIGIBLE_CORES * 1e9 * facts->cost.seconds;
}

static bool matters(const struct governor_limits *limits, const struct governor_facts *facts, double ns)
{
	return 100 * ns > worth * limits->budget_pct * facts->cost.target_ns;
}

/* For as small a share of the time as it takes. False: the smallest one does not suffice. */
static bool share_time(const struct governor *governor, const struct governor_limits *limits,
		       const struct governor_facts *facts, struct governor_setting *setting)
{
	unsigned most =
	    setting->frees_out ? limits->counted_halvings_most : limits->time_halvings_most;

	while (!fits(governor, limits, facts, setting, aim) && setting->time_halvings < most)
		setting->time_halvings++;
	return fits(governor, limits, facts, setting, aim);
}

/* As many samples as fit: in moments there are few, however rare they had to be before. */
static void sample_more(const struct governor *governor, const struct governor_limits *limits,
			const struct governor_facts *facts, struct governor_setting *setting)
{
	struct governor_setting finer = *setting;

	while (finer.interval_least > SAMPLING_INTERVAL_LEAST) {
		finer.interval_least /= INTERVAL_FACTOR;
		if (!fits(governor, limits, facts, &finer, aim))
			return;
		*setting = finer;
	}
}

/* What frees is probed all the time, or not at all: only when all else does not suffice. */
static struct governor_setting fewer_probes(const struct governor *governor,
					    const struct governor_limits *limits,
					    const struct governor_facts *facts,
					    const struct governor_setting *now)
{
	struct governor_setting followed = *now, counted = *now, out = *now;

	if (!now->frees_out &&
	    (share_time(governor, limits, facts, &followed) || fits(governor, limits, facts, &followed, 1) ||
	     (governor->strained_s < evidence_s && fits(governor, limits, facts, &governor->setting, high) &&
	      fits(governor, limits, facts, &followed, small))))
		return followed;
	counted.frees_out = true;
	if (limits->counted_halvings_most && share_time(governor, limits, facts, &counted)) {
		sample_more(governor, limits, facts, &counted);
		return counted;
	}
	out.time_halvings = 0;
	out.frees_out = false;
	out.heap_out = true;
	return out;
}

/* As much of a measure as helps, the next one only when this does not suffice. */
static struct governor_setting tighter(const struct governor *governor,
				       const struct governor_limits *limits,
				       const struct governor_facts *facts)
{
	struct governor_setting setting = governor->setting;
	uint64_t interval = facts->interval ? facts->interval : SAMPLING_INTERVAL_LEAST;

	/* Where allocations are only counted, in moments, samples are few enough. */
	if (limits->heap && !setting.heap_out && !setting.frees_out) {
		while (!fits(governor, limits, facts, &setting, aim) &&
		       setting.interval_least < SAMPLING_INTERVAL_MOST &&
		       matters(limits, facts, predict(governor, facts, &setting).sampled_ns)) {
			setting.interval_least = interval;
			interval *= INTERVAL_FACTOR;
		}
		if (setting.interval_least > SAMPLING_INTERVAL_MOST)
			setting.interval_least = SAMPLING_INTERVAL_MOST;
	}
	while (!fits(governor, limits, facts, &setting, aim) &&
	       setting.halvings < limits->halvings_most &&
	       matters(limits, facts, predict(governor, facts, &setting).sampling_ns))
		setting.halvings++;
	if (limits->heap && !setting.heap_out && !fits(governor, limits, facts, &setting, aim))
		setting = fewer_probes(governor, limits, facts, &setting);
	return setting;
}

/* For as large a share of the time as stays calm, from at most 1 / 2^least on. */
static struct governor_setting longer(const struct governor *governor, const struct governor_limits *limits,
				      const struct governor_facts *facts, unsigned least)
{
	struct governor_setting setting = governor->setting, next = setting;

	while (next.time_halvings > least) {
		next.time_halvings--;
		if (!fits(governor, limits, facts, &next, calm))
			break;
		setting = next;
	}
	return setting;
}

/* One measure less: a share of the time by as much as fits, which is known well; others by a step. */
static struct governor_setting looser(const struct governor *governor,
				      const struct governor_limits *limits,
				      const struct governor_facts *facts)
{
	struct governor_setting setting = governor->setting, followed = setting;

	followed.frees_out = false;
	followed.time_halvings = limits->time_halvings_most;
	if (setting.frees_out &&
	    (!setting.time_halvings || fits(governor, limits, facts, &followed, calm)))
		return followed;
	if (setting.time_halvings)
		return longer(governor, limits, facts, 0);
	if (setting.halvings)
		setting.halvings--;
	else if (setting.interval_least <= SAMPLING_INTERVAL_LEAST)
		setting.interval_least = 0;
	else
		setting.interval_least /= INTERVAL_FACTOR;
	return setting;
}

static bool is_held(const struct governor_setting *setting)
{
	return setting->interval_least || setting->halvings || setting->time_halvings ||
	       setting->frees_out || setting->heap_out;
}

static bool same(const struct governor_setting *a, const struct governor_setting *b)
{
	return a->interval_least == b->interval_least && a->halvings == b->halvings &&
	       a->time_halvings == b->time_halvings && a->frees_out == b->frees_out &&
	       a->heap_out == b->heap_out;
}

static bool is_over(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *facts)
{
	if (fits(governor, limits, facts, &governor->setting, 1)) {
		governor->over_s = governor->strained_s = 0;
		return false;
	}
	governor->over_s += facts->seconds;
	governor->strained_s += facts->seconds;
	return governor->over_s >= patience_s || slice_pct(&facts->cost) > high * limits->budget_pct ||
	       slice_pct(&facts->latest) > high * limits->budget_pct;
}

/* What it would cost to see what is freed, at the least. */
static double followed_pct(const struct governor *governor, const struct governor_limits *limits,
			   const struct governor_facts *facts, const struct governor_setting *next)
{
	struct governor_setting followed = *next;
	struct cost_slice cost;

	followed.frees_out = followed.heap_out = false;
	followed.time_halvings = limits->time_halvings_most;
	cost = predict(governor, facts, &followed);
	return pct(&cost, fmax(facts->cost.target_ns - cost_ns(&facts->cost), 0));
}

static void tighten(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *given)
{
	struct governor_facts facts = *given;
	struct governor_setting next;

	/* A load that has just risen: in what was before there is less of it. */
	if (slice_pct(&given->latest) > slice_pct(&given->cost))
		facts.cost = given->latest;
	next = tighter(governor, limits, &facts);
	governor->over_s = governor->calm_s = 0;
	if (same(&next, &governor->setting))
		return;
	/* What was undone a moment ago is held for longer now. */
	if (governor->undone_s < governor->undo_after_s)
		governor->undo_after_s = fmin(2 * governor->undo_after_s, undo_most_s);
	else
		governor->undo_after_s = undo_least_s;
	if (next.heap_out && governor->tried_s > 0)
		governor->retry_s = fmin(2 * governor->retry_s, retry_most_s);
	governor->cost_pct = slice_pct(&facts.cost);
	if (next.frees_out || next.heap_out)
		governor->followed_pct = followed_pct(governor, limits, &facts, &next);
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

/* What a share of the time costs is predicted as if the target did the same while the probes are in, and it
 * does less. Once it is measured the share is chosen anew, unless that has led to another step lately. */
static bool correct(struct governor *governor, const struct governor_limits *limits,
		    const struct governor_facts *facts)
{
	const struct governor_setting next = longer(governor, limits, facts, 1);

	if (!governor->predicted || governor->calm_s < correct_after_s)
		return false;
	governor->predicted = false;
	if (governor->undo_after_s > undo_least_s || same(&next, &governor->setting))
		return false;
	undo(governor, &next);
	return true;
}

static void loosen(struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts)
{
	const struct governor_setting next = looser(governor, limits, facts);

	if (same(&next, &governor->setting) || !fits(governor, limits, facts, &next, calm)) {
		governor->calm_s = 0;
		return;
	}
	governor->calm_s += facts->seconds;
	if (correct(governor, limits, facts))
		return;
	if (governor->calm_s >= governor->undo_after_s)
		undo(governor, &next);
}

/* What they would cost is not known while they are out: they are put back to see, where possible for as
 * little of the time as can be. */
static void wait_out(struct governor *governor, const struct governor_limits *limits, double seconds)
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
	if (isnan(cost_ns(&facts->cost)) || !(facts->cost.seconds > 0))
		return false;
	if (is_over(governor, limits, facts))
		tighten(governor, limits, facts);
	else if (governor->setting.heap_out)
		wait_out(governor, limits, facts->seconds);
	else if (is_held(&governor->setting))
		loosen(governor, limits, facts);
	return !same(&before, &governor->setting);
}
