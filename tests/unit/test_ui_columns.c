/* The order by every column of the panes. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "pane.h"
#include "profile/kernel_fold.h"
#include "view_fixture.h"

/* Three rows; in the usual order of column i the ids come as in expected[i]. */
static void check_columns(enum pane_id id, const struct snapshot *snapshot,
			  const uint64_t (*expected)[3])
{
	const struct pane *pane = pane_get(id);
	struct pane_choice choice = {.window = SNAPSHOT_ALL};
	struct view_source source;

	pane_choose(&choice, snapshot);
	source = pane->source(snapshot, &choice);

	for (unsigned column = 0; column < pane->table.column_count; column++) {
		struct view view;

		view_init(&view, column);
		update(&view, &source, 3);
		cr_assert_eq(view.count, 3);
		for (size_t i = 0; i < 3; i++)
			cr_expect_eq(id_at(&view, &source, i), expected[column][i],
				     "%s %s: position %zu", pane->name,
				     pane->table.columns[column].title, i);
		view_reverse(&view);
		update(&view, &source, 3);
		for (size_t i = 0; i < 3; i++)
			cr_expect_eq(id_at(&view, &source, i), expected[column][2 - i],
				     "%s %s: reverse %zu", pane->name,
				     pane->table.columns[column].title, i);
		view_fini(&view);
	}
}

Test(ui_columns, every_column_of_functions)
{
	struct snapshot_function functions[] = {
	    {.id = 1,
	     .name = "b",
	     .module = "z",
	     .file = "m.c",
	     .line = 9,
	     .in[SNAPSHOT_ALL] = {5, 1},
	     .change_pct = -1,
	     .trend[SNAPSHOT_TREND - 1] = 4,
	     .thread = "w/1"},
	    {.id = 2,
	     .name = "c",
	     .module = "y",
	     .file = NULL,
	     .in[SNAPSHOT_ALL] = {7, 2},
	     .change_pct = 2,
	     .trend[SNAPSHOT_TREND - 1] = (double)NAN},
	    {.id = 3,
	     .name = "a",
	     .module = "x",
	     .file = "m.c",
	     .line = 10,
	     .in[SNAPSHOT_ALL] = {6, 3},
	     .change_pct = (double)NAN,
	     .trend[SNAPSHOT_TREND - 1] = 5,
	     .thread = "v/2"},
	};
	struct snapshot snapshot = {
	    .cpu.state = CHANNEL_ON, .folded_count = 3, .folded = functions};
	static const uint64_t expected[][3] = {
	    {2, 3, 1}, {3, 2, 1}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 1, 2}, {3, 1, 2},
	    {3, 2, 1}, {1, 3, 2},
	};

	check_columns(PANE_CPU, &snapshot, expected);
}

Test(ui_columns, every_column_of_sites)
{
	struct snapshot_site sites[] = {
	    {.id = 1,
	     .function = "b",
	     .file = "a.c",
	     .line = 2,
	     .live_bytes = UINT64_MAX - 1,
	     .growth_bytes_per_s = (double)NAN,
	     .live_objects = 1,
	     .since_alloc_bytes = 5,
	     .since_freed_bytes = 9,
	     .change_bytes = 3,
	     .alloc_bytes_per_s = 1,
	     .oldest_s = (double)NAN,
	     .peak_bytes = 4,
	     .leak = {.score = 50, .slope_bytes_per_s = (double)NAN},
	     .thread = "w/1"},
	    {.id = 2,
	     .function = "a",
	     .file = "a.c",
	     .line = 1,
	     .live_bytes = 1,
	     .growth_bytes_per_s = -5,
	     .live_objects = 3,
	     .since_alloc_bytes = 6,
	     .since_freed_bytes = 8,
	     .change_bytes = -3,
	     .alloc_bytes_per_s = (double)NAN,
	     .oldest_s = 7,
	     .peak_bytes = 5,
	     .leak = {.score = 70, .slope_bytes_per_s = 3}},
	    {.id = 3,
	     .function = "c",
	     .file = "b.c",
	     .line = 1,
	     .live_bytes = 2,
	     .growth_bytes_per_s = 7,
	     .live_objects = 2,
	     .since_alloc_bytes = 4,
	     .since_freed_bytes = 7,
	     .change_bytes = 5,
	     .alloc_bytes_per_s = 2,
	     .oldest_s = 8,
	     .peak_bytes = 6,
	     .leak = {.score = 10, .slope_bytes_per_s = 9},
	     .thread = "v/2"},
	};
	struct snapshot snapshot = {.heap.state = CHANNEL_ON, .site_count = 3, .sites = sites};
	static const uint64_t expected[][3] = {
	    {1, 3, 2}, {3, 1, 2}, {1, 3, 2}, {3, 2, 1}, {3, 1, 2}, {2, 3, 1}, {2, 1, 3},
	    {1, 2, 3}, {3, 2, 1}, {3, 2, 1}, {3, 2, 1}, {2, 1, 3}, {3, 1, 2}, {2, 1, 3},
	    {2, 1, 3},
	};

	check_columns(PANE_HEAP, &snapshot, expected);
}

