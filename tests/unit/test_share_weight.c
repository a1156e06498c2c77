/* share_weight: what is seen in moments counts for what is not. */
#include "config.h"

#include "overhead/share_weight.h"

#include <criterion/criterion.h>
#include <math.h>

Test(share_weight, by_the_times_at_the_beginning)
{
	const struct share_weight none = {0};

	cr_expect_float_eq(share_weight_next(&none, 0.6, 0.2), 4, 1e-9);
	cr_expect_float_eq(share_weight_next(&none, 0, 0.2), 1, 1e-9);
}

/* A target that works all the time makes 100 calls in each 100 ns of its own. What we take from it while
 * the probes are in is not its own, and moments are of any length. */
Test(share_weight, a_slower_target_is_counted_in_full)
{
	struct share_weight weight = {0};
	double seen = 0, made = 0;

	for (int turn = 0; turn < 400; turn++) {
		double closed_s = 0.3 + 0.1 * (turn % 5), open_s = 0.05 + 0.02 * (turn % 3);
		double own_share = 0.4;

		share_weight_closed(&weight, closed_s, closed_s * 1e9);
		seen += share_weight_next(&weight, closed_s, 0.05) * open_s * own_share;
		made += closed_s + open_s * own_share;
		share_weight_open(&weight, open_s, open_s * own_share * 1e9);
	}
	cr_expect_float_eq(seen / made, 1, 0.02, "%f", seen / made);
}

/* One that waits most of the time does as much in the same time: it only waits less. */
Test(share_weight, a_target_that_waits)
{
	struct share_weight weight = {0};

	for (int turn = 0; turn < 50; turn++) {
		share_weight_closed(&weight, 0.35, 0.035e9);
		share_weight_open(&weight, 0.05, 0.005e9);
	}
	cr_expect_float_eq(share_weight_next(&weight, 0.35, 0.05), 8, 0.01);
}

/* What cannot be is not believed: a cost that was estimated too high. */
Test(share_weight, limits)
{
	struct share_weight weight = {0};

	share_weight_closed(&weight, 1, 1e9);
	share_weight_open(&weight, 1, -5e8);
	cr_expect_float_eq(share_weight_next(&weight, 1, 1), 2, 1e-9);
	share_weight_open(&weight, 1, 1e3);
	cr_expect_float_eq(share_weight_next(&weight, 1, 1), 9, 1e-9);
	weight = (struct share_weight){0};
	share_weight_closed(&weight, 1, 1e8);
	share_weight_open(&weight, 1, 1e9);
	cr_expect_float_eq(share_weight_next(&weight, 1, 1), 2, 1e-9);
}
