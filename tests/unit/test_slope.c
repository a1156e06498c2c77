/* slope: against closed forms. */
#include "config.h"

#include "profile/slope.h"

#include <criterion/criterion.h>
#include <math.h>

Test(slope, too_few_points)
{
	const struct slope_point points[] = {{1, 5}, {3, 9}};
	const struct slope_point one_time[] = {{1, 5}, {1, 9}, {1, 2}};

	cr_expect(isnan(slope_fit(NULL, 0).per_s));
	cr_expect(isnan(slope_fit(points, 1).per_s));
	cr_expect_float_eq(slope_fit(points, 2).per_s, 2, 1e-12);
	cr_expect(isnan(slope_fit(points, 2).half_width));
	cr_expect(isnan(slope_fit(one_time, 3).per_s));
}

Test(slope, a_line_is_certain)
{
	struct slope_point points[60];
	struct slope slope;

	for (int i = 0; i < 60; i++)
		points[i] = (struct slope_point){1e6 + i, 1e9 - 64.0 * i};
	slope = slope_fit(points, 60);
	cr_expect_float_eq(slope.per_s, -64, 1e-6);
	cr_expect_float_eq(slope.half_width, 0, 1e-3);
}

/* y = 1, 3, 2, 5, 4 at x = 0..4: slope 0.8, residual 3.6, s = sqrt(3.6 / 3 / 10), t(3) = 3.182. */
Test(slope, known_interval)
{
	const struct slope_point points[] = {{0, 1}, {1, 3}, {2, 2}, {3, 5}, {4, 4}};
	struct slope slope = slope_fit(points, 5);

	cr_expect_float_eq(slope.per_s, 0.8, 1e-9);
	cr_expect_float_eq(slope.half_width, 3.182 * sqrt(0.12), 1e-9);
}

/* With noise whose size is known the interval covers the true slope in about 95 of 100 cases. */
Test(slope, coverage)
{
	unsigned state = 12345, inside = 0;

	for (int run = 0; run < 2000; run++) {
		struct slope_point points[40];
		struct slope slope;

		for (int i = 0; i < 40; i++) {
			double noise = 0;

			/* The sum of twelve uniform numbers is nearly normal. */
			for (int k = 0; k < 12; k++) {
				state = state * 1664525u + 1013904223u;
				noise += (double)state / 4294967296.0 - 0.5;
			}
			points[i] = (struct slope_point){i, 7.0 * i + 50 * noise};
		}
		slope = slope_fit(points, 40);
		inside += fabs(slope.per_s - 7) <= slope.half_width;
	}
	cr_expect_geq(inside, 1870);
	cr_expect_leq(inside, 1930);
}

Test(slope, sampling_makes_it_wider)
{
	struct slope exact = {10, 3}, slope;

	slope = slope_with_noise(exact, 0, 60);
	cr_expect_float_eq(slope.half_width, 3, 1e-12);
	slope = slope_with_noise(exact, 100 * 100, 49);
	cr_expect_float_eq(slope.half_width, 5, 1e-9, "3 and 1.96 * 100 / 49 = 4");
	cr_expect_float_eq(slope.per_s, 10, 1e-12);
}
