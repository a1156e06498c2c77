/* governor: simulated targets, whose cost follows from the setting; time in quarters of a second. */
#include "config.h"

#include "overhead/governor.h"
#include "overhead/sampling_pace.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const double quarter_s = 0.25;

/* A target that works all the time: in a second of its own time it makes so many calls. */
struct load {
	double calls_per_s;
	double bytes;		/* of an allocation */
	double trap_ns;		/* of each entry, and of each free */
	double tracked_ns;	/* of a tracked allocation, above that */
	double frequency_hz;
	double sample_ns;
	double followed_ns;	/* of a tracked object's free, above trap_ns */
};

static const struct load light = {1000, 100, 700, 2000, 99, 13000, 0};
/* 3 % by traps, 10 % when each call is tracked. */
static const struct load tracked_dear = {21000, 100, 700, 5000, 99, 13000, 0};
/* 3 % by traps; each object that is tracked costs as much again, two thirds of it when it is freed. */
static const struct load followed_dear = {21000, 100, 700, 500, 99, 13000, 1000};
static const struct load samples_dear = {0, 0, 700, 2000, 9999, 13000, 0};
static const struct load traps_dear = {300000, 100, 700, 2000, 99, 13000, 0};

/* 6 %, of which half must be paid by whoever tracks anything. */
static const struct load traps_above = {45000, 100, 700, 2000, 99, 13000, 0};

/* What frees costs 4.1 % or 5.0 %, a quarter of what allocates beside it 5 % and 6 %. */
static const struct load frees_within = {54000, 100, 700, 0, 99, 13000, 0};
static const struct load frees_above = {70000, 100, 700, 0, 99, 13000, 0};

static const struct governor_limits five = {
    .budget_pct = 5, .heap = true, .halvings_most = 9, .time_halvings_most = 2};

/* The same where what frees may be left alone. */
static const struct governor_limits counting = {.budget_pct = 5,
						.heap = true,
						.halvings_most = 9,
						.time_halvings_most = 2,
						.counted_halvings_most = 7};

static struct governor governor;
static struct cost_window window;
static unsigned steps;

static double tracked(const struct load *load, uint64_t interval)
{
	return interval ? -expm1(-load->bytes / (double)interval) : 1;
}

/* What a second of the target's own time costs, at the present setting. */
static struct cost_slice cost_of(const struct load *load)
{
	const struct governor_setting *setting = &governor.setting;
	double frees = setting->heap_out ? 0 : load->calls_per_s;
	double calls = ldexp(frees, -(int)setting->time_halvings);
	struct cost_slice cost = {
	    .seconds = 1,
	    .entries_ns = calls * load->trap_ns,
	    .kept_ns = setting->frees_out ? 0 : frees * load->trap_ns,
	    .sampled_ns = calls * load->tracked_ns * tracked(load, setting->interval_least),
	    .followed_ns = setting->frees_out ? 0 : calls * load->followed_ns * tracked(load, setting->interval_least),
	    .sampling_ns = load->frequency_hz * load->sample_ns / ldexp(1, (int)setting->halvings),
	};

	cost.target_ns =
	    1e9 + cost.entries_ns + cost.kept_ns + cost.sampled_ns + cost.followed_ns + cost.sampling_ns;
	return cost;
}

static double pct(const struct load *load)
{
	const struct cost_slice cost = cost_of(load);

	return 100 * (cost.target_ns - 1e9) / cost.target_ns;
}

static void run(const struct load *load, double seconds, const struct governor_limits *limits)
{
	for (double time = 0; time < seconds; time += quarter_s) {
		const struct governor_facts facts = {
		    .seconds = quarter_s,
		    .cost = cost_of(load),
		    .interval = governor.setting.interval_least,
		    .allocation_bytes = load->bytes,
		};

		steps += governor_next(&governor, limits, &facts);
	}
}

/* The same for a quarter of a second, by the window that the costs are kept in. */
static void measure(const struct load *load, const struct governor_limits *limits)
{
	struct cost_slice slice = cost_of(load);
	unsigned halvings = governor.setting.time_halvings;
	struct governor_facts facts = {
	    .seconds = quarter_s,
	    .interval = governor.setting.interval_least,
	    .allocation_bytes = load->bytes,
	};

	slice.seconds *= quarter_s;
	slice.open_s = ldexp(slice.seconds, -(int)halvings);
	slice.entries_ns *= quarter_s;
	slice.kept_ns *= quarter_s;
	slice.sampled_ns *= quarter_s;
	slice.followed_ns *= quarter_s;
	slice.sampling_ns *= quarter_s;
	slice.target_ns *= quarter_s;
	cost_window_add(&window, &slice);
	facts.cost = halvings ? cost_window_shared(&window, halvings, 0.1) : cost_window_since(&window);
	facts.latest = halvings ? (struct cost_slice){0} : cost_window_latest(&window);
	if (!governor_next(&governor, limits, &facts))
		return;
	steps++;
	cost_window_changed(&window);
}

