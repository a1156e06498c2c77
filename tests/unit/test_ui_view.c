/* Lists: order, selection by id, scrolling. */
#include "config.h"

#include <criterion/criterion.h>

#include "view_fixture.h"

Test(ui_view, sorts_with_ties_by_id_in_both_directions)
{
	struct item items[] = {{9, 1}, {4, 5}, {2, 1}, {7, 8}};
	struct view_source source = source_of(items, 4);
	struct view view;

	view_init(&view, 0);
	update(&view, &source, 10);
	check_ids(&view, &source, 4, (uint64_t[]){7, 4, 2, 9});
	view_reverse(&view);
	update(&view, &source, 10);
	check_ids(&view, &source, 4, (uint64_t[]){2, 9, 4, 7});
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
	update(&view, &source, 10);
	items[2].value = 99;
	update(&view, &source, 10);
	cr_expect_eq(view.selected, 0);
	cr_expect_eq(view.selected_id, 3);

	view_move(&view, 1);
	update(&view, &source, 10);
	cr_expect_eq(view.selected_id, 1);
	items[0].value = 1;
	update(&view, &source, 10);
	cr_expect_eq(view.selected, 2);
	cr_expect_eq(view.selected_id, 1);

	view_first(&view);
	items[1].value = 200;
	update(&view, &source, 10);
	cr_expect_eq(view.selected_id, 2, "on top again");
	view_fini(&view);
}

Test(ui_view, vanished_row_leaves_its_place)
{
	struct item items[] = {{1, 50}, {2, 40}, {3, 30}, {4, 20}};
	struct view_source source = source_of(items, 4);
	struct view view;

	view_init(&view, 0);
	update(&view, &source, 10);
	view_move(&view, 1);
	update(&view, &source, 10);
	memmove(&items[1], &items[2], 2 * sizeof(items[0]));
	source.count = 3;
	update(&view, &source, 10);
	cr_expect_eq(view.selected, 1);
	cr_expect_eq(view.selected_id, 3);

	view_last(&view);
	update(&view, &source, 10);
	cr_expect_eq(view.selected_id, 4);
	source.count = 1;
	update(&view, &source, 10);
	cr_expect_eq(view.selected, 0);
	source.count = 0;
	update(&view, &source, 10);
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
	struct item items[100] = {{0}};
	struct view_source source = source_of(items, 100);
	struct view view;

	for (int i = 0; i < 100; i++)
		items[i] = (struct item){(uint64_t)i, -i};
	view_init(&view, 0);
	update(&view, &source, 10);
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
	update(&view, &source, 30);
	cr_expect_eq(view.top, 70);
	update(&view, &source, 4);
	cr_expect_eq(view.top, 96);
	update(&view, &source, 0);
	cr_expect_eq(view.top, 99);
	view_fini(&view);
}

Test(ui_view, held_row_keeps_its_line)
{
	struct item items[100] = {{0}};
	struct view_source source = source_of(items, 100);
	struct view_terms terms = {.page = 10, .hold = true};
	struct view view;

	for (int i = 0; i < 100; i++)
		items[i] = (struct item){(uint64_t)i, -i};
	view_init(&view, 0);
	update(&view, &source, 10);
	view_move(&view, 54);
	view_update(&view, &source, &terms);
	view_move(&view, -4);
	view_update(&view, &source, &terms);
	cr_expect_eq(view.selected_id, 50);
	cr_expect_eq(view.selected - view.top, 5);
	items[50].value = -21; /* comes behind the row 21, as the larger id */
	view_update(&view, &source, &terms);
	cr_expect_eq(view.selected_id, 50);
	cr_expect_eq(view.selected, 22);
	cr_expect_eq(view.selected - view.top, 5, "at the same line");
	items[50].value = 1;
	view_update(&view, &source, &terms);
	cr_expect_eq(view.selected, 0);
	cr_expect_eq(view.top, 0, "as far as it goes");
	view_fini(&view);
}

/* Values of many rows: at random, in order, in the opposite one, all the same. */
static int value_of(int order, int row, uint32_t random)
{
	const int values[] = {(int)(random >> 24), row, -row, 5};

	return values[order];
}

/* Pages of many rows, the last one too, are what sorting all of them would put there. */
Test(ui_view, page_of_many_rows_is_that_of_the_whole_order)
{
	enum { ROWS = 5000, PAGE = 30, ORDERS = 4, STEP = 357 };
	static struct item items[ROWS] = {{0}};
	struct view_source source = source_of(items, ROWS);
	struct view all, page;
	uint32_t random = 7;

	for (int order = 0; order < ORDERS; order++) {
		view_init(&all, 0);
		view_init(&page, 0);
		for (int i = 0; i < ROWS; i++) {
			random = random * 1664525U + 1013904223U;
			items[i] = (struct item){(uint64_t)i, value_of(order, i, random)};
		}
		update(&all, &source, ROWS);
		for (long at = 0; at < ROWS + STEP; at += STEP) {
			view_move(&page, at);
			update(&page, &source, PAGE);
			for (size_t i = 0; i < PAGE; i++)
				cr_assert_eq(view_index(&page, page.top + i),
					     view_index(&all, page.top + i));
			view_first(&page);
		}
		view_fini(&all);
		view_fini(&page);
	}
}
