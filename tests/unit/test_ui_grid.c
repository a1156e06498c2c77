/* Cells: clipping, wide characters, and that nothing can smuggle a control character in. */
#include "config.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "grid.h"
#include "text.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(ui_grid, .init = use_utf8);
TestSuite(ui_text, .init = use_utf8);

static void check_dump(const struct grid *grid, const char *expected)
{
	char *text = grid_dump(grid);

	cr_expect_str_eq(text, expected);
	free(text);
}

Test(ui_grid, new_grid_is_blank)
{
	struct grid *grid = grid_new(2, 3);

	check_dump(grid, "\n\n");
	cr_expect_eq(grid_get(grid, 1, 2)->chars[0], L' ');
	grid_free(grid);
}

Test(ui_grid, text_is_cut_at_the_edge_and_at_the_limit)
{
	struct grid *grid = grid_new(2, 5);

	cr_expect_eq(grid_put(grid, 0, 3, 100, STYLE_NORMAL, "abcdef"), 2);
	cr_expect_eq(grid_put(grid, 1, 0, 3, STYLE_HOT, "abcdef"), 3);
	cr_expect_eq(grid_get(grid, 1, 2)->style, STYLE_HOT);
	cr_expect_eq(grid_get(grid, 1, 3)->style, STYLE_NORMAL);
	check_dump(grid, "   ab\nabc\n");
	grid_free(grid);
}

Test(ui_grid, outside_is_ignored)
{
	struct grid *grid = grid_new(2, 5);

	cr_expect_eq(grid_put(grid, -1, 0, 5, STYLE_NORMAL, "x"), 0);
	cr_expect_eq(grid_put(grid, 2, 0, 5, STYLE_NORMAL, "x"), 0);
	cr_expect_eq(grid_put(grid, 0, -1, 5, STYLE_NORMAL, "x"), 0);
	cr_expect_eq(grid_put(grid, 0, 5, 5, STYLE_NORMAL, "x"), 0);
	cr_expect_eq(grid_put(grid, 0, 0, -3, STYLE_NORMAL, "x"), 0);
	grid_fill(grid, 1, 3, 99, STYLE_NORMAL, "-");
	check_dump(grid, "\n   --\n");
	grid_free(grid);
}

Test(ui_grid, wide_character_is_never_halved)
{
	struct grid *grid = grid_new(1, 5);

	cr_expect_eq(grid_put(grid, 0, 0, 5, STYLE_NORMAL, "日本語"), 4);
	cr_expect_eq(grid_get(grid, 0, 1)->chars[0], 0);
	check_dump(grid, "日本\n");

	/* The second half of the first and the first half of the second are overwritten. */
	grid_put(grid, 0, 1, 2, STYLE_NORMAL, "xy");
	cr_expect_eq(grid_get(grid, 0, 0)->chars[0], L' ');
	cr_expect_eq(grid_get(grid, 0, 3)->chars[0], L' ');
	check_dump(grid, " xy\n");
	grid_free(grid);
}

Test(ui_grid, marks_sit_on_their_character)
{
	struct grid *grid = grid_new(1, 4);

	cr_expect_eq(grid_put(grid, 0, 0, 4, STYLE_NORMAL, "e\xcc\x81x"), 2);
	cr_expect_eq(grid_get(grid, 0, 0)->chars[1], 0x301);
	cr_expect_eq(grid_put(grid, 0, 2, 2, STYLE_NORMAL, "\xcc\x81z"), 1);
	check_dump(grid, "e\xcc\x81xz\n");
	/* More marks than there is room for: the rest is left out. */
	grid_put(grid, 0, 0, 1, STYLE_NORMAL, "a\xcc\x81\xcc\x82\xcc\x83\xcc\x84");
	cr_expect_eq(grid_get(grid, 0, 0)->chars[GRID_MARKS + 1], 0);
	grid_free(grid);
}

Test(ui_grid, control_characters_are_never_stored)
{
	struct grid *grid = grid_new(1, 40);
	char text[3];

	for (int byte = 1; byte < 256; byte++) {
		text[0] = (char)byte;
		text[1] = 'x';
		text[2] = '\0';
		grid_clear(grid);
		grid_put(grid, 0, 0, 40, STYLE_NORMAL, text);
		for (int col = 0; col < 40; col++)
			for (const wchar_t *ch = grid_get(grid, 0, col)->chars; *ch; ch++)
				cr_assert(!iswcntrl((wint_t)*ch), "byte %d", byte);
	}
	/* The eight-bit escape sequence introducer, and directional controls. */
	grid_clear(grid);
	grid_put(grid, 0, 0, 40, STYLE_NORMAL,
		 "a\xc2\x9b"
		 "b\xe2\x80\xae"
		 "c\x1b[2Jd\x7f");
	check_dump(grid, "a?bc?[2Jd?\n");
	grid_free(grid);
}

Test(ui_grid, invalid_utf8_shows_as_question_marks)
{
	struct grid *grid = grid_new(1, 20);

	/* A lone tail, an overlong slash, a surrogate, a cut sequence. */
	grid_put(grid, 0, 0, 20, STYLE_NORMAL,
		 "\x80"
		 "a\xc0\xaf"
		 "b\xed\xa0\x80"
		 "c\xe2\x82");
	check_dump(grid, "?a??b?c?\n");
	grid_free(grid);
}

