/* combined: functions and sites of the same name and module become one row, and nothing is lost. */
#include "config.h"

#include "profile/combined.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profile/cpu_profile.h"

static struct snapshot snapshot;
static struct snapshot_function functions[2];
static struct snapshot_site sites[3];

static void set_up(void)
{
	functions[0] = (struct snapshot_function){.id = cpu_profile_function_id("run", "program"),
						  .name = "run",
						  .module = "program",
						  .file = "run.h",
						  .line = 3,
						  .self_samples = 6,
						  .self_pct = 60,
						  .total_pct = 100};
	functions[1] = (struct snapshot_function){.id = cpu_profile_function_id("parse", "lib.so"),
						  .name = "parse",
						  .module = "lib.so",
						  .self_samples = 4,
						  .self_pct = 40,
						  .total_pct = 40};
	/* Two places of one function, and a function of the same name in another module. */
	sites[0] = (struct snapshot_site){.function = "run",
					  .module = "program",
					  .file = "run.c",
					  .line = 7,
					  .live_bytes = 100,
					  .growth_bytes_per_s = 5,
					  .alloc_bytes_per_s = 50};
	sites[1] = sites[0];
	sites[1].line = 9;
	sites[1].live_bytes = 11;
	sites[2] = sites[0];
	sites[2].function = "parse";
	snapshot = (struct snapshot){.cpu = {.state = CHANNEL_ON},
				     .heap = {.state = CHANNEL_ON},
				     .function_count = 2,
				     .functions = functions,
				     .site_count = 3,
				     .sites = sites};
}

static void tear_down(void)
{
	free(snapshot.combined);
}

TestSuite(combined, .init = set_up, .fini = tear_down);

static const struct snapshot_combined *row(const char *name, const char *module)
{
	static const struct snapshot_combined none = {.live_bytes = 99999, .self_pct = 99999};

	for (size_t i = 0; i < snapshot.combined_count; i++)
		if (strcmp(snapshot.combined[i].name, name) == 0 &&
		    strcmp(snapshot.combined[i].module, module) == 0)
			return &snapshot.combined[i];
	return &none;
}

Test(combined, joins_by_name_and_module)
{
	snapshot_fill_combined(&snapshot);
	cr_assert_eq(snapshot.combined_count, 3);
	cr_expect_eq(row("run", "program")->live_bytes, 111);
	cr_expect_eq(row("run", "program")->alloc_bytes_per_s, 100);
	cr_expect_eq(row("run", "program")->growth_bytes_per_s, 10);
	cr_expect_eq(row("run", "program")->self_pct, 60);
	cr_expect_eq(row("run", "program")->total_pct, 100);
	cr_expect_str_eq(row("run", "program")->file, "run.h");
	cr_expect_eq(row("parse", "lib.so")->live_bytes, 0);
	cr_expect_eq(row("parse", "lib.so")->self_pct, 40);
	cr_expect_eq(row("parse", "program")->live_bytes, 100);
	cr_expect_eq(row("parse", "program")->self_pct, 0);
}

Test(combined, what_is_off_is_unknown)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.site_count = 0;
	snapshot_fill_combined(&snapshot);
	cr_expect_eq(row("run", "program")->live_bytes, SNAPSHOT_UNKNOWN);
	cr_expect(isnan(row("run", "program")->alloc_bytes_per_s));
	free(snapshot.combined);
	snapshot.heap.state = CHANNEL_ON;
	snapshot.cpu.state = CHANNEL_OFF;
	snapshot.function_count = 0;
	snapshot.site_count = 3;
	snapshot_fill_combined(&snapshot);
	cr_assert_eq(snapshot.combined_count, 2);
	cr_expect(isnan(row("run", "program")->self_pct));
	cr_expect_eq(row("run", "program")->live_bytes, 111);
}

Test(combined, nothing)
{
	snapshot.function_count = snapshot.site_count = 0;
	snapshot_fill_combined(&snapshot);
	cr_expect_eq(snapshot.combined_count, 0);
}
