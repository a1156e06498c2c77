/* cost_window: shares of the last second, and what a trap costs in the target. */
#include "config.h"

#include "overhead/cost_window.h"

#include <criterion/criterion.h>
#include <math.h>

static struct cost_window window;

static struct cost_slice quarter(double target_ns, double entries_ns)
{
	return (struct cost_slice){
	    .seconds = 0.25, .target_ns = target_ns, .entries_ns = entries_ns, .sampling_ns = 0.01 * target_ns};
}

static double heap_pct(void)
{
	const struct cost_slice sum = cost_window_sum(&window);

	return cost_heap_pct(&sum);
}

Test(cost_window, nothing_costs_nothing)
{
	const struct cost_slice sum = cost_window_sum(&window);

	cr_expect_eq(cost_heap_pct(&sum), 0);
	cr_expect_eq(cost_cpu_pct(&sum), 0);
	cr_expect_eq(cost_window_factor(&window), 1);
}

Test(cost_window, all_that_probes_cost)
{
	struct cost_slice slice = quarter(1e8, 1e6), sum;

	slice.kept_ns = 2e6;
	slice.sampled_ns = 3e6;
	slice.followed_ns = 4e6;
	cost_window_add(&window, &slice);
	sum = cost_window_sum(&window);
	cr_expect_float_eq(cost_heap_pct(&sum), 10, 0.001);
}

Test(cost_window, only_the_last_second_counts)
{
	const struct cost_slice dear = quarter(1e8, 5e7), cheap = quarter(1e8, 1e7);
	struct cost_slice sum;

	for (int i = 0; i < 4; i++)
		cost_window_add(&window, &dear);
	cr_expect_float_eq(heap_pct(), 50, 0.001);
	for (int i = 0; i < 2; i++)
		cost_window_add(&window, &cheap);
	cr_expect_float_eq(heap_pct(), 30, 0.001);
	for (int i = 0; i < 2; i++)
		cost_window_add(&window, &cheap);
	cr_expect_float_eq(heap_pct(), 10, 0.001);
	sum = cost_window_sum(&window);
	cr_expect_float_eq(cost_cpu_pct(&sum), 1, 0.001);
	cr_expect_float_eq(sum.seconds, 1, 0.001);
}

Test(cost_window, a_target_without_cpu_time)
{
	struct cost_slice slice = quarter(0, 100);

	cost_window_add(&window, &slice);
	cr_expect(isnan(heap_pct()));
}

Test(cost_window, an_unknown_cost_stays_unknown)
{
	struct cost_slice slice = quarter(1e8, NAN);

	slice.samples = 100;
	cost_window_add(&window, &slice);
	cr_expect(isnan(heap_pct()));
	cr_expect_eq(cost_window_factor(&window), 1);
}

Test(cost_window, the_latest_slice_alone)
{
	const struct cost_slice cheap = quarter(1e8, 1e7), dear = quarter(1e8, 5e7);
	struct cost_slice latest;

	cost_window_add(&window, &cheap);
	cost_window_add(&window, &dear);
	latest = cost_window_latest(&window);
	cr_expect_float_eq(cost_heap_pct(&latest), 50, 0.001);
	cost_window_changed(&window);
	latest = cost_window_latest(&window);
	cr_expect_eq(latest.target_ns, 0);
}

/* A second after a change there is nothing of before in a second. */
Test(cost_window, settled_after_a_second)
{
	const struct cost_slice slice = quarter(1e8, 1e7);

	cost_window_changed(&window);
	for (int i = 0; i < COST_SLICES; i++) {
		cr_expect(!cost_window_is_settled(&window));
		cost_window_add(&window, &slice);
	}
	cr_expect(cost_window_is_settled(&window));
	cost_window_changed(&window);
	cr_expect(!cost_window_is_settled(&window));
	cr_expect_float_eq(heap_pct(), 10, 0.001, "what the last second cost is still known");
}

/* Of what is in for a half of the time: as many slices as have three cycles. */
Test(cost_window, a_share_of_the_time)
{
	struct cost_slice sum;

	for (int i = 0; i < 32; i++) {
		struct cost_slice slice = quarter(1e8, i < 24 ? 1e7 : 2e7);

		slice.open_s = 0.125;
		cost_window_add(&window, &slice);
	}
	sum = cost_window_shared(&window, 1, 0.1);
	cr_expect_float_eq(sum.seconds, 1, 0.001);
	cr_expect_float_eq(cost_heap_pct(&sum), 20, 0.001);
	sum = cost_window_shared(&window, 1, 1);
	cr_expect_float_eq(sum.seconds, 3, 0.001);
	sum = cost_window_shared(&window, 1, 100);
	cr_expect_float_eq(sum.seconds, 8, 0.001);
	cr_expect_float_eq(cost_heap_pct(&sum), 12.5, 0.001);
}

