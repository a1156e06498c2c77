/* Geometry at many sizes: everything inside, nothing on top of each other, what goes first. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "layout.h"

static void check_inside(const struct rect *rect, const struct layout_request *request)
{
	cr_assert(rect->rows > 0 && rect->cols > 0);
	cr_assert(rect->row >= 0 && rect->col >= 0);
	cr_assert_leq(rect->row + rect->rows, request->rows);
	cr_assert_leq(rect->col + rect->cols, request->cols);
}

static bool overlap(const struct rect *a, const struct rect *b)
{
	return a->row < b->row + b->rows && b->row < a->row + a->rows &&
	       a->col < b->col + b->cols && b->col < a->col + a->cols;
}

static void check(const struct layout_request *request)
{
	struct layout layout = layout_compute(request);
	const struct rect *rects[PANE_COUNT + 3] = {&layout.header, &layout.notice, &layout.keys};
	size_t count = sizeof(rects) / sizeof(rects[0]);
	int rows = 0, shown = 0;

	for (size_t id = 0; id < PANE_COUNT; id++)
		rects[3 + id] = &layout.panes[id];

	cr_assert_eq(layout.too_small, request->rows < 6 || request->cols < 30);
	if (layout.too_small)
		return;
	for (size_t i = 0; i < count; i++) {
		if (rects[i]->rows == 0)
			continue;
		check_inside(rects[i], request);
		rows += rects[i]->col == 0 ? rects[i]->rows : 0;
		for (size_t k = i + 1; k < count; k++)
			cr_assert(rects[k]->rows == 0 || !overlap(rects[i], rects[k]),
				  "%dx%d: %zu and %zu", request->cols, request->rows, i, k);
	}
	cr_assert_eq(rows, request->rows, "no line is wasted");
	cr_assert_eq(layout.keys.row, request->rows - 1);
	cr_assert_eq(layout.header.row, 0);
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		cr_assert(layout.panes[id].rows == 0 || layout.panes[id].rows >= 3);
		cr_assert(layout.panes[id].rows == 0 || layout_has(request->mode, id));
		cr_assert(layout.panes[id].rows == 0 || layout.panes[id].rows >= 5 ||
			      request->rows < 15 || request->off[id],
			  "%dx%d: a table has three rows", request->cols, request->rows);
		shown += layout.panes[id].rows > 0;
	}
	cr_assert(shown > 0);
}

Test(ui_layout, every_size_from_1x1_to_300x100)
{
	for (int variant = 0; variant < LAYOUT_COUNT * 2 * 2 * 4; variant++)
		for (int rows = 1; rows <= 100; rows++)
			for (int cols = 1; cols <= 300; cols += cols < 130 ? 1 : 17) {
				enum layout_mode mode = (enum layout_mode)(variant % LAYOUT_COUNT);
				const struct layout_panes *panes = layout_panes(mode);
				int rest = variant / LAYOUT_COUNT;
				struct layout_request request = {
				    .rows = rows,
				    .cols = cols,
				    .mode = mode,
				    .focus = panes->ids[(size_t)rest % panes->count],
				    .notice_cols = rest / 2 % 2 * 100,
				    .off = {rest / 4 % 2, rest / 8 % 2},
				};

				check(&request);
			}
}

Test(ui_layout, beside_each_other_where_the_terminal_is_wide)
{
	static const struct {
		int cols, rows;
		bool beside;
	} sizes[] = {{250, 60, true}, {200, 60, true}, {199, 60, false}, {199, 20, true},
		     {161, 20, true}, {160, 20, false}, {161, 40, false}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout_request request = {.rows = sizes[i].rows, .cols = sizes[i].cols};
		struct layout layout = layout_compute(&request);
		const struct rect *left = &layout.panes[PANE_CPU], *right = &layout.panes[PANE_HEAP];

		cr_expect_eq(left->row == right->row, sizes[i].beside, "%dx%d", sizes[i].cols, sizes[i].rows);
		if (sizes[i].beside) {
			cr_expect_eq(left->rows, right->rows);
			cr_expect_eq(left->cols + 1, right->col, "a column between them");
			cr_expect_eq(right->col + right->cols, sizes[i].cols);
		}
		request.off[PANE_HEAP] = true;
		layout = layout_compute(&request);
		cr_expect_lt(left->row, right->row, "a reason needs no half of the screen");
	}
}

Test(ui_layout, every_pane_has_a_mode_of_its_own)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct layout_panes *panes = layout_panes(layout_of(id));

		cr_expect_eq(panes->count, 1);
		cr_expect_eq(panes->ids[0], id);
	}
	cr_expect(layout_has(LAYOUT_BOTH, PANE_HEAP));
	cr_expect(!layout_has(LAYOUT_CPU, PANE_HEAP));
}

static struct layout at(int cols, int rows)
{
	return layout_compute(&(struct layout_request){
	    .rows = rows, .cols = cols, .focus = PANE_HEAP, .notice_cols = 1});
}

Test(ui_layout, degrades_in_order)
{
	struct layout full = at(120, 35), usual = at(80, 24), low = at(80, 17), narrow = at(59, 24),
		      tiny = at(40, 10), least = at(30, 6);

	cr_expect_eq(full.header.rows, 4);
	cr_expect(full.panes[PANE_CPU].rows > 0 && full.panes[PANE_HEAP].rows > 0);
	cr_expect_eq(usual.header.rows, 4);
	cr_expect(usual.panes[PANE_CPU].rows >= 5 && usual.panes[PANE_HEAP].rows >= 5);
	cr_expect_eq(low.header.rows, 3);
	cr_expect(low.panes[PANE_CPU].rows > 0 && low.panes[PANE_HEAP].rows > 0);
	cr_expect_eq(narrow.header.rows, 1);
	cr_expect_eq(narrow.panes[PANE_CPU].rows, 0, "only the focused pane");
	cr_expect(narrow.panes[PANE_HEAP].rows > 0);
	cr_expect_eq(tiny.header.rows, 1);
	cr_expect_eq(tiny.notice.rows, 1);
	cr_expect_eq(least.notice.rows, 0, "the notice goes last");
	const struct layout long_one =
	    layout_compute(&(struct layout_request){.rows = 24, .cols = 80, .notice_cols = 81});
	cr_expect_eq(long_one.notice.rows, 2);
	cr_expect_eq(long_one.notice.row, 21);
	cr_expect_eq(usual.notice.rows, 1, "it fits");
	cr_expect(!least.too_small);
	cr_expect(at(29, 6).too_small);
	cr_expect(at(30, 5).too_small);
}

Test(ui_layout, pane_that_is_off_leaves_its_room)
{
	struct layout_request request = {.rows = 35, .cols = 120, .off = {[PANE_HEAP] = true}};
	struct layout layout = layout_compute(&request);

	cr_expect_eq(layout.panes[PANE_HEAP].rows, 3);
	cr_expect_eq(layout.panes[PANE_CPU].rows, 27);
	request.off[PANE_CPU] = true;
	layout = layout_compute(&request);
	cr_expect(layout.panes[PANE_HEAP].rows > 3, "neither goes before the other");
}

static int cpu_rows(int cpu_lines, int heap_lines)
{
	struct layout_request request = {
	    .rows = 35, .cols = 120, .lines = {[PANE_CPU] = cpu_lines, [PANE_HEAP] = heap_lines}};
	struct layout layout = layout_compute(&request);

	cr_assert_eq(layout.panes[PANE_CPU].rows + layout.panes[PANE_HEAP].rows, 30);
	return layout.panes[PANE_CPU].rows;
}

Test(ui_layout, pane_leaves_what_it_cannot_fill)
{
	int usual = cpu_rows(100, 100);

	cr_expect_eq(cpu_rows(100, 8), 22);
	cr_expect_eq(cpu_rows(20, 8), 20, "no more than it can fill");
	cr_expect_eq(cpu_rows(6, 100), 6);
	cr_expect_eq(cpu_rows(6, 20), 10);
	cr_expect_eq(cpu_rows(100, 2), 25, "there is room for three rows to come");
	cr_expect_eq(cpu_rows(2, 100), 5);
	cr_expect_eq(cpu_rows(6, 8), usual, "neither needs more");
}

static const struct layout_column columns[] = {
    {6, 6, 0, 0}, {7, 7, 1, 0}, {24, 180, 0, 24}, {12, 20, 3, 0}, {14, 32, 2, 0},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

Test(ui_layout, columns_fill_the_width)
{
	for (int cols = 1; cols <= 320; cols++) {
		const int most = 6 + 7 + 180 + 20 + 32 + COLUMN_COUNT;
		int widths[COLUMN_COUNT], sum = 0;

		layout_columns(columns, COLUMN_COUNT, cols, widths);
		for (size_t i = 0; i < COLUMN_COUNT; i++) {
			sum += widths[i] > 0 ? widths[i] + 1 : 0;
			cr_assert(widths[i] >= 0);
			cr_assert_leq(widths[i], columns[i].max);
		}
		if (cols >= 10)
			cr_assert_eq(sum, cols < most ? cols : most);
		cr_assert(widths[0] > 0 && widths[2] > 0, "these stay");
	}
}

Test(ui_layout, columns_go_by_rank)
{
	int widths[COLUMN_COUNT];

	layout_columns(columns, COLUMN_COUNT, 68, widths);
	cr_expect(widths[3] > 0);
	layout_columns(columns, COLUMN_COUNT, 67, widths);
	cr_expect(widths[3] == 0 && widths[4] > 0 && widths[1] > 0);
	layout_columns(columns, COLUMN_COUNT, 54, widths);
	cr_expect(widths[4] == 0 && widths[1] > 0);
	layout_columns(columns, COLUMN_COUNT, 39, widths);
	cr_expect(widths[1] == 0);
	cr_expect_eq(widths[2], 31);
	layout_columns(columns, COLUMN_COUNT, 20, widths);
	cr_expect_eq(widths[2], 12, "narrower than its least width in the end");
}

Test(ui_layout, columns_go_for_what_the_greedy_one_wants)
{
	struct layout_column wanting[COLUMN_COUNT];
	int widths[COLUMN_COUNT];

	memcpy(wanting, columns, sizeof(columns));
	wanting[2].wants = 40;
	layout_columns(wanting, COLUMN_COUNT, 84, widths);
	cr_expect(widths[3] > 0);
	layout_columns(wanting, COLUMN_COUNT, 83, widths);
	cr_expect_eq(widths[3], 0, "its rank is high enough");
	cr_expect_geq(widths[2], 40);
	layout_columns(wanting, COLUMN_COUNT, 60, widths);
	cr_expect(widths[4] > 0 && widths[2] < 40, "the last ones stay as long as they can");
}

Test(ui_layout, greedy_column_that_is_left_out_takes_nothing)
{
	static const struct layout_column leavable[] = {
	    {6, 6, 0, 0}, {9, 16, 0, 0}, {14, 90, 1, 28}};
	int widths[3];

	layout_columns(leavable, 3, 31, widths);
	cr_expect_eq(widths[2], 0);
	cr_expect_eq(widths[1], 16, "another one has its room");
	layout_columns(leavable, 3, 32, widths);
	cr_expect_eq(widths[2], 14);
}
