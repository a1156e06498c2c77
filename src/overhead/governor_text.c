/* What the governor has chosen, in words. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fmt.h"
#include "overhead/governor.h"

/* A budget that is to hold needs so much more than the cost is. */
static const double room = 1.2;

const char *governor_level(const struct governor *governor)
{
	if (governor->setting.heap_out)
		return "out";
	if (governor->setting.frees_out)
		return "counts";
	if (governor->setting.time_halvings)
		return "share";
	if (governor->setting.halvings)
		return "frequency";
	return governor->setting.interval_least ? "interval" : "none";
}

/* The budget that seeing frees needs, for --max-overhead: 0, no limit, where none of at most 100 % is enough. */
static double needed_budget(const struct governor *governor)
{
	double needed_pct = ceil(room * governor->followed_pct);

	return needed_pct <= 100 ? needed_pct : 0;
}

void governor_text(const struct governor *governor, const struct governor_limits *limits, char *buf,
		   size_t size)
{
	const struct governor_setting *setting = &governor->setting;
	char why[96], bytes[FMT_SIZE];

	if (size)
		buf[0] = '\0';
	if (strcmp(governor_level(governor), "none") == 0)
		return;
	(void)snprintf(why, sizeof(why), "at a cost of %.1f%% of the target's CPU time (--max-overhead %g)",
		       governor->cost_pct, limits->budget_pct);
	if (setting->heap_out)
		(void)snprintf(buf, size,
			       "the heap's probes are taken out %s: O lifts it; tried again in %.0f s",
			       why, fmax(governor->retry_s - governor->out_s, 0));
	else if (setting->frees_out)
		(void)snprintf(buf, size,
			       "live bytes unknown: frees would cost %.1f%%, the budget is %g%%: O lifts it "
			       "(--max-overhead %.0f); allocations for 1/%u of the time",
			       governor->followed_pct, limits->budget_pct, needed_budget(governor),
			       1U << setting->time_halvings);
	else if (setting->time_halvings)
		(void)snprintf(buf, size, "allocations are seen for 1/%u of the time %s",
			       1U << setting->time_halvings, why);
	else if (setting->halvings)
		(void)snprintf(buf, size, "the CPU is sampled at 1/%u of the frequency %s",
			       1U << setting->halvings, why);
	else
		(void)snprintf(buf, size, "the heap is sampled every %s at least %s",
			       fmt_bytes(bytes, sizeof(bytes), setting->interval_least), why);
}
