#include "config.h"

#include "overhead/governor_steps.h"

#include <math.h>

#include "overhead/sampling_pace.h"

const double governor_calm = 0.65, governor_high = 1.5;

/* A step is to bring the cost to this part of the budget: what is shown is true to a fifth. */
static const double aim = 0.8;
/* What is live is given up for a small overshoot only when that lasts. Not so after a step of the
 * load. */
static const double small = 1.3, evidence_s = 5;
/* To hold back what costs less than this part of the budget would be seen and not help. */
static const double worth = 0.1;

enum { INTERVAL_FACTOR = 4 };

/* The probability that an allocation of the mean size is tracked. */
static double tracked(uint64_t interval, double bytes)
{
	return interval && bytes > 0 ? -expm1(-bytes / (double)interval) : 1;
}

double governor_cost_ns(const struct cost_slice *cost)
{
	return cost->entries_ns + cost->kept_ns + cost->sampled_ns + cost->followed_ns +
	       cost->sampling_ns;
}

/* Of the CPU time that the target would use, given what it uses without us. */
static double pct(const struct cost_slice *cost, double own_ns)
{
	double ns = governor_cost_ns(cost);

	return ns > 0 ? 100 * ns / (ns + own_ns) : 0;
}

double governor_cost_pct(const struct cost_slice *cost)
{
	return pct(cost, fmax(cost->target_ns - governor_cost_ns(cost), 0));
}

/* The interval with this floor: above its floor it is chosen by others. */
static uint64_t interval_with(const struct governor *governor, const struct governor_facts *facts,
			      uint64_t floor)
{
	bool held = facts->interval == governor->setting.interval_least;

	return floor > facts->interval || held ? floor : facts->interval;
}

/* The cost with this setting in place of the present one. */
static struct cost_slice predict(const struct governor *governor,
				 const struct governor_facts *facts,
				 const struct governor_setting *setting)
{
	const struct governor_setting *now = &governor->setting;
	struct cost_slice cost = facts->cost;
	double share = ldexp(1, (int)now->time_halvings - (int)setting->time_halvings);
	double sampled = tracked(interval_with(governor, facts, setting->interval_least),
				 facts->allocation_bytes) /
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

bool governor_fits(const struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts, const struct governor_setting *setting,
		   double part)
{
	const struct cost_slice cost = predict(governor, facts, setting);
	double own_ns = fmax(facts->cost.target_ns - governor_cost_ns(&facts->cost), 0);

	return pct(&cost, own_ns) <= part * limits->budget_pct ||
	       governor_cost_ns(&cost) <=
		   part * GOVERNOR_NEGLIGIBLE_CORES * 1e9 * facts->cost.seconds;
}

static bool matters(const struct governor_limits *limits, const struct governor_facts *facts,
		    double ns)
{
	return 100 * ns > worth * limits->budget_pct * facts->cost.target_ns;
}

/* For as small a share of the time as it takes. False: the smallest one does not suffice. */
static bool share_time(const struct governor *governor, const struct governor_limits *limits,
		       const struct governor_facts *facts, struct governor_setting *setting)
{
	unsigned most =
	    setting->frees_out ? limits->counted_halvings_most : limits->time_halvings_most;

	while (!governor_fits(governor, limits, facts, setting, aim) &&
	       setting->time_halvings < most)
		setting->time_halvings++;
	return governor_fits(governor, limits, facts, setting, aim);
}

/* As many samples as fit: in moments there are few, however rare they had to be before. */
static void sample_more(const struct governor *governor, const struct governor_limits *limits,
			const struct governor_facts *facts, struct governor_setting *setting)
{
	struct governor_setting finer = *setting;

	while (finer.interval_least > SAMPLING_INTERVAL_LEAST) {
		finer.interval_least /= INTERVAL_FACTOR;
		if (!governor_fits(governor, limits, facts, &finer, aim))
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
	    (share_time(governor, limits, facts, &followed) ||
	     governor_fits(governor, limits, facts, &followed, 1) ||
	     (governor->strained_s < evidence_s &&
	      governor_fits(governor, limits, facts, &governor->setting, governor_high) &&
	      governor_fits(governor, limits, facts, &followed, small))))
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

struct governor_setting governor_tighter(const struct governor *governor,
					 const struct governor_limits *limits,
					 const struct governor_facts *facts)
{
	struct governor_setting setting = governor->setting;
	uint64_t interval = facts->interval ? facts->interval : SAMPLING_INTERVAL_LEAST;

	/* Where allocations are only counted, in moments, samples are few enough. */
	if (limits->heap && !setting.heap_out && !setting.frees_out) {
		while (!governor_fits(governor, limits, facts, &setting, aim) &&
		       setting.interval_least < SAMPLING_INTERVAL_MOST &&
		       matters(limits, facts, predict(governor, facts, &setting).sampled_ns)) {
			setting.interval_least = interval;
			interval *= INTERVAL_FACTOR;
		}
		if (setting.interval_least > SAMPLING_INTERVAL_MOST)
			setting.interval_least = SAMPLING_INTERVAL_MOST;
	}
	while (!governor_fits(governor, limits, facts, &setting, aim) &&
	       setting.halvings < limits->halvings_most &&
	       matters(limits, facts, predict(governor, facts, &setting).sampling_ns))
		setting.halvings++;
	if (limits->heap && !setting.heap_out &&
	    !governor_fits(governor, limits, facts, &setting, aim))
		setting = fewer_probes(governor, limits, facts, &setting);
	return setting;
}

struct governor_setting governor_longer(const struct governor *governor,
					const struct governor_limits *limits,
					const struct governor_facts *facts, unsigned least)
{
	struct governor_setting setting = governor->setting, next = setting;

	while (next.time_halvings > least) {
		next.time_halvings--;
		if (!governor_fits(governor, limits, facts, &next, governor_calm))
			break;
		setting = next;
	}
	return setting;
}

struct governor_setting governor_looser(const struct governor *governor,
					const struct governor_limits *limits,
					const struct governor_facts *facts)
{
	struct governor_setting setting = governor->setting, followed = setting;

	followed.frees_out = false;
	followed.time_halvings = limits->time_halvings_most;
	if (setting.frees_out && (!setting.time_halvings ||
				  governor_fits(governor, limits, facts, &followed, governor_calm)))
		return followed;
	if (setting.time_halvings)
		return governor_longer(governor, limits, facts, 0);
	if (setting.halvings)
		setting.halvings--;
	else if (setting.interval_least <= SAMPLING_INTERVAL_LEAST)
		setting.interval_least = 0;
	else
		setting.interval_least /= INTERVAL_FACTOR;
	return setting;
}

double governor_followed_pct(const struct governor *governor, const struct governor_limits *limits,
			     const struct governor_facts *facts,
			     const struct governor_setting *next)
{
	struct governor_setting followed = *next;
	struct cost_slice cost;

	followed.frees_out = followed.heap_out = false;
	followed.time_halvings = limits->time_halvings_most;
	cost = predict(governor, facts, &followed);
	return pct(&cost, fmax(facts->cost.target_ns - governor_cost_ns(&facts->cost), 0));
}

bool governor_same(const struct governor_setting *a, const struct governor_setting *b)
{
	return a->interval_least == b->interval_least && a->halvings == b->halvings &&
	       a->time_halvings == b->time_halvings && a->frees_out == b->frees_out &&
	       a->heap_out == b->heap_out;
}