static void init(void)
{
	window = (struct cost_window){0};
	governor_init(&governor);
	steps = 0;
}

TestSuite(governor, .init = init);

Test(governor, a_light_load_is_left_alone)
{
	run(&light, 60, &five);
	cr_expect_eq(steps, 0);
	cr_expect_str_eq(governor_level(&governor), "none");
}

Test(governor, first_the_interval_rises)
{
	cr_assert_gt(pct(&tracked_dear), 10);
	run(&tracked_dear, 1, &five);
	cr_expect_lt(pct(&tracked_dear), 5);
	cr_expect_gt(governor.setting.interval_least, 0);
	cr_expect_eq(governor.setting.halvings, 0);
	cr_expect(!governor.setting.heap_out);
	cr_expect_str_eq(governor_level(&governor), "interval");
}

/* What is tracked more rarely is found more rarely when it is freed: that suffices. */
Test(governor, frees_cost_less_at_a_larger_interval)
{
	cr_assert_gt(pct(&followed_dear), 5);
	run(&followed_dear, 1, &counting);
	cr_expect_str_eq(governor_level(&governor), "interval");
	cr_expect_lt(pct(&followed_dear), 4);
}

Test(governor, then_the_frequency_falls)
{
	cr_assert_gt(pct(&samples_dear), 10);
	run(&samples_dear, 1, &five);
	cr_expect_lt(pct(&samples_dear), 5);
	cr_expect_eq(governor.setting.halvings, 2);
	cr_expect_eq(governor.setting.interval_least, 0, "that would not help");
	cr_expect(!governor.setting.heap_out);
}

Test(governor, allocations_are_seen_for_a_share_of_the_time_where_that_suffices)
{
	cr_assert_gt(pct(&traps_above), 6);
	run(&traps_above, 1, &five);
	cr_expect_lt(pct(&traps_above), 5);
	cr_expect_eq(governor.setting.time_halvings, 2);
	cr_expect(!governor.setting.heap_out);
	cr_expect_str_eq(governor_level(&governor), "share");
	run(&light, 600, &five);
	cr_expect_eq(governor.setting.time_halvings, 0, "undone");
	cr_expect_str_eq(governor_level(&governor), "none");
}

/* 30 %, of which the half for frees is too much by itself. */
Test(governor, then_allocations_are_only_counted)
{
	char text[256];

	run(&traps_dear, 1, &counting);
	cr_expect_lt(pct(&traps_dear), 5);
	cr_expect(governor.setting.frees_out);
	cr_expect_eq(governor.setting.time_halvings, 3);
	cr_expect(!governor.setting.heap_out);
	cr_expect_str_eq(governor_level(&governor), "counts");
	governor_text(&governor, &counting, text, sizeof(text));
	cr_expect(strstr(text, "allocations for 1/8 of the time"), "%s", text);
	steps = 0;
	run(&traps_dear, 3600, &counting);
	cr_expect_eq(steps, 0, "%u", steps);
	run(&light, 600, &counting);
	cr_expect_str_eq(governor_level(&governor), "none", "undone");
}

/* Of a small overshoot the milder steps are taken at once, and what is live is given up only when it lasts. */
Test(governor, what_is_live_is_not_given_up_at_once)
{
	run(&frees_within, 1, &counting);
	cr_assert_gt(pct(&frees_above), 5);
	cr_assert_lt(pct(&frees_above), 6.5);
	cr_expect_str_eq(governor_level(&governor), "share");
	cr_expect_eq(governor.setting.time_halvings, 2);
	run(&frees_above, 3, &counting);
	cr_expect(!governor.setting.frees_out, "too early");
	run(&light, 1, &counting);
	run(&frees_above, 4, &counting);
	cr_expect(!governor.setting.frees_out, "it was calm between");
	run(&frees_above, 3, &counting);
	cr_expect(governor.setting.frees_out);
	cr_expect_lt(pct(&frees_above), 5);
}

