/* probe_cost: hits at what they cost, by hand. */
#include "config.h"

#include "overhead/probe_cost.h"

#include <criterion/criterion.h>
#include <math.h>

static const struct trap_cost trap = {
    .emulated_ns = 600,
    .stepped_ns = 10000,
    .emulated_return_ns = 1100,
    .stepped_return_ns = 12000,
    .clock_ns = 20,
};

static void expect_cost(const struct probe_facts *facts, double entries_ns, double sampled_ns)
{
	struct probe_cost cost = probe_cost_between(facts, &trap);

	cr_expect_float_eq(cost.entries_ns, entries_ns, 0.001, "%f", cost.entries_ns);
	cr_expect_float_eq(cost.sampled_ns, sampled_ns, 0.001, "%f", cost.sampled_ns);
}

Test(probe_cost, no_hits_cost_nothing)
{
	expect_cost(&(struct probe_facts){0}, 0, 0);
}

/* 1000 entries, each 600 for the trap and 80 for the program beside the clock. */
Test(probe_cost, entries_alone)
{
	expect_cost(&(struct probe_facts){.now = {.hits = 1000, .entries_timed = 10, .entries_ns = 1000},
					  .emulated = true},
		    680000, 0);
}

/* What a program takes above 100 ns is that of sampled calls. */
Test(probe_cost, half_of_the_calls_are_sampled)
{
	expect_cost(&(struct probe_facts){.now = {.hits = 1000,
						  .entries_timed = 10,
						  .entries_ns = 5200,
						  .returns_timed = 5,
						  .returns_ns = 1600},
					  .emulated = true},
		    700000, 1000 * (400 + 0.5 * (500 + 300)));
}

Test(probe_cost, stepped)
{
	expect_cost(&(struct probe_facts){.now = {.hits = 10, .entries_timed = 1, .entries_ns = 120}},
		    10 * 10100, 0);
}

/* The older links probe each return, whether the program wants to see it or not. */
Test(probe_cost, all_returns_are_probed)
{
	expect_cost(&(struct probe_facts){.now = {.hits = 10, .entries_timed = 1, .entries_ns = 120},
					  .emulated = true,
					  .all_returns = true},
		    10 * 1200, 0);
}

/* Only what has come since then counts; but with a few timed hits the mean is that of all. */
Test(probe_cost, since_the_last_time)
{
	struct probe_facts facts = {
	    .now = {.hits = 2000, .entries_timed = 20, .entries_ns = 20 * 70},
	    .before = {.hits = 1000, .entries_timed = 10, .entries_ns = 10 * 90},
	    .emulated = true,
	};

	expect_cost(&facts, 1000 * 630, 0);
	facts.before.entries_timed = 19;
	expect_cost(&facts, 1000 * 650, 0);
}

Test(probe_cost, unknown_while_no_trap_is_measured)
{
	const struct trap_cost none = {NAN, NAN, NAN, NAN, NAN};
	struct probe_facts facts = {.now = {.hits = 1, .entries_timed = 1, .entries_ns = 100}};

	cr_expect(isnan(probe_cost_between(&facts, &none).entries_ns));
	facts.now.hits = 0;
	cr_expect_eq(probe_cost_between(&facts, &none).entries_ns, 0);
}
