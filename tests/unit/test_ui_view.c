/* Lists: order by every column of both panes, selection by id, scrolling. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pane.h"
#include "profile/kernel_fold.h"
#include "view.h"

struct item {
	uint64_t id;
	int value;
};

static uint64_t item_id(const void *rows, size_t index)
{
	return ((const struct item *)rows)[index].id;
}

static int compare_items(const void *rows, size_t a, size_t b, unsigned column)
{
	const struct item *items = rows;

	(void)column;
	return (items[b].value > items[a].value) - (items[b].value < items[a].value);
}

static struct view_source source_of(const struct item *items, size_t count)
{
	return (struct view_source){items, count, item_id, compare_items};
}

static void check_ids(const struct view *view, size_t count, const uint64_t *ids)
{
	cr_assert_eq(view->count, count);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(view->ids[i], ids[i], "position %zu: %lu", i,
			     (unsigned long)view->ids[i]);
}

Test(ui_view, sorts_with_ties_by_id_in_both_directions)
{
	struct item items[] = {{9, 1}, {4, 5}, {2, 1}, {7, 8}};
	struct view_source source = source_of(items, 4);
	struct view view;

	view_init(&view, 0);
	view_update(&view, &source, 10);
	check_ids(&view, 4, (uint64_t[]){7, 4, 2, 9});
	view_reverse(&view);
	view_update(&view, &source, 10);
	check_ids(&view, 4, (uint64_t[]){2, 9, 4, 7});
	view_sort(&view, 3);
	cr_expect(!view.reverse, "a new column starts in its usual order");
	view_fini(&view);
}

Test(ui_view, selection_stays_on_top_until_moved_then_follows_its_row)
{
	struct item items[] = {{1, 30}, {2, 20}, {3, 10}};
	struct view_source source = source_of(items, 3);
	struct view view;

	view_init(&view, 0);
	view_update(&view, &source, 10);
	items[2].value = 99;
	view_update(&view, &source, 10);
	cr_expect_eq(view.selected, 0);
	cr_expect_eq(view.selected_id, 3);

	view_move(&view, 1);
	cr_expect_eq(view.selected_id, 1);
	items[0].value = 1;
	view_update(&view, &source, 10);
	cr_expect_eq(view.selected, 2);
	cr_expect_eq(view.selected_id, 1);

	view_first(&view);
	items[1].value = 200;
	view_update(&view, &source, 10);
	cr_expect_eq(view.selected_id, 2, "on top again");
	view_fini(&view);
}

Test(ui_view, vanished_row_leaves_its_place)
{
	struct item items[] = {{1, 50}, {2, 40}, {3, 30}, {4, 20}};
	struct view_source source = source_of(items, 4);
	struct view view;

	view_init(&view, 0);
	view_update(&view, &source, 10);
	view_move(&view, 1);
	memmove(&items[1], &items[2], 2 * sizeof(items[0]));
	source.count = 3;
	view_update(&view, &source, 10);
	cr_expect_eq(view.selected, 1);
	cr_expect_eq(view.selected_id, 3);

	view_last(&view);
	cr_expect_eq(view.selected_id, 4);
	source.count = 1;
	view_update(&view, &source, 10);
	cr_expect_eq(view.selected, 0);
	source.count = 0;
	view_update(&view, &source, 10);
	cr_expect_eq(view.count, 0);
	cr_expect_eq(view.selected, 0);
	view_move(&view, 1);
	view_last(&view);
	view_first(&view);
	cr_expect_eq(view.selected, 0);
	view_fini(&view);
}

Test(ui_view, scrolls_to_keep_the_selection_in_the_page)
{
	struct item items[100];
	struct view_source source = source_of(items, 100);
	struct view view;

	for (int i = 0; i < 100; i++)
		items[i] = (struct item){(uint64_t)i, -i};
	view_init(&view, 0);
	view_update(&view, &source, 10);
	view_move(&view, 9);
	cr_expect_eq(view.top, 0);
	view_move(&view, 1);
	cr_expect_eq(view.top, 1);
	view_move(&view, 10);
	cr_expect_eq(view.selected, 20);
	cr_expect_eq(view.top, 11);
	view_move(&view, -15);
	cr_expect_eq(view.selected, 5);
	cr_expect_eq(view.top, 5);
	view_move(&view, -1000);
	cr_expect_eq(view.selected, 0);
	view_move(&view, 1000);
	cr_expect_eq(view.selected, 99);
	cr_expect_eq(view.top, 90);
	/* A larger page shows more above, a smaller one still has the selection. */
	view_update(&view, &source, 30);
	cr_expect_eq(view.top, 70);
	view_update(&view, &source, 4);
	cr_expect_eq(view.top, 96);
	view_update(&view, &source, 0);
	cr_expect_eq(view.top, 99);
	view_fini(&view);
}

