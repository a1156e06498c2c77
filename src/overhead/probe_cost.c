#include "config.h"

#include "overhead/probe_cost.h"

#include <math.h>

/* With fewer timed hits their mean says less than that of all so far. */
enum { TIMED_ENOUGH = 8 };

/* What a program takes that finds nothing to do. */
static const double idle_program_ns = 100;

struct times {
	double entry_ns, return_ns; /* means */
	double returns;		    /* share of the hits whose return was seen */
};

static struct times mean_times(const struct heap_hits *now, const struct heap_hits *before, double clock_ns)
{
	double entries = (double)(now->entries_timed - before->entries_timed);
	double returns = (double)(now->returns_timed - before->returns_timed);
	struct times times = {0};

	if (entries > 0) {
		times.entry_ns =
		    fmax((double)(now->entries_ns - before->entries_ns) / entries - clock_ns, 0);
		times.returns = fmin(returns / entries, 1);
	}
	if (returns > 0)
		times.return_ns =
		    fmax((double)(now->returns_ns - before->returns_ns) / returns - clock_ns, 0);
	return times;
}

struct probe_cost probe_cost_between(const struct probe_facts *facts, const struct trap_cost *trap)
{
	static const struct heap_hits none = {0};
	bool enough = facts->now.entries_timed - facts->before.entries_timed >= TIMED_ENOUGH;
	struct times times =
	    mean_times(&facts->now, enough ? &facts->before : &none, trap->clock_ns);
	double hits = (double)(facts->now.hits - facts->before.hits);
	double entry_ns = facts->emulated ? trap->emulated_ns : trap->stepped_ns;
	double both_ns = facts->emulated ? trap->emulated_return_ns : trap->stepped_return_ns;
	double idle_ns = fmin(times.entry_ns, idle_program_ns);
	struct probe_cost cost;

	if (!(hits > 0))
		return (struct probe_cost){0, 0};
	if (facts->all_returns)
		entry_ns = both_ns;
	cost.entries_ns = hits * (entry_ns + idle_ns);
	cost.sampled_ns = hits * (times.entry_ns - idle_ns +
				  times.returns * (both_ns - entry_ns + times.return_ns));
	return cost;
}