/* Just after they were taken out: hits, and next to no time that they were in. */
Test(cost_window, hardly_any_time)
{
	struct cost_slice slice = quarter(1e8, 1e7), sum;

	slice.open_s = 0.001;
	cost_window_add(&window, &slice);
	sum = cost_window_shared(&window, 1, 0.1);
	cr_expect(isnan(cost_heap_pct(&sum)));
}

/* Four slices a second; samples come in with one of them. */
static void add_seconds(int seconds, double sampling_ns, uint64_t in_probes)
{
	for (int i = 0; i < 4 * seconds; i++) {
		struct cost_slice slice = quarter(1e8, 1e7);

		slice.sampling_ns = sampling_ns;
		if (i % 4 == 0) {
			slice.samples = 1000;
			slice.in_probes = in_probes;
		}
		cost_window_add(&window, &slice);
	}
}

/* 10 % were expected, of which 88 % are to be seen; twice as many are seen. */
Test(cost_window, samples_correct_the_traps)
{
	add_seconds(100, 0, 176);
	cr_expect_float_eq(cost_window_factor(&window), 2, 0.03, "%f", cost_window_factor(&window));
	cr_expect_float_eq(heap_pct(), 20, 0.3);
}

/* A fifth of the time is that of the samples' own interrupts; a tenth of all, an eighth of the rest, was in probes. */
Test(cost_window, no_sample_is_taken_in_the_interrupt_of_another)
{
	add_seconds(100, 2e7, 110);
	cr_expect_float_eq(cost_window_factor(&window), 1, 0.01, "%f", cost_window_factor(&window));
	cr_expect_float_eq(heap_pct(), 10, 0.1);
}

/* Nothing is left in which one could be taken, or it is not known what they cost. */
Test(cost_window, time_of_samples_that_says_nothing)
{
	add_seconds(100, 1e8, 500);
	cr_expect_eq(cost_window_factor(&window), 1);
	add_seconds(100, (double)NAN, 88);
	cr_expect_float_eq(cost_window_factor(&window), 1, 0.01, "%f", cost_window_factor(&window));
}

/* All of them may have been where the target allocates, because their period beats with it. */
Test(cost_window, many_samples_at_once_are_few)
{
	struct cost_slice slice = quarter(1e8, 1e7);

	slice.samples = 5000;
	slice.in_probes = 1000;
	cost_window_add(&window, &slice);
	cr_expect_lt(cost_window_factor(&window), 2);
	cr_expect_gt(cost_window_factor(&window), 1.5);
}

Test(cost_window, few_samples_correct_little)
{
	struct cost_slice slice = quarter(1e8, 1e7);

	slice.samples = 99;
	slice.in_probes = 18;
	cost_window_add(&window, &slice);
	cr_expect_lt(cost_window_factor(&window), 1.35);
	cr_expect_gt(cost_window_factor(&window), 1);
}

Test(cost_window, the_correction_is_bounded)
{
	for (int i = 0; i < 100; i++) {
		struct cost_slice slice = quarter(1e8, 1e5);

		slice.samples = slice.in_probes = 1000;
		cost_window_add(&window, &slice);
	}
	cr_expect_eq(cost_window_factor(&window), 5);
}

/* More than all of the target's time would be lost at the measured cost; what is, the samples say. */
Test(cost_window, traps_that_cost_less)
{
	for (int i = 0; i < 400; i++) {
		struct cost_slice slice = quarter(1e8, 1.1e8);

		if (i % 4 == 0) {
			slice.samples = 100;
			slice.in_probes = 77;
		}
		cost_window_add(&window, &slice);
	}
	cr_expect_float_eq(heap_pct(), 100 * 0.77 / 0.88, 2, "%f", heap_pct());
}

Test(cost_window, never_more_than_all)
{
	struct cost_slice slice = quarter(1e8, 3e8);

	cost_window_add(&window, &slice);
	cr_expect_float_eq(heap_pct(), 100, 0.001);
}