Test(ui_columns, every_column_of_suspects)
{
	struct snapshot_site sites[] = {
	    {.id = 1,
	     .function = "b",
	     .file = "a.c",
	     .line = 2,
	     .live_bytes = 7,
	     .ages_known = true,
	     .ages = {.bytes = {[AGE_0S] = 9, [AGE_1MIN] = 1}},
	     .oldest_s = 80,
	     .leak = {.score = 50,
		      .slope_bytes_per_s = 2,
		      .slope_half_width = (double)NAN,
		      .evidence = "y"}},
	    {.id = 2,
	     .function = "c",
	     .file = "a.c",
	     .line = 1,
	     .live_bytes = 8,
	     .ages_known = true,
	     .ages = {.bytes = {[AGE_0S] = 1, [AGE_1H] = 9}},
	     .oldest_s = 4000,
	     .leak = {.score = 70, .slope_bytes_per_s = 1, .slope_half_width = 5, .evidence = "x"}},
	    {.id = 3,
	     .function = "a",
	     .file = "b.c",
	     .line = 1,
	     .live_bytes = 9,
	     .oldest_s = (double)NAN,
	     .leak = {.score = 60, .slope_bytes_per_s = 3, .slope_half_width = 4, .evidence = "z"}},
	};
	const struct snapshot_site *suspects[] = {&sites[1], &sites[2], &sites[0]};
	struct snapshot snapshot = {
	    .heap.state = CHANNEL_ON, .suspect_count = 3, .suspects = suspects};
	static const uint64_t expected[][3] = {
	    {2, 3, 1}, {3, 1, 2}, {2, 3, 1}, {2, 1, 3}, {2, 1, 3},
	    {3, 2, 1}, {3, 1, 2}, {2, 1, 3}, {2, 1, 3},
	};

	check_columns(PANE_LEAKS, &snapshot, expected);
}

Test(ui_columns, kernel_functions_are_folded_unless_unfolded)
{
	struct snapshot_function functions[] = {
	    {.id = 1, .name = "k", .kernel = true, .self_samples = 9, .in[SNAPSHOT_ALL] = {9, 9}},
	    {.id = 2, .name = "u", .self_samples = 1, .in[SNAPSHOT_ALL] = {1, 1}},
	    {.id = 3, .name = "l", .kernel = true, .self_samples = 1, .in[SNAPSHOT_ALL] = {1, 1}},
	};
	struct snapshot snapshot = {
	    .cpu = {.state = CHANNEL_ON, .samples = 11, .kernel_samples = 10},
	    .function_count = 3,
	    .functions = functions};
	struct pane_choice choice = {.window = SNAPSHOT_ALL};
	struct view_source source;
	struct view view;
	uint64_t kernel_id;

	snapshot_fold_kernel(&snapshot);
	view_init(&view, CPU_COLUMN_SELF);
	pane_choose(&choice, &snapshot);
	source = pane_get(PANE_CPU)->source(&snapshot, &choice);
	update(&view, &source, 5);
	kernel_id = id_at(&view, &source, 0);
	check_ids(&view, &source, 2, (uint64_t[]){kernel_id, 2});
	choice.kernel_unfolded = true;
	pane_choose(&choice, &snapshot);
	source = pane_get(PANE_CPU)->source(&snapshot, &choice);
	update(&view, &source, 5);
	check_ids(&view, &source, 3, (uint64_t[]){1, 2, 3});
	cr_assert(kernel_id > 3);
	view_fini(&view);
	free(snapshot.folded);
}
