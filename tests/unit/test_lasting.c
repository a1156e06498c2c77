/* lasting: growth of what is held, on series of known shape. */
#include "config.h"

#include "profile/lasting.h"

#include <criterion/criterion.h>
#include <math.h>

static struct slope_point points[LASTING_POINTS];

static struct lasting measure(size_t count, double (*figure)(int second))
{
	for (size_t i = 0; i < count; i++)
		points[i] = (struct slope_point){100.0 + (double)i, figure((int)i)};
	return lasting_measure(points, count);
}

static double line(int second)
{
	return 1000 + 10.0 * second;
}

static double flat(int second)
{
	(void)second;
	return 5000;
}

static double falling(int second)
{
	return 5000 - second;
}

static double step(int second)
{
	return second < 20 ? 100 : 90000;
}

static double step_and_line(int second)
{
	return step(second) + 3 * (second < 20 ? 0 : second - 20);
}

static double saw(int second)
{
	return second % 20 * 50;
}

/* Churn that is at zero now and then, over a line that starts late. */
static double churn(int second)
{
	return (second % 3 ? 400 + second * 37 % 200 : 0) + (second > 12 ? (second - 12) * 5.0 : 0);
}

static double saturates(int second)
{
	return 10000 * (1 - exp(-second / 15.0));
}

Test(lasting, nothing_grows)
{
	cr_expect_eq(measure(2, line).rise, 0, "too few points");
	cr_expect_eq(measure(60, flat).rise, 0);
	cr_expect_eq(measure(60, falling).rise, 0);
	cr_expect_eq(measure(60, flat).windows, 0);
	cr_expect_eq(lasting_measure(points, LASTING_POINTS + 1).rise, 0);
}

/* Of sixty points the last five tell what is held. */
Test(lasting, line)
{
	struct lasting lasting = measure(60, line);

	cr_expect_leq(lasting.begin, 2);
	cr_expect_float_eq(lasting.span_s, 54 - (double)lasting.begin, 1e-9);
	cr_expect_float_eq(lasting.rise, 10 * lasting.span_s, 1e-9);
	cr_expect_eq(lasting.windows, 12);
	cr_expect_eq(lasting.grown, 12);
	cr_expect_geq(lasting.steps, 25);
	cr_expect_leq(lasting.gap_s, 2);
	cr_expect_leq(lasting.quiet_s, 2);
	cr_expect_float_eq(lasting.early, lasting.late, 20);
}

Test(lasting, a_big_step_is_not_gone_on_about)
{
	struct lasting lasting = measure(60, step);

	cr_expect_eq(lasting.rise, 0);
	lasting = measure(60, step_and_line);
	cr_expect_geq(lasting.begin, 20);
	cr_expect_float_eq(lasting.rise, 3 * lasting.span_s, 1e-9, "only what came behind it");
	cr_expect_eq(lasting.grown, 12);
}

Test(lasting, held_is_what_never_goes_below)
{
	struct lasting lasting = measure(60, churn);

	cr_expect_geq(lasting.begin, 12);
	cr_expect_leq(lasting.begin, 16);
	cr_expect_float_eq(lasting.rise, 5 * lasting.span_s, 20);
	lasting = measure(60, saw);
	cr_expect_geq(lasting.begin, 40, "behind the last fall");
}

Test(lasting, growth_that_slows_down)
{
	struct lasting lasting = measure(60, saturates);

	cr_expect_gt(lasting.early, 3 * lasting.late);
	cr_expect_gt(lasting.gap_s, 2);
}

Test(lasting, falls)
{
	(void)measure(60, saw);
	cr_expect_eq(lasting_falls(points, 60, 400), 2);
	cr_expect_eq(lasting_falls(points, 60, 951), 0);
	(void)measure(60, line);
	cr_expect_eq(lasting_falls(points, 60, 1), 0);
	(void)measure(60, falling);
	cr_expect_eq(lasting_falls(points, 60, 20), 2);
	cr_expect_eq(lasting_falls(points, 0, 20), 0);
	cr_expect_eq(lasting_falls(points, 60, 0), 0);
}
