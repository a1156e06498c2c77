/* Lists: filter and search, and what they ask of the rows. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "view_fixture.h"

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

Test(ui_filter, filter_hides_rows_and_search_goes_round)
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

Test(ui_filter, answers_of_the_filter_are_remembered)
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

Test(ui_filter, filter_without_time_goes_on_in_the_next_updates)
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

Test(ui_filter, patterns)
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
