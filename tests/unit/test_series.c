/* series: what a slot keeps, and which slots are left. */
#include "config.h"

#include "profile/series.h"

#include <criterion/criterion.h>
#include <math.h>

static struct series series;
static struct series_point points[SERIES_SLOTS];

static void add(double time_s, uint64_t live, uint64_t old)
{
	const struct series_sample sample = {.live_bytes = live,
					     .live_objects = live / 10,
					     .alloc_bytes = 2 * live,
					     .freed_bytes = live,
					     .old_bytes = {old, old, old}};

	series_add(&series, time_s, &sample);
}

Test(series, empty)
{
	for (enum series_scale scale = SERIES_MINUTE; scale < SERIES_SCALES; scale++)
		cr_expect_eq(series_points(&series, scale, points), 0);
}

Test(series, a_slot_keeps_the_least)
{
	add(100.1, 500, SERIES_UNKNOWN);
	add(100.4, 300, 70);
	add(100.9, 400, 90);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 1);
	cr_expect_eq(points[0].live_bytes, 300);
	cr_expect_eq(points[0].live_objects, 30);
	cr_expect_eq(points[0].old_bytes, 70);
	cr_expect_float_eq(points[0].time_s, 100.4, 1e-9);
	cr_expect_eq(points[0].alloc_bytes, 800, "the latest");
	cr_expect_eq(points[0].freed_bytes, 400);
}

Test(series, resolutions)
{
	for (int second = 0; second < 7200; second++)
		add(second, (uint64_t)second + 1, SERIES_UNKNOWN);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 60);
	cr_expect_eq(points[0].live_bytes, 7141);
	cr_expect_eq(points[59].live_bytes, 7200);
	cr_expect_eq(points[59].old_bytes, SERIES_UNKNOWN);
	cr_assert_eq(series_points(&series, SERIES_HOUR, points), 60);
	cr_expect_eq(points[0].live_bytes, 3601);
	cr_expect_eq(points[59].live_bytes, 7141);
	cr_assert_eq(series_points(&series, SERIES_DAY, points), 5);
	cr_expect_eq(points[4].live_bytes, 5761);
}

Test(series, slots_that_nobody_saw_are_no_points)
{
	add(10, 1, 1);
	add(15, 2, 2);
	add(60, 3, 3);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 3);
	add(74, 4, 4);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 3, "10 is a minute ago");
	cr_expect_eq(points[0].live_bytes, 2);
	cr_expect_eq(points[2].live_bytes, 4);
	/* A slot is used again, an hour later. */
	add(3610, 9, 9);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 1);
	cr_expect_eq(points[0].live_bytes, 9);
}

Test(series, ignores_what_makes_no_sense)
{
	add((double)NAN, 1, 1);
	add(-1, 1, 1);
	add(1e300, 1, 1);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 0);
	add(50, 5, 5);
	add(49, 1, 1);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 1);
	cr_expect_eq(points[0].live_bytes, 5);
}

Test(series, counts_have_a_bound)
{
	const struct series_sample sample = {.live_objects = UINT64_MAX};

	series_add(&series, 1, &sample);
	cr_assert_eq(series_points(&series, SERIES_MINUTE, points), 1);
	cr_expect_eq(points[0].live_objects, UINT32_MAX);
}
