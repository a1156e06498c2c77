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

static struct view_key item_key(const void *rows, size_t index, unsigned column)
{
	(void)column;
	return view_number(((const struct item *)rows)[index].value);
}

static struct view_source source_of(const struct item *items, size_t count)
{
	return (struct view_source){
	    .rows = items, .count = count, .id = item_id, .key = item_key};
}

static void update(struct view *view, const struct view_source *source, size_t page)
{
	struct view_terms terms = {.page = page};

	view_update(view, source, &terms);
}

static uint64_t id_at(const struct view *view, const struct view_source *source, size_t position)
{
	return source->id(source->rows, view_index(view, position));
}

static void check_ids(const struct view *view, const struct view_source *source, size_t count,
		      const uint64_t *ids)
{
	cr_assert_eq(view->count, count);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(id_at(view, source, i), ids[i], "position %zu: %lu", i,
			     (unsigned long)id_at(view, source, i));
}

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
	struct item items[100];
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

static const char *item_text(const void *rows, size_t index, unsigned part)
{
	static const char *const names[] = {"alpha", "beta", "gamma", "alphabet", "delta"};
	const struct item *items = rows;

	return part == 0 ? names[items[index].id % 5] : NULL;
}

static uint64_t selected_after(struct view *view, const struct view_source *source,
			       const struct match *wanted, enum view_seek seek)
{
	struct view_terms terms = {.page = 10, .wanted = wanted};

	view_search(view, seek);
	view_update(view, source, &terms);
	return view->selected_id;
}

Test(ui_view, filter_hides_rows_and_search_goes_round)
{
	struct item items[] = {{0, 50}, {1, 40}, {2, 30}, {3, 20}, {4, 10}};
	struct view_source source = source_of(items, 5);
	char reason[64];
	struct match *alpha = match_new("alpha", reason, sizeof(reason));
	struct match *regex = match_new("!^[ab]", reason, sizeof(reason));
	struct match *none = match_new("omega", reason, sizeof(reason));
	struct view_terms terms = {.page = 10, .filter = regex};
	struct view view;

	source.text = item_text;
	view_init(&view, 0);
	view_update(&view, &source, &terms);
	check_ids(&view, &source, 3, (uint64_t[]){0, 1, 3});
	cr_expect_eq(view.total, 5);
	terms.filter = none;
	view_update(&view, &source, &terms);
	cr_expect_eq(view.count, 0);

	cr_expect_eq(selected_after(&view, &source, alpha, VIEW_SEEK_HERE), 0, "where it is");
	cr_expect_eq(selected_after(&view, &source, alpha, VIEW_SEEK_NEXT), 3);
	cr_expect_eq(selected_after(&view, &source, alpha, VIEW_SEEK_NEXT), 0, "round the end");
	cr_expect_eq(selected_after(&view, &source, alpha, VIEW_SEEK_PREVIOUS), 3);
	cr_expect_eq(selected_after(&view, &source, alpha, VIEW_SEEK_PREVIOUS), 0);
	cr_expect_not(view.missed);
	cr_expect_eq(selected_after(&view, &source, none, VIEW_SEEK_NEXT), 0, "stays");
	cr_expect(view.missed);
	view_fini(&view);
	match_free(alpha);
	match_free(regex);
	match_free(none);
}

/* Names that are asked for are counted; the file is the one part that may change. */
struct named {
	uint64_t id;
	const char *name, *file;
	size_t *asked;
};

static uint64_t named_id(const void *rows, size_t index)
{
	return ((const struct named *)rows)[index].id;
}

static const char *named_text(const void *rows, size_t index, unsigned part)
{
	const struct named *row = &((const struct named *)rows)[index];

	*row->asked += part == 0;
	return part == 0 ? row->name : part == 1 ? "" : part == 2 ? row->file : NULL;
}

Test(ui_view, answers_of_the_filter_are_remembered)
{
	enum { ROWS = 3000 };
	struct named *rows = calloc(ROWS, sizeof(*rows));
	size_t asked = 0;
	struct view_source source = {
	    .rows = rows, .count = ROWS, .id = named_id, .text = named_text, .lasting = true};
	char reason[64];
	struct match *hot = match_new("hot", reason, sizeof(reason)),
		     *cold = match_new("cold", reason, sizeof(reason));
	struct view_terms terms = {.page = 10, .filter = hot, .slice_s = (double)INFINITY};
	struct view view;

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct named){i + 1, i % 3 ? "cold" : "hot", "", &asked};
	view_init(&view, 0);
	view_update(&view, &source, &terms);
	cr_expect_eq(view.count, ROWS / 3);
	cr_expect_eq(asked, ROWS);
	/* In another order, with one row that is new. */
	for (size_t i = 0; i < ROWS / 2; i++) {
		struct named other = rows[i];

		rows[i] = rows[ROWS - 1 - i];
		rows[ROWS - 1 - i] = other;
	}
	rows[7] = (struct named){ROWS + 1, "hot", "", &asked};
	view_update(&view, &source, &terms);
	cr_expect_eq(asked, ROWS + 1, "only the new one is asked");
	for (size_t i = 0; i < view.count; i++)
		cr_assert_str_eq(rows[view_index(&view, i)].name, "hot");

	/* Its file has become known. */
	size_t before;

	rows[8] = (struct named){ROWS + 2, "cold", "", &asked};
	view_update(&view, &source, &terms);
	before = view.count;
	rows[8].file = "hot.c";
	view_update(&view, &source, &terms);
	cr_expect_eq(view.count, before + 1);
	cr_expect_eq(asked, ROWS + 3, "asked again");
	rows[8].file = "";

	terms.filter = cold;
	view_update(&view, &source, &terms);
	cr_expect_eq(asked, 2 * ROWS + 3, "another pattern has no answers yet");
	for (size_t i = 0; i < view.count; i++)
		cr_assert_str_eq(rows[view_index(&view, i)].name, "cold");

	/* Rows that go and others that come do not make it grow without end. */
	for (size_t round = 2; round < 40; round++) {
		for (size_t i = 0; i < ROWS; i++)
			rows[i] = (struct named){round * 10 * ROWS + i, "cold", "", &asked};
		view_update(&view, &source, &terms);
		cr_assert_eq(view.count, ROWS);
		cr_assert_leq(view.answers.used, 5 * ROWS);
	}
	match_free(hot);
	match_free(cold);
	view_fini(&view);
	free(rows);
}