/* How rare samples had to be while all that is allocated was seen says nothing of moments. */
Test(governor, samples_in_moments_are_as_many_as_fit)
{
	static const struct load tracked_very_dear = {100000, 100, 150, 30000, 99, 13000, 0};

	run(&tracked_very_dear, 5, &counting);
	cr_assert_geq(governor.setting.interval_least, 4 * SAMPLING_INTERVAL_LEAST);
	cr_assert(!governor.setting.frees_out);
	run(&traps_dear, 2, &counting);
	cr_expect(governor.setting.frees_out);
	cr_expect_eq(governor.setting.interval_least, SAMPLING_INTERVAL_LEAST);
	cr_expect_lt(pct(&traps_dear), 5);
}

/* After a step far above it the budget comes first. */
Test(governor, what_is_live_is_given_up_at_once_after_a_step)
{
	cr_assert_gt(pct(&frees_above), 1.5 * 5);
	run(&frees_above, 1, &counting);
	cr_expect(governor.setting.frees_out);
	cr_expect_lt(pct(&frees_above), 5);
}

/* Between what a step is to bring and the budget there is no reason to lose what is live. */
Test(governor, what_is_live_stays_while_the_budget_is_kept)
{
	run(&frees_within, 600, &counting);
	cr_expect_str_eq(governor_level(&governor), "share");
	cr_expect_gt(pct(&frees_within), 4);
	cr_expect_lt(pct(&frees_within), 5);
}

Test(governor, says_what_frees_would_cost_and_what_helps)
{
	char text[256];

	run(&traps_dear, 1, &counting);
	cr_assert(governor.setting.frees_out);
	/* 1.25 of 300000 traps of 700 ns. */
	cr_expect_float_eq(governor.followed_pct, 100 * 0.2625 / 1.2625, 1, "%f", governor.followed_pct);
	governor_text(&governor, &counting, text, sizeof(text));
	cr_expect(strstr(text, "the budget is 5%: O lifts it (--max-overhead 26);"), "%s", text);
}

/* Until all are taken out they cost something: that is no reason for more. */
Test(governor, frees_that_are_being_taken_out)
{
	struct governor_facts facts = {.seconds = quarter_s, .allocation_bytes = 100};

	run(&traps_dear, 1, &counting);
	cr_assert(governor.setting.frees_out);
	facts.interval = governor.setting.interval_least;
	facts.cost = cost_of(&traps_dear);
	facts.cost.kept_ns = 3e8;
	facts.cost.target_ns += 3e8;
	for (int i = 0; i < 8; i++)
		cr_expect(!governor_next(&governor, &counting, &facts));
}

/* What frees is put back as soon as it is worth it, though its cost is not seen before. */
Test(governor, frees_are_seen_again)
{
	run(&traps_dear, 5, &counting);
	cr_assert(governor.setting.frees_out);
	run(&tracked_dear, 30, &counting);
	cr_expect(!governor.setting.frees_out);
	cr_expect(!governor.setting.heap_out);
	cr_expect_lt(pct(&tracked_dear), 5);
}

/* A trial costs as little as can be. */
Test(governor, too_dear_to_be_counted)
{
	static const struct load stepped = {1000000, 100, 20000, 2000, 99, 13000, 0};

	run(&stepped, 1, &counting);
	cr_expect(governor.setting.heap_out);
	while (governor.setting.heap_out)
		run(&stepped, quarter_s, &counting);
	cr_expect(governor.setting.frees_out);
	cr_expect_eq(governor.setting.time_halvings, 7);
	run(&stepped, 1, &counting);
	cr_expect(governor.setting.heap_out);
}

Test(governor, last_the_probes_are_taken_out)
{
	cr_assert_gt(pct(&traps_dear), 25);
	run(&traps_dear, 1, &five);
	cr_expect_lt(pct(&traps_dear), 5);
	cr_expect(governor.setting.heap_out);
	cr_expect_str_eq(governor_level(&governor), "out");
}

/* Within a second of a step of the load, and on average over a minute. */
Test(governor, a_step_of_the_load)
{
	double sum = 0;
	int count = 0;

	run(&light, 30, &five);
	run(&traps_dear, 1, &five);
	cr_expect_lt(pct(&traps_dear), 5);
	for (; count < 240; count++) {
		run(&traps_dear, quarter_s, &five);
		sum += pct(&traps_dear);
	}
	cr_expect_lt(sum / count, 5, "%f", sum / count);
}

/* With costs as they are measured, by the quarter: it takes a moment until the last second is all of the new load.
 * The level that fits is found at once, and the second second is within the budget. */
