/* governor: the share of the time for a target that is busy all the time, and so does less while
 * the probes are in. Costs are as the window has them, by the quarter of a second. */
#include "config.h"

#include "overhead/governor.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

static const double quarter_s = 0.25, trap_s = 500e-9;

static const struct governor_limits limits = {.budget_pct = 5,
					      .heap = true,
					      .halvings_most = 3,
					      .time_halvings_most = 2,
					      .counted_halvings_most = 7};

static struct governor governor;
static struct cost_window window;
static unsigned steps;

/* A quarter of a second of a target that allocates and frees so often in a second of its own time.
 */
static struct cost_slice slice_of(double pairs_per_s)
{
	const struct governor_setting *setting = &governor.setting;
	double share = ldexp(1, -(int)setting->time_halvings);
	double calls = setting->heap_out ? 0 : pairs_per_s * trap_s;
	double frees = setting->heap_out || setting->frees_out ? 0 : pairs_per_s * trap_s;
	double open_s = share * quarter_s, open_own_s = open_s / (1 + calls + frees);
	double own_s = open_own_s + (quarter_s - open_s) / (1 + frees);

	return (struct cost_slice){
	    .seconds = quarter_s,
	    .open_s = open_s,
	    .target_ns = quarter_s * 1e9,
	    .entries_ns = calls * open_own_s * 1e9,
	    .kept_ns = frees * own_s * 1e9,
	};
}

/* Lets it pass. Returns what it has cost, in per cent. */
static double pass(double pairs_per_s)
{
	const struct cost_slice slice = slice_of(pairs_per_s);
	unsigned halvings = governor.setting.time_halvings;
	struct governor_facts facts = {
	    .seconds = quarter_s,
	    .interval = governor.setting.interval_least,
	    .allocation_bytes = 100,
	};

	cost_window_add(&window, &slice);
	facts.cost =
	    halvings ? cost_window_shared(&window, halvings, 1) : cost_window_since(&window);
	facts.latest = halvings ? (struct cost_slice){0} : cost_window_latest(&window);
	if (governor_next(&governor, &limits, &facts)) {
		steps++;
		cost_window_changed(&window);
	}
	return cost_heap_pct(&slice);
}

static double pass_s(double pairs_per_s, double seconds)
{
	double sum = 0, count = seconds / quarter_s;

	for (double i = 0; i < count; i++)
		sum += pass(pairs_per_s) / count;
	return sum;
}

static void init(void)
{
	window = (struct cost_window){0};
	governor_init(&governor);
	steps = 0;
}

TestSuite(governor_share, .init = init);

ParameterizedTestParameters(governor_share, settles_near_the_budget)
{
	static double pairs_per_s[] = {3e5, 5e5, 7e5, 1e6, 1.4e6, 2e6, 3e6, 4e6, 8e6, 2e7};

	return cr_make_param_array(double, pairs_per_s, sizeof(pairs_per_s) / sizeof(*pairs_per_s));
}

/* Between a third of it and all of it, in a few seconds and for good. */
ParameterizedTest(double *pairs_per_s, governor_share, settles_near_the_budget)
{
	double sum = 0, each;

	pass_s(1000, 10);
	cr_assert_eq(steps, 0);
	(void)pass_s(*pairs_per_s, 1);
	each = pass_s(*pairs_per_s, 1);
	cr_expect_lt(each, 5, "%f in the second after the step of the load", each);
	(void)pass_s(*pairs_per_s, 2);
	cr_expect_leq(steps, 2, "%u", steps);
	steps = 0;
	for (int second = 0; second < 600; second++) {
		each = pass_s(*pairs_per_s, 1);
		cr_expect_leq(each, 5);
		cr_expect_geq(each, 1.6, "%f at 1/%u of the time", each,
			      1U << governor.setting.time_halvings);
		sum += each;
	}
	cr_expect(governor.setting.frees_out);
	cr_expect_eq(steps, 0, "%u after it had settled, at %f", steps, sum / 600);
}

/* Not by a halving each ten seconds. */
Test(governor_share, what_fits_is_found_at_once_when_the_load_falls)
{
	double pct;

	pass_s(2e7, 30);
	cr_assert(governor.setting.frees_out);
	steps = 0;
	pass_s(2e5, 14);
	cr_expect_eq(steps, 1, "%u", steps);
	pct = pass_s(2e5, 1);
	cr_expect_gt(pct, 1.6, "%f", pct);
	cr_expect_lt(pct, 5, "%f", pct);
}

/* A share that was chosen anew too early is held for as long as any other step. */
Test(governor_share, seldom_steps_at_a_changing_load)
{
	double pct = 0;

	for (int turn = 0; turn < 600; turn++)
		pct += (pass_s(3e6, 3) + pass_s(3e5, 3)) / 1200;
	cr_expect_lt(steps, 60, "%u in an hour", steps);
	cr_expect_lt(pct, 5, "%f", pct);
}