/* Three rows; in the usual order of column i the ids come as in expected[i]. */
static void check_columns(enum pane_id id, const struct snapshot *snapshot,
			  const uint64_t (*expected)[3])
{
	const struct pane *pane = pane_get(id);
	struct view_source source = pane->source(snapshot, false);

	for (unsigned column = 0; column < pane->table.column_count; column++) {
		struct view view;

		view_init(&view, column);
		view_update(&view, &source, 3);
		cr_assert_eq(view.count, 3);
		for (size_t i = 0; i < 3; i++)
			cr_expect_eq(view.ids[i], expected[column][i], "%s %s: position %zu",
				     pane->name, pane->table.columns[column].title, i);
		view_reverse(&view);
		view_update(&view, &source, 3);
		for (size_t i = 0; i < 3; i++)
			cr_expect_eq(view.ids[i], expected[column][2 - i], "%s %s: reverse %zu",
				     pane->name, pane->table.columns[column].title, i);
		view_fini(&view);
	}
}

Test(ui_view, every_column_of_functions)
{
	struct snapshot_function functions[] = {
	    {.id = 1,
	     .name = "b",
	     .module = "z",
	     .file = "m.c",
	     .line = 9,
	     .self_samples = 5,
	     .total_samples = 1},
	    {.id = 2,
	     .name = "c",
	     .module = "y",
	     .file = NULL,
	     .self_samples = 7,
	     .total_samples = 2},
	    {.id = 3,
	     .name = "a",
	     .module = "x",
	     .file = "m.c",
	     .line = 10,
	     .self_samples = 6,
	     .total_samples = 3},
	};
	struct snapshot snapshot = {
	    .cpu.state = CHANNEL_ON, .folded_count = 3, .folded = functions};
	static const uint64_t expected[][3] = {
	    {2, 3, 1}, {3, 2, 1}, {3, 1, 2}, {3, 2, 1}, {1, 3, 2},
	};

	check_columns(PANE_CPU, &snapshot, expected);
}

Test(ui_view, every_column_of_sites)
{
	struct snapshot_site sites[] = {
	    {.id = 1,
	     .function = "b",
	     .file = "a.c",
	     .line = 2,
	     .live_bytes = UINT64_MAX,
	     .growth_bytes_per_s = (double)NAN,
	     .live_objects = 1,
	     .alloc_bytes = 5,
	     .freed_bytes = 9,
	     .peak_bytes = 4,
	     .leak = {.score = 50, .slope_bytes_per_s = (double)NAN}},
	    {.id = 2,
	     .function = "a",
	     .file = "a.c",
	     .line = 1,
	     .live_bytes = 1,
	     .growth_bytes_per_s = -5,
	     .live_objects = 3,
	     .alloc_bytes = 6,
	     .freed_bytes = 8,
	     .peak_bytes = 5,
	     .leak = {.score = 70, .slope_bytes_per_s = 3}},
	    {.id = 3,
	     .function = "c",
	     .file = "b.c",
	     .line = 1,
	     .live_bytes = 2,
	     .growth_bytes_per_s = 7,
	     .live_objects = 2,
	     .alloc_bytes = 4,
	     .freed_bytes = 7,
	     .peak_bytes = 6,
	     .leak = {.score = 10, .slope_bytes_per_s = 9}},
	};
	struct snapshot snapshot = {.heap.state = CHANNEL_ON, .site_count = 3, .sites = sites};
	static const uint64_t expected[][3] = {
	    {1, 3, 2}, {3, 2, 1}, {2, 3, 1}, {2, 1, 3}, {1, 2, 3},
	    {3, 2, 1}, {3, 2, 1}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3},
	};

	check_columns(PANE_HEAP, &snapshot, expected);
}

Test(ui_view, every_column_of_suspects)
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
	     .leak = {.score = 70,
		      .slope_bytes_per_s = 1,
		      .slope_half_width = 5,
		      .evidence = "x"}},
	    {.id = 3,
	     .function = "a",
	     .file = "b.c",
	     .line = 1,
	     .live_bytes = 9,
	     .oldest_s = (double)NAN,
	     .leak = {.score = 60,
		      .slope_bytes_per_s = 3,
		      .slope_half_width = 4,
		      .evidence = "z"}},
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

Test(ui_view, kernel_functions_are_folded_unless_unfolded)
{
	struct snapshot_function functions[] = {
	    {.id = 1, .name = "k", .kernel = true, .self_samples = 9},
	    {.id = 2, .name = "u", .self_samples = 1},
	    {.id = 3, .name = "l", .kernel = true, .self_samples = 1},
	};
	struct snapshot snapshot = {.cpu = {.state = CHANNEL_ON, .samples = 11, .kernel_samples = 10},
				    .function_count = 3,
				    .functions = functions};
	struct view_source source;
	struct view view;
	uint64_t kernel_id;

	snapshot_fold_kernel(&snapshot);
	view_init(&view, CPU_COLUMN_SELF);
	source = pane_get(PANE_CPU)->source(&snapshot, false);
	view_update(&view, &source, 5);
	kernel_id = view.ids[0];
	check_ids(&view, 2, (uint64_t[]){kernel_id, 2});
	source = pane_get(PANE_CPU)->source(&snapshot, true);
	view_update(&view, &source, 5);
	check_ids(&view, 3, (uint64_t[]){1, 2, 3});
	cr_assert(kernel_id > 3);
	view_fini(&view);
	free(snapshot.folded);
}