Test(governor, a_step_of_the_load_as_it_is_measured)
{
	static const struct load loads[] = {{1000, 100, 700, 2000, 99, 13000, 0},
					     {100000, 100, 1000, 3000, 99, 13000, 0}};
	double first = 0, second = 0, sum = 0;

	for (int quarter = 0; quarter < 4 * 30; quarter++)
		measure(&loads[0], &counting);
	cr_expect_eq(steps, 0);
	for (int quarter = 0; quarter < 4 * 60; quarter++) {
		double now = pct(&loads[1]);

		measure(&loads[1], &counting);
		first += quarter < 4 ? now / 4 : 0;
		second += quarter >= 4 && quarter < 8 ? now / 4 : 0;
		sum += now;
	}
	cr_expect_lt(first, 15, "%f", first);
	cr_expect_lt(second, 5, "%f", second);
	cr_expect_lt(sum / 240, 5, "%f", sum / 240);
	cr_expect_eq(steps, 1, "%u", steps);
}

/* A load that is high for a quarter of a second is within the budget on average. */
Test(governor, a_short_peak_is_no_reason)
{
	for (int quarter = 0; quarter < 240; quarter++)
		measure(quarter % 8 != 5 ? &light : &tracked_dear, &counting);
	cr_expect_eq(steps, 0, "%u", steps);
}

Test(governor, undone_when_the_load_falls)
{
	run(&tracked_dear, 5, &five);
	cr_assert_gt(governor.setting.interval_least, 0);
	run(&light, 9, &five);
	cr_expect_gt(governor.setting.interval_least, 0, "too early");
	run(&light, 120, &five);
	cr_expect_eq(governor.setting.interval_least, 0);
	cr_expect_str_eq(governor_level(&governor), "none");
}

/* A constant load that fits only with a step: the step stays. */
Test(governor, no_flapping_at_a_constant_load)
{
	run(&tracked_dear, 5, &five);
	steps = 0;
	run(&tracked_dear, 3600, &five);
	cr_expect_eq(steps, 0, "%u", steps);
}

/* A load that comes and goes: what is undone and taken again is held longer and longer. */
Test(governor, seldom_steps_at_a_changing_load)
{
	for (int turn = 0; turn < 90; turn++) {
		run(&samples_dear, 20, &five);
		run(&light, 20, &five);
	}
	cr_expect_lt(steps, 40, "%u in an hour", steps);
}

Test(governor, probes_are_tried_again)
{
	run(&traps_dear, 5, &five);
	cr_assert(governor.setting.heap_out);
	run(&light, 60, &five);
	cr_expect(!governor.setting.heap_out);
}

/* 30 s, then 60, 120, ...: 7 trials in an hour. */
Test(governor, trials_become_rare)
{
	run(&traps_dear, 3600, &five);
	cr_expect_leq(steps, 16, "%u", steps);
	cr_expect_geq(steps, 5, "%u", steps);
}

Test(governor, no_limit_undoes_all)
{
	struct governor_limits none = {.heap = true, .halvings_most = 9};

	run(&traps_dear, 5, &five);
	cr_assert(governor.setting.heap_out);
	run(&traps_dear, quarter_s, &none);
	cr_expect(!governor.setting.heap_out);
	run(&traps_dear, 60, &none);
	cr_expect_str_eq(governor_level(&governor), "none");
}

Test(governor, what_is_asked_for_by_name_stays)
{
	struct governor_limits named = {.budget_pct = 5};

	run(&traps_dear, 60, &named);
	run(&samples_dear, 60, &named);
	cr_expect_eq(steps, 0);
}

Test(governor, a_negligible_cost_of_an_idle_target)
{
	struct governor_facts facts = {.seconds = quarter_s, .interval = 0, .allocation_bytes = 100};

	facts.cost = (struct cost_slice){.seconds = 1, .target_ns = 10e6, .entries_ns = 3.5e6};
	for (int i = 0; i < 40; i++)
		cr_expect(!governor_next(&governor, &five, &facts));
}

Test(governor, an_unknown_cost_is_no_reason)
{
	struct governor_facts facts = {.seconds = quarter_s,
				       .cost = {.seconds = 1, .target_ns = 1e9, .entries_ns = NAN}};

	for (int i = 0; i < 40; i++)
		cr_expect(!governor_next(&governor, &five, &facts));
}

Test(governor, says_what_and_why)
{
	char text[192];

	governor_text(&governor, &five, text, sizeof(text));
	cr_expect_str_eq(text, "");
	run(&traps_dear, 1, &five);
	governor_text(&governor, &five, text, sizeof(text));
	cr_expect(strstr(text, "probes are taken out at a cost of"), "%s", text);
	cr_expect(strstr(text, "--max-overhead 5"), "%s", text);
}