Test(ui_grid, resize_clears)
{
	struct grid *grid = grid_new(1, 3);

	grid_put(grid, 0, 0, 3, STYLE_NORMAL, "abc");
	grid_resize(grid, 2, 4);
	cr_expect_eq(grid_rows(grid), 2);
	cr_expect_eq(grid_cols(grid), 4);
	check_dump(grid, "\n\n");
	grid_resize(grid, 0, -5);
	cr_expect_eq(grid_rows(grid), 1);
	cr_expect_eq(grid_cols(grid), 1);
	grid_free(grid);
}

static void check_cut(const char *text, int cols, const char *expected)
{
	char buf[256];

	text_shorten(buf, sizeof(buf), text, cols, "...");
	cr_expect_str_eq(buf, expected, "%s in %d: %s", text, cols, buf);
	cr_expect_leq(text_width(buf), cols);
}

Test(ui_text, names_keep_head_and_tail)
{
	check_cut("crate::one::two::function", 25, "crate::one::two::function");
	check_cut("crate::one::two::function", 24, "crate::...::function");
	check_cut("crate::one::two::function", 20, "crate::...::function");
	check_cut("crate::one::two::function", 19, "crate:...::function");
	check_cut("a::b::c::dd::ee", 14, "a::...::dd::ee");
	check_cut("abcdefghijklmnop", 11, "abcd...mnop");
	check_cut("abcdef", 5, "abcde");
	check_cut("abcdef", 0, "");
}

Test(ui_text, arguments_go_first)
{
	check_cut("ns::call(int, char const*, long)", 14, "ns::call(...)");
	check_cut("(anonymous namespace)::run", 26, "(anonymous namespace)::run");
	check_cut("a<b::c>::d::e", 12, "a<b::c...::e");
}

Test(ui_text, arguments_of_templates_go_next)
{
	check_cut("ns::Map<ns::Key<int>, std::less<void>>::find", 44,
		  "ns::Map<ns::Key<int>, std::less<void>>::find");
	check_cut("ns::Map<ns::Key<int>, std::less<void>>::find", 43, "ns::Map<...>::find");
	check_cut("ns::Map<ns::Key<int>, std::less<void>>::find(int, long)", 24, "ns::Map<...>::find(...)");
	check_cut("ns::Map<ns::Key<int>, std::less<void>>::find", 15, "ns::...::find");
	check_cut("<ns::Map<ns::Key<int>, std::less<void>>>::find", 20, "<ns::Map<...>>::find");
	check_cut("one::two::Short<true>", 20, "one:...::Short<true>");
}

Test(ui_text, cutting_counts_columns)
{
	cr_expect_eq(text_width("日本語"), 6);
	cr_expect_str_eq(text_skip("日本語", 2), "本語");
	cr_expect_str_eq(text_skip("日本語", 1), "本語");
	cr_expect_str_eq(text_skip("e\xcc\x81x", 1), "x");
	cr_expect_str_eq(text_skip("abc", 9), "");
	check_cut("日本語日本語", 9, "日...語");
}

Test(ui_text, wraps_at_spaces)
{
	cr_expect_eq(text_wrap("one two three", 8), 7);
	cr_expect_eq(text_wrap("one two three", 7), 7);
	cr_expect_eq(text_wrap("one", 8), 3);
	cr_expect_eq(text_wrap("unbreakable", 4), 4);
	cr_expect_eq(text_wrap("日", 1), 3);
	cr_expect_eq(text_wrap("", 4), 0);
}

Test(ui_grid, changes_and_copies)
{
	struct grid *one = grid_new(3, 10), *other = grid_new(3, 10), *narrow = grid_new(3, 9);

	cr_expect_eq(grid_next_change(one, other, 0, 0), 10);
	grid_put(one, 1, 2, 5, STYLE_NORMAL, "text");
	cr_expect_eq(grid_next_change(one, other, 0, 0), 10);
	cr_expect_eq(grid_next_change(one, other, 1, 0), 2);
	cr_expect_eq(grid_next_change(one, other, 1, 5), 5);
	cr_expect_eq(grid_next_change(one, other, 1, 6), 10);
	grid_put(other, 1, 2, 5, STYLE_NORMAL, "text");
	cr_expect_eq(grid_next_change(one, other, 1, 0), 10);
	grid_put(other, 1, 9, 1, STYLE_HOT, " ");
	cr_expect_eq(grid_next_change(one, other, 1, 0), 9, "another style");
	cr_expect_eq(grid_next_change(one, other, 1, 10), 10);
	cr_expect_eq(grid_next_change(one, narrow, 0, 3), 3);
	cr_expect_eq(grid_next_change(one, other, 3, 0), 0);
	cr_expect_eq(grid_next_change(one, other, -1, 0), 0);
	grid_copy_row(other, one, 1);
	cr_expect_eq(grid_next_change(one, other, 1, 0), 10);
	grid_free(one);
	grid_free(other);
	grid_free(narrow);
}
