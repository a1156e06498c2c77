/* share_time: probes that are in for a moment, and a while longer. */
#include "config.h"

#include "overhead/share_time.h"

#include <criterion/criterion.h>

/* Hits that cost 80 ms in a second. */
static const double ns_per_s = 8e7;

Test(share_time, usual_at_the_beginning)
{
	struct share_time time = {0};

	cr_expect_float_eq(share_time_late_s(&time), 0.02, 1e-9);
	/* What was in before the first moment says nothing. */
	share_time_between(&time, 1e9);
	cr_expect_float_eq(share_time_late_s(&time), 0.02, 1e-9);
	/* Nobody calls them. */
	share_time_moment(&time, 0.1, 0);
	share_time_between(&time, 0);
	cr_expect_float_eq(share_time_late_s(&time), 0.02, 1e-9);
}

/* It is known when the time after the first one is over, and not made less by a moment that has just been. */
Test(share_time, after_the_first_moment)
{
	struct share_time time = {0};

	share_time_moment(&time, 0.1, 0.1 * ns_per_s);
	cr_expect_float_eq(share_time_late_s(&time), 0.02, 1e-9);
	share_time_between(&time, 0.01 * ns_per_s);
	cr_expect_float_eq(share_time_late_s(&time), 0.01, 1e-9);
	share_time_moment(&time, 0.1, 0.1 * ns_per_s);
	cr_expect_float_eq(share_time_late_s(&time), 0.01, 1e-9);
}

Test(share_time, as_long_as_the_hits_say)
{
	struct share_time time = {0};

	for (int turn = 0; turn < 30; turn++) {
		double moment_s = 0.05 + 0.02 * (turn % 3), late_s = 0.01 + 0.01 * (turn % 2);

		share_time_moment(&time, moment_s, moment_s * ns_per_s);
		share_time_between(&time, late_s * ns_per_s);
	}
	cr_expect_float_eq(share_time_late_s(&time), 0.015, 0.001, "%f", share_time_late_s(&time));
}

/* The kernel has other things to do for a while. */
Test(share_time, follows_a_change)
{
	struct share_time time = {0};

	for (int turn = 0; turn < 60; turn++) {
		share_time_moment(&time, 0.05, 0.05 * ns_per_s);
		share_time_between(&time, (turn < 30 ? 0.01 : 0.04) * ns_per_s);
	}
	cr_expect_float_eq(share_time_late_s(&time), 0.04, 0.003, "%f", share_time_late_s(&time));
	share_time_between(&time, 1e12);
	cr_expect_float_eq(share_time_late_s(&time), 0.2, 1e-9);
}

/* A quarter of the time, though they are in for longer than the moment. */
Test(share_time, waits_for_the_share)
{
	struct share_time time = {0};
	double in_s = 0, all_s = 0;

	for (int turn = 0; turn < 400; turn++) {
		double moment_s = 0.08, late_s = 0.02 + 0.01 * (turn % 2), opening_s = 0.01;
		double wait_s = share_time_wait_s(&time, 2, moment_s, opening_s);

		in_s += moment_s + late_s;
		all_s += moment_s + wait_s + opening_s;
		share_time_moment(&time, moment_s, moment_s * ns_per_s);
		share_time_between(&time, late_s * ns_per_s);
	}
	cr_expect_float_eq(in_s / all_s, 0.25, 0.005, "%f", in_s / all_s);
}

/* They must be out before they can be put in again. */
Test(share_time, waits_for_the_kernel)
{
	struct share_time time = {0};

	cr_expect_float_eq(share_time_wait_s(&time, 1, 0.01, 0.5), 0.02, 1e-9);
}