Test(ui_view, filter_without_time_goes_on_in_the_next_updates)
{
	enum { ROWS = 3000, LAST = ROWS };
	struct named *rows = calloc(ROWS, sizeof(*rows));
	size_t asked = 0, updates = 0, seen = 0;
	struct view_source source = {
	    .rows = rows, .count = ROWS, .id = named_id, .text = named_text, .lasting = true};
	char reason[64];
	struct match *hot = match_new("hot", reason, sizeof(reason)),
		     *wanted = match_new("hottest", reason, sizeof(reason));
	struct view_terms terms = {.page = 10};
	struct view view;

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct named){i + 1, i % 3 != 2 ? "cold" : "hot", "", &asked};
	rows[ROWS - 4].name = "hottest";
	view_init(&view, 0);
	view_update(&view, &source, &terms);
	view_last(&view);
	view_update(&view, &source, &terms);
	cr_assert_eq(view.selected_id, LAST);

	terms.filter = hot;
	terms.wanted = wanted;
	view_search(&view, VIEW_SEEK_PREVIOUS);
	do {
		view_update(&view, &source, &terms);
		updates++;
		cr_assert_leq(updates, ROWS);
		cr_assert_geq(view.count, seen, "what passed stays");
		seen = view.count;
		if (view.unasked > 0)
			cr_assert_eq(view.selected_id, LAST, "the selection waits for its row");
		cr_assert_not(view.missed, "the search waits for the rows");
	} while (view.unasked > 0);
	cr_expect_gt(updates, 10, "no update takes long");
	cr_expect_eq(view.count, ROWS / 3);
	cr_expect_geq(asked, ROWS);
	cr_expect_eq(view.selected_id, ROWS - 3, "found");
	match_free(hot);
	match_free(wanted);
	view_fini(&view);
	free(rows);
}

Test(ui_view, patterns)
{
	char reason[128];
	struct match *small = match_new("map", reason, sizeof(reason));
	struct match *capital = match_new("Map", reason, sizeof(reason));
	struct match *text = match_new_text("!a.b");

	cr_expect(match_test(small, "HashMAP"));
	cr_expect(match_test(capital, "HashMap") && !match_test(capital, "hashmap"));
	cr_expect(match_test(text, "x!a.b") && !match_test(text, "x!aab"));
	cr_expect_null(match_new("", reason, sizeof(reason)));
	cr_expect_str_empty(reason);
	cr_expect_null(match_new("!(", reason, sizeof(reason)));
	cr_expect(reason[0]);
	match_free(small);
	match_free(capital);
	match_free(text);
}

Test(ui_view, held_row_keeps_its_line)
{
	struct item items[100];
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

/* A page of many rows is what sorting all of them would put there. */
Test(ui_view, page_of_many_rows_is_that_of_the_whole_order)
{
	enum { ROWS = 5000, PAGE = 30 };
	static struct item items[ROWS];
	struct view_source source = source_of(items, ROWS);
	struct view all, page;
	uint32_t random = 7;

	view_init(&all, 0);
	view_init(&page, 0);
	for (int i = 0; i < ROWS; i++) {
		random = random * 1664525U + 1013904223U;
		items[i] = (struct item){(uint64_t)i, (int)(random >> 24)};
	}
	update(&all, &source, ROWS);
	for (size_t at = 0; at < ROWS; at += 777) {
		view_move(&page, (long)at);
		update(&page, &source, PAGE);
		for (size_t i = 0; i < PAGE; i++)
			cr_assert_eq(view_index(&page, page.top + i), view_index(&all, page.top + i));
		view_first(&page);
	}
	view_fini(&all);
	view_fini(&page);
}

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

Test(ui_view, every_column_of_functions)
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

Test(ui_view, every_column_of_sites)
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
	     .leak = {.score = 50, .slope_bytes_per_s = (double)NAN}},
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
	     .leak = {.score = 10, .slope_bytes_per_s = 9}},
	};
	struct snapshot snapshot = {.heap.state = CHANNEL_ON, .site_count = 3, .sites = sites};
	static const uint64_t expected[][3] = {
	    {1, 3, 2}, {3, 1, 2}, {1, 3, 2}, {3, 2, 1}, {3, 1, 2}, {2, 3, 1}, {2, 1, 3},
	    {1, 2, 3}, {3, 2, 1}, {3, 2, 1}, {3, 2, 1}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3},
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

Test(ui_view, kernel_functions_are_folded_unless_unfolded)
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
