#include "config.h"

#include "overhead/probe_cost.h"

#include <math.h>

/* With fewer timed hits their mean says less than that of all so far. */
enum { TIMED_ENOUGH = 8 };

/* What a program takes that finds nothing to do, until enough were timed: the very first ones take many times
 * as long, and there may be no others. */
static const double idle_program_ns = 100;

struct timed {
	uint64_t count, ns;
};

/* The mean beside the clock's reading; that of all so far while there are few new ones. */
static double mean_ns(struct timed now, struct timed before, double clock_ns, double unknown_ns)
{
	struct timed recent = {now.count - before.count, now.ns - before.ns};

	if (!now.count)
		return unknown_ns;
	if (recent.count < TIMED_ENOUGH)
		recent = now;
	return fmax((double)recent.ns / (double)recent.count - clock_ns, 0);
}

static double returns_ns(const struct probe_facts *facts, const struct trap_cost *trap, double more_ns)
{
	const struct heap_hits *now = &facts->now, *before = &facts->before;

	if (!facts->returns)
		return 0;
	return (facts->all_returns ? 0 : more_ns) +
	       mean_ns((struct timed){now->returns_timed, now->returns_ns},
		       (struct timed){before->returns_timed, before->returns_ns}, trap->clock_ns, 0);
}

struct probe_cost probe_cost_between(const struct probe_facts *facts, const struct trap_cost *trap)
{
	const struct heap_hits *now = &facts->now, *before = &facts->before;
	double hits = (double)(heap_hits_all(now) - heap_hits_all(before));
	double booked = (double)(now->booked - before->booked);
	double entry_ns = facts->emulated ? trap->emulated_ns : trap->stepped_ns;
	double both_ns = facts->emulated ? trap->emulated_return_ns : trap->stepped_return_ns;
	double other_ns = now->others_timed < TIMED_ENOUGH
			      ? idle_program_ns
			      : mean_ns((struct timed){now->others_timed, now->others_ns},
					(struct timed){before->others_timed, before->others_ns},
					trap->clock_ns, idle_program_ns);
	double booked_ns = mean_ns((struct timed){now->booked_timed, now->booked_ns},
				   (struct timed){before->booked_timed, before->booked_ns},
				   trap->clock_ns, other_ns);
	/* Of a hit that is booked, what it would take if it were not. */
	double least_ns = fmin(other_ns, booked_ns);

	struct probe_cost cost = {0, 0};

	if (!(hits > 0))
		return cost;
	cost.entries_ns = hits * (facts->all_returns ? both_ns : entry_ns) + (hits - booked) * other_ns +
			  booked * least_ns;
	cost.sampled_ns = booked * (booked_ns - least_ns + returns_ns(facts, trap, both_ns - entry_ns));
	if (facts->all_booked) {
		cost.entries_ns += cost.sampled_ns;
		cost.sampled_ns = 0;
	}
	return cost;
}
