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
	expect_cost(&(struct probe_facts){.now = {.others = 1000, .others_timed = 10, .others_ns = 1000},
					  .emulated = true,
					  .returns = true},
		    680000, 0);
}

/* Each that is booked takes 400 more at its entry, the trap of its return and 300 there. */
Test(probe_cost, half_of_the_calls_are_booked)
{
	struct probe_facts facts = {.now = {.booked = 500,
					    .others = 500,
					    .booked_timed = 5,
					    .booked_ns = 5 * 520,
					    .others_timed = 10,
					    .others_ns = 10 * 120,
					    .returns_timed = 4,
					    .returns_ns = 4 * 320},
				    .emulated = true,
				    .returns = true};

	expect_cost(&facts, 700000, 500 * (400 + 500 + 300));
	facts.returns = false;
	expect_cost(&facts, 700000, 500 * 400);
}

/* Whether they are sampled makes no difference to these. */
Test(probe_cost, all_calls_are_booked)
{
	struct probe_facts facts = {.now = {.booked = 1000,
					    .booked_timed = 5,
					    .booked_ns = 5 * 520,
					    .returns_timed = 4,
					    .returns_ns = 4 * 320},
				    .emulated = true,
				    .returns = true,
				    .all_booked = true};
	struct probe_cost cost = probe_cost_between(&facts, &trap), split;

	cr_expect_eq(cost.sampled_ns, 0);
	facts.all_booked = false;
	split = probe_cost_between(&facts, &trap);
	cr_expect_gt(split.sampled_ns, 0);
	cr_expect_float_eq(cost.entries_ns, split.entries_ns + split.sampled_ns, 0.001);
}

/* Before any was timed the program is taken to do nothing. */
Test(probe_cost, none_is_timed_yet)
{
	expect_cost(&(struct probe_facts){.now = {.booked = 10}, .emulated = true, .returns = true},
		    10 * 700, 10 * 500);
}

Test(probe_cost, stepped)
{
	expect_cost(&(struct probe_facts){.now = {.others = 10, .others_timed = 1, .others_ns = 120}},
		    10 * 10100, 0);
}

/* The older links probe each return, whether the program wants to see it or not. */
Test(probe_cost, all_returns_are_probed)
{
	expect_cost(&(struct probe_facts){.now = {.booked = 2,
						  .others = 8,
						  .booked_timed = 1,
						  .booked_ns = 120,
						  .others_timed = 1,
						  .others_ns = 120,
						  .returns_timed = 1,
						  .returns_ns = 50},
					  .emulated = true,
					  .returns = true,
					  .all_returns = true},
		    10 * 1200, 2 * 30);
}

/* Only what has come since then counts; but with a few timed hits the mean is that of all. */
Test(probe_cost, since_the_last_time)
{
	struct probe_facts facts = {
	    .now = {.others = 2000, .others_timed = 20, .others_ns = 20 * 70},
	    .before = {.others = 1000, .others_timed = 10, .others_ns = 10 * 90},
	    .emulated = true,
	};

	expect_cost(&facts, 1000 * 630, 0);
	facts.before.others_timed = 19;
	expect_cost(&facts, 1000 * 650, 0);
}

/* One that found nothing to do, before anything was in the caches, says nothing of all that are booked. */
Test(probe_cost, the_first_hits_are_slow)
{
	struct probe_facts facts = {.now = {.booked = 999,
					    .others = 1,
					    .booked_timed = 10,
					    .booked_ns = 10 * 320,
					    .others_timed = 1,
					    .others_ns = 3020},
				    .emulated = true};

	expect_cost(&facts, 1000 * 700, 999 * 200);
}

/* Each hit costs what it took: the sum is right, and nothing less than nothing. */
Test(probe_cost, others_take_longer)
{
	struct probe_facts facts = {.now = {.booked = 500,
					    .others = 500,
					    .booked_timed = 10,
					    .booked_ns = 10 * 320,
					    .others_timed = 10,
					    .others_ns = 10 * 520},
				    .emulated = true};

	expect_cost(&facts, 500 * (600 + 300) + 500 * (600 + 500), 0);
}

Test(probe_cost, unknown_while_no_trap_is_measured)
{
	const struct trap_cost none = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
	struct probe_facts facts = {.now = {.others = 1, .others_timed = 1, .others_ns = 100}};

	cr_expect(isnan(probe_cost_between(&facts, &none).entries_ns));
	facts.now.others = 0;
	cr_expect_eq(probe_cost_between(&facts, &none).entries_ns, 0);
}
