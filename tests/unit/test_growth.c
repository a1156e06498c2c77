/* growth: the rate over the last ten seconds, at any distance between refreshes. */
#include "config.h"

#include "profile/growth.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect_rate(const struct growth *growth, double rate)
{
	cr_expect_float_eq(growth_per_s(growth), rate, 1e-6, "%f, not %f", growth_per_s(growth),
			   rate);
}

Test(growth, nothing_and_one_point)
{
	struct growth growth = {0};

	cr_expect(isnan(growth_per_s(&growth)));
	growth_add(&growth, 100, 5000);
	cr_expect(isnan(growth_per_s(&growth)));
	growth_add(&growth, 101, 5000);
	expect_rate(&growth, 0);
}

Test(growth, two_points_closer_than_the_spacing)
{
	struct growth growth = {0};

	growth_add(&growth, 100, 1000);
	growth_add(&growth, 100.1, 1010);
	expect_rate(&growth, 100);
}

Test(growth, constant_rate_at_every_delay)
{
	static const double delays[] = {0.1, 0.5, 0.95, 1, 1.3, 3, 10, 60, 3600};

	for (size_t d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
		struct growth growth = {0};

		for (int i = 0; i < 500; i++)
			growth_add(&growth, delays[d] * i, 1000 + 64 * delays[d] * i);
		expect_rate(&growth, 64);
	}
}

Test(growth, forgets_what_is_older_than_the_window)
{
	struct growth growth = {0};

	growth_add(&growth, 0, 0);
	for (int second = 1; second <= 11; second++)
		growth_add(&growth, second, 1e9);
	expect_rate(&growth, 0);
}

Test(growth, keeps_what_is_inside_the_window)
{
	struct growth growth = {0};

	for (int second = 0; second <= 100; second++)
		growth_add(&growth, second, second >= 95 ? 1000 : 0);
	expect_rate(&growth, 100);
}

Test(growth, window_is_about_ten_seconds_with_fast_refreshes)
{
	struct growth growth = {0};

	for (int tenth = 0; tenth <= 1000; tenth++)
		growth_add(&growth, tenth * 0.1, tenth > 950 ? 1000 : 0);
	cr_expect_geq(growth_per_s(&growth), 1000 / 11.0);
	cr_expect_leq(growth_per_s(&growth), 1000 / 9.9);
}

/* After a gap the window begins between two points, and not at the one before the gap. */
Test(growth, window_begins_between_points)
{
	struct growth growth = {0};

	growth_add(&growth, 0, 0);
	growth_add(&growth, 9, 0);
	growth_add(&growth, 10, 1000);
	expect_rate(&growth, 100);
	growth_add(&growth, 15, 1000);
	expect_rate(&growth, 100);
	growth_add(&growth, 19.5, 1000);
	expect_rate(&growth, 50);
}

Test(growth, shrinks)
{
	struct growth growth = {0};

	growth_add(&growth, 0, 1000);
	growth_add(&growth, 2, 0);
	expect_rate(&growth, -500);
}

Test(growth, early_timers_keep_their_points)
{
	struct growth growth = {0};

	for (int i = 0; i < 6; i++)
		growth_add(&growth, i * 0.99, i);
	cr_expect_eq(growth.count, 6);
}

Test(growth, ignores_what_makes_no_sense)
{
	struct growth growth = {0};

	growth_add(&growth, NAN, 1);
	growth_add(&growth, 1, INFINITY);
	cr_expect_eq(growth.count, 0);
	growth_add(&growth, 1, 10);
	growth_add(&growth, 2, 20);
	growth_add(&growth, 2, 9999);
	growth_add(&growth, 1.5, 9999);
	expect_rate(&growth, 10);
}
