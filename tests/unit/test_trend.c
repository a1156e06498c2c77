/* trend: the highest figure of each part of the last minute. */
#include "config.h"

#include "profile/trend.h"

#include <criterion/criterion.h>
#include <math.h>

Test(trend, highest_of_each_part)
{
	struct trend trend = {.latest = 0};
	double figures[SNAPSHOT_TREND];

	trend_fill(&trend, figures);
	for (size_t i = 0; i < SNAPSHOT_TREND; i++)
		cr_expect(isnan(figures[i]));
	trend_add(&trend, 100.0, 3);
	trend_add(&trend, 101.0, 9);
	trend_add(&trend, 104.9, 5);
	trend_add(&trend, 110.0, 2);
	trend_fill(&trend, figures);
	cr_expect_eq(figures[SNAPSHOT_TREND - 1], 2);
	cr_expect(isnan(figures[SNAPSHOT_TREND - 2]), "nothing came then");
	cr_expect_eq(figures[SNAPSHOT_TREND - 3], 9);
	cr_expect(isnan(figures[0]));
}

Test(trend, old_figures_go)
{
	struct trend trend = {.latest = 0};
	double figures[SNAPSHOT_TREND];

	for (int second = 0; second < 600; second++)
		trend_add(&trend, second, second);
	trend_fill(&trend, figures);
	cr_expect_eq(figures[0], 544);
	cr_expect_eq(figures[SNAPSHOT_TREND - 1], 599);
	trend_add(&trend, 10.0, 1000);
	trend_fill(&trend, figures);
	cr_expect_eq(figures[SNAPSHOT_TREND - 1], 599, "time does not go back");
}
