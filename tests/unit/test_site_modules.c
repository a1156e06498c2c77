/* site_modules: sites of one module become one row, and what is not known stays so. */
#include "config.h"

#include "profile/site_modules.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static struct snapshot_site sites[3];
static struct snapshot snapshot;

static void set_up(void)
{
	sites[0] = (struct snapshot_site){.id = 1,
					  .function = "run",
					  .module = "program",
					  .file = "run.c",
					  .line = 7,
					  .live_bytes = 100,
					  .live_objects = 3,
					  .live_ci_bytes = 3,
					  .alloc_bytes = 500,
					  .freed_bytes = 400,
					  .peak_bytes = 200,
					  .growth_bytes_per_s = 5,
					  .alloc_bytes_per_s = 50,
					  .change_bytes = (double)NAN,
					  .oldest_s = 9,
					  .leak = {.level = LEAK_HIGH, .score = 90}};
	sites[1] = sites[0];
	sites[1].module = "lib.so";
	sites[1].live_bytes = 150;
	sites[2] = sites[0];
	sites[2].id = 2;
	sites[2].line = 9;
	sites[2].live_bytes = 60;
	sites[2].live_ci_bytes = 4;
	sites[2].growth_bytes_per_s = (double)NAN;
	sites[2].alloc_bytes_per_s = 1;
	sites[2].oldest_s = 20;
	for (size_t i = 0; i < SNAPSHOT_TREND; i++) {
		sites[0].trend[i] = (double)NAN;
		sites[2].trend[i] = i ? 60 : (double)NAN;
	}
	snapshot = (struct snapshot){.site_count = 3, .sites = sites};
}

static void tear_down(void)
{
	free(snapshot.grouped_sites);
}

TestSuite(site_modules, .init = set_up, .fini = tear_down);

Test(site_modules, sites_of_a_module_are_added_up)
{
	const struct snapshot_site *sum;

	snapshot_fill_site_modules(&snapshot);
	cr_assert_eq(snapshot.grouped_site_count, 2);
	sum = &snapshot.grouped_sites[0];
	cr_expect_str_eq(sum->function, "program", "by live bytes");
	cr_expect_str_eq(snapshot.grouped_sites[1].function, "lib.so");
	cr_expect_neq(sum->id, snapshot.grouped_sites[1].id);
	cr_expect_eq(sum->live_bytes, 160);
	cr_expect_eq(sum->live_objects, 6);
	cr_expect_eq(sum->alloc_bytes, 1000);
	cr_expect_eq(sum->freed_bytes, 800);
	cr_expect_float_eq(sum->live_ci_bytes, 5, 1e-9, "errors are independent");
	cr_expect_eq(sum->growth_bytes_per_s, 5);
	cr_expect_eq(sum->alloc_bytes_per_s, 51);
	cr_expect_eq(sum->oldest_s, 20);
	cr_expect(isnan(sum->trend[0]), "nobody knows");
	cr_expect_eq(sum->trend[1], 60);
	cr_expect_null(sum->file);
}

Test(site_modules, what_a_sum_cannot_say_is_unknown)
{
	sites[2].live_bytes = SNAPSHOT_UNKNOWN;
	snapshot_fill_site_modules(&snapshot);

	const struct snapshot_site *sum = &snapshot.grouped_sites[0];

	cr_expect_str_eq(sum->module, "program");
	cr_expect_eq(sum->live_bytes, SNAPSHOT_UNKNOWN);
	cr_expect_eq(sum->peak_bytes, SNAPSHOT_UNKNOWN, "peaks are at different times");
	cr_expect(isnan(sum->change_bytes), "there is no baseline");
	cr_expect_eq(sum->leak.level, LEAK_NONE);
}

Test(site_modules, no_sites)
{
	snapshot.site_count = 0;
	snapshot_fill_site_modules(&snapshot);
	cr_expect_eq(snapshot.grouped_site_count, 0);
}
