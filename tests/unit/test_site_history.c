/* site_history: what is remembered of sites, and of which. */
#include "config.h"

#include "profile/site_history.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "err.h"

static struct site_history *history;

static void set_up(void)
{
	history = site_history_new();
}

static void tear_down(void)
{
	site_history_free(history);
}

TestSuite(site_history, .init = set_up, .fini = tear_down);

/* One site with so many bytes in objects of a hundred, a second later each time. */
static struct snapshot_site see(uint64_t id, uint64_t live, double now_s)
{
	struct snapshot_site site = {.id = id,
				     .live_bytes = live,
				     .live_objects = live / 100,
				     .alloc_bytes = 3 * live,
				     .alloc_objects = 3 * live / 100,
				     .freed_bytes = 2 * live,
				     .freed_objects = 2 * live / 100,
				     .oldest_s = (double)NAN};

	site_history_fill(history, &site, 1, 0, now_s);
	return site;
}

Test(site_history, nothing)
{
	site_history_fill(history, NULL, 0, 0, 1);
	site_history_free(NULL);
}

/* There was nothing of it before, however long the refreshes of before reach back. */
Test(site_history, site_that_appears)
{
	struct snapshot_site site = {.id = 1, .appeared = true, .alloc_bytes = 1000, .live_bytes = 400};

	site_history_begin(history, 10);
	site_history_fill(history, &site, 1, 0, 12);
	cr_expect_float_eq(site.alloc_bytes_per_s, 500, 1e-6);
	cr_expect_float_eq(site.growth_bytes_per_s, 200, 1e-6);
	site_history_fill(history, NULL, 0, 0, 99);
	site = (struct snapshot_site){.id = 2, .appeared = true, .alloc_bytes = 1000};
	site_history_fill(history, &site, 1, 0, 100);
	cr_expect_float_eq(site.alloc_bytes_per_s, 100, 1e-6);
	site_history_fill(history, &site, 1, 0, 105);
	cr_expect_float_eq(site.alloc_bytes_per_s, 100, 1e-6);
}

/* What was booked under another name gives no rate. */
Test(site_history, site_that_is_named)
{
	struct snapshot_site site = {.id = 1, .alloc_bytes = 1000};

	site_history_begin(history, 10);
	site_history_fill(history, &site, 1, 0, 12);
	cr_expect(isnan(site.alloc_bytes_per_s) && isnan(site.growth_bytes_per_s));
	site.alloc_bytes = 1500;
	site_history_fill(history, &site, 1, 0, 13);
	cr_expect_float_eq(site.alloc_bytes_per_s, 500, 1e-6);
}

Test(site_history, peak_and_rates)
{
	struct snapshot_site site;

	see(1, 1000, 10);
	see(1, 5000, 12);
	site = see(1, 3000, 14);
	cr_expect_eq(site.peak_bytes, 5000);
	cr_expect_float_eq(site.growth_bytes_per_s, 500, 1e-6);
	cr_expect_float_eq(site.alloc_bytes_per_s, 1500, 1e-6);
	cr_expect_float_eq(site.alloc_objects_per_s, 15, 1e-6);
	cr_expect_float_eq(site.freed_bytes_per_s, 1000, 1e-6);
	cr_expect_float_eq(site.freed_objects_per_s, 10, 1e-6);
}

Test(site_history, trend_of_the_last_minute)
{
	struct snapshot_site site = {.id = 0};

	for (int second = 0; second < 30; second++)
		site = see(1, 100 * (uint64_t)second, 100 + second);
	cr_expect(isnan(site.trend[0]));
	cr_expect_eq(site.trend[SNAPSHOT_TREND - 1], 2500, "the least of the last five seconds");
	cr_expect_eq(site.trend[SNAPSHOT_TREND - 6], 0);
	cr_expect(isnan(site.trend[SNAPSHOT_TREND - 7]));
}

Test(site_history, verdict)
{
	struct snapshot_site site = {.id = 0};

	for (int second = 0; second < 60; second++)
		site = see(1, 1000 * (uint64_t)second, 100 + second);
	cr_expect_eq(site.leak.level, LEAK_HIGH, "%s", site.leak.evidence);
	cr_expect_float_eq(site.leak.slope_bytes_per_s, 1000, 1e-6);
}

Test(site_history, a_site_that_is_gone_is_forgotten)
{
	struct snapshot_site site;

	see(1, 5000, 10);
	see(2, 100, 11);
	site = see(1, 1000, 12);
	cr_expect_eq(site.peak_bytes, 1000);
	site_history_reset(history);
	cr_expect_eq(see(1, 10, 13).peak_bytes, 10);
}

/* Those behind the last with a series have their figures, and no verdict. */
Test(site_history, series_have_a_bound)
{
	enum { SITES = SITE_HISTORY_SERIES + 1 };
	struct snapshot_site *sites = xcalloc_aligned(SITES, sizeof(*sites), SNAPSHOT_ROW_ALIGNMENT);

	cr_assert_not_null(sites);
	for (int second = 0; second < 60; second++) {
		for (size_t i = 0; i < SITES; i++)
			sites[i] = (struct snapshot_site){.id = i + 1,
							  .live_bytes = 1000 * (uint64_t)second,
							  .live_objects = 10 * (uint64_t)second};
		site_history_fill(history, sites, SITES, 0, 100 + second);
	}
	cr_expect_eq(sites[0].leak.level, LEAK_HIGH);
	cr_expect_eq(sites[SITES - 2].leak.level, LEAK_HIGH);
	cr_expect_eq(sites[SITES - 1].leak.level, LEAK_NONE);
	cr_expect(isnan(sites[SITES - 1].leak.slope_bytes_per_s));
	cr_expect(isnan(sites[SITES - 1].trend[SNAPSHOT_TREND - 1]));
	cr_expect_eq(sites[SITES - 1].peak_bytes, 59000);
	free(sites);
}
