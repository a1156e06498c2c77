/* Keys and the mouse on the screen. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_keys, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_keys, keys_of_the_last_line_can_be_clicked)
{
	const char *line, *window;
	int col;

	draw(120, 35);
	line = strstr(text, "\n ? Help");
	cr_assert_not_null(line);
	window = strstr(line, "+- Window");
	cr_assert_not_null(window);
	col = (int)(window - line) - 1;
	screen_mouse(screen, RSP_KEY_CLICK, 34, col + 1);
	draw(120, 35);
	HAS_NOT("[CPU] last 10s");
	screen_mouse(screen, RSP_KEY_CLICK, 34, col);
	draw(120, 35);
	HAS("[CPU] last 10s");
	screen_mouse(screen, RSP_KEY_CLICK, 34, 3);
	draw(120, 35);
	HAS("Help ---");
	screen_mouse(screen, RSP_KEY_CLICK, 10, 40);
	draw(120, 35);
	HAS_NOT("Help ---");
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 0), UI_NONE);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 10), UI_QUIT);
	press('/');
	draw(120, 35);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 34, 10), UI_NONE, "a prompt is there");
}

Test(ui_keys, sort_keys_move_the_mark)
{
	draw(70, 24);
	press('>');
	draw(70, 24);
	LINE("TOTAL%v", "  SELF% TOTAL%v FUNCTION WHERE");
	HAS(">  15.0     100 main");
	press('R');
	draw(70, 24);
	HAS("TOTAL%^");
	press('P');
	draw(70, 24);
	HAS("SELF%v");
	press('<');
	draw(70, 24);
	HAS("SELF%v");
	press('T');
	draw(70, 24);
	HAS("TOTAL%v");
	for (int i = 0; i < 9; i++)
		press('>');
	draw(70, 24);
	HAS("WHERE^");
	press('M');
	draw(70, 24);
	HAS("--[HEAP]");
	HAS("LIVEv");
}

Test(ui_keys, sort_skips_columns_without_room)
{
	draw(40, 10);
	press('>');
	press('>');
	press('>');
	draw(40, 10);
	LINE("FUNCTION", "  SELF%  TOTAL% FUNCTION^");
	draw(120, 35);
	for (int i = 0; i < 9; i++)
		press('>');
	draw(40, 10);
	HAS("by WHERE");
}

Test(ui_keys, selection_follows_its_row)
{
	draw(70, 24);
	press('j');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
	press('T');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
}

Test(ui_keys, kernel_unfolds_and_folds_again)
{
	draw(70, 24);
	HAS_NOT("copy_user");
	HAS_NOT("unfolded");
	press('K');
	draw(70, 24);
	HAS("   25.0    25.0 [k] copy_user");
	HAS("kernel unfolded");
	press('j');
	press('j');
	draw(70, 24);
	HAS(">  15.0     100 main");
	press('K');
	draw(70, 24);
	HAS_NOT("copy_user");
	HAS("   25.0    25.0 [kernel]");
	HAS(">  15.0     100 main");
}

Test(ui_keys, names_scroll_sideways)
{
	functions[0].name = "crate::module::another::function_with_a_long_name";
	draw(80, 24);
	HAS("crate::...::function_with_a_long_name");
	press(RSP_KEY_RIGHT);
	draw(80, 24);
	HAS("odule::another::function_with_");
	HAS(" main ");
	for (int i = 0; i < 20; i++)
		press(RSP_KEY_RIGHT);
	draw(80, 24);
	HAS("function_with_a_long_name ");
	press(RSP_KEY_LEFT);
	press(RSP_KEY_LEFT);
	press(RSP_KEY_LEFT);
	draw(80, 24);
	HAS("crate::...::function_with_a_long_name");
}

Test(ui_keys, filter_while_it_is_typed)
{
	type("f");
	draw(120, 35);
	HAS(" Filter (!regex, empty: all):");
	type("orders::");
	draw(120, 35);
	HAS("1-1 of 1 of all 3 --");
	HAS_NOT("[kernel] ");
	HAS("none of all 2 --");
	HAS("no row passes the filter");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS_NOT("Filter (");
	HAS(" filter: orders::");
	HAS("1-1 of 1 of all 3 --");
	/* Dismissed, it is what it was before. */
	type("\\xyz");
	draw(120, 35);
	HAS_NOT("match_level");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("1-1 of 1 of all 3 --");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("- 1-3 of 3 --");
	type("f!(");
	draw(120, 35);
	HAS("- 1-3 of 3 --");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(" no regular expression: ");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(" ? Help  q Quit");
}

Test(ui_keys, search)
{
	draw(120, 35);
	type("/MAIN");
	draw(120, 35);
	HAS(" Search (!regex): MAIN");
	HAS(">  60.0    62.0 ||||||     ____________ orders::book::match_level ");
	for (int i = 0; i < 4; i++)
		press(RSP_KEY_BACKSPACE);
	type("main");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(">  15.0     100 |          ____________ main");
	type("/kern");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	type("/nothing");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS(" not found: nothing");
	press(RSP_KEY_UP);
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(" ? Help");
	type("n");
	draw(120, 35);
	HAS(" not found: nothing");
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	type("#");
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
}

Test(ui_keys, sort_menu)
{
	draw(80, 24);
	type("s");
	draw(80, 24);
	HAS(" Sort CPU by ");
	HAS(">SELF% ");
	for (int i = 0; i < 6; i++)
		press(RSP_KEY_DOWN);
	draw(80, 24);
	HAS(">FUNCTION ");
	press(RSP_KEY_ENTER);
	draw(80, 24);
	HAS_NOT(" Sort CPU by ");
	HAS("FUNCTION^");
	type("s");
	press(RSP_KEY_ESCAPE);
	draw(80, 24);
	HAS_NOT(" Sort CPU by ");
	HAS("FUNCTION^");
}

Test(ui_keys, columns_and_colours)
{
	struct settings settings;

	settings_init(&settings);
	screen_apply(screen, &settings);
	draw(120, 35);
	HAS("TOTAL%");
	press(RSP_KEY_F1 + 1);
	draw(120, 35);
	HAS(" Colours, and columns of CPU ");
	HAS("> Colours for what the terminal says");
	press(RSP_KEY_DOWN);
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS(">[x] TOTAL%");
	cr_expect_eq(press(' '), UI_DRAW, "no pause");
	draw(120, 35);
	HAS(">[ ] TOTAL%");
	for (int i = 0; i < 5; i++)
		press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS("> FUNCTION [k]");
	press(RSP_KEY_ENTER);
	press(RSP_KEY_HOME);
	press(RSP_KEY_LEFT);
	draw(120, 35);
	HAS("> Colours for a light background");
	cr_expect_eq(screen_theme(screen), THEME_LIGHT);
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS_NOT(" Colours, ");
	HAS_NOT("TOTAL%");
	HAS("FUNCTION");
	cr_expect_eq(press('q'), UI_QUIT);

	screen_remember(screen, &settings);
	cr_expect_eq(settings.theme, THEME_LIGHT);
	cr_expect_eq(settings.off[PANE_CPU], 1U << 1);
	settings.off[PANE_HEAP] = 1;
	screen_apply(screen, &settings);
	draw(120, 35);
	HAS_NOT(" LIVEv");
	HAS("by LIVE, 1-2 of 2");
}

Test(ui_keys, theme_of_the_command_line_is_not_remembered)
{
	struct settings given, kept;

	settings_init(&given);
	settings_init(&kept);
	given.theme = THEME_DARK;
	screen_apply(screen, &given);
	screen_remember(screen, &kept);
	cr_expect_eq(kept.theme, THEME_AUTO);
}

Test(ui_keys, mouse)
{
	draw(120, 35);
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 7, 20), UI_DRAW);
	draw(120, 35);
	HAS(">  25.0    25.0 ||         ____________ [kernel]");
	screen_mouse(screen, RSP_KEY_WHEEL_DOWN, 7, 20);
	draw(120, 35);
	HAS(">  15.0     100 |          ____________ main");
	screen_mouse(screen, RSP_KEY_WHEEL_UP, 7, 20);
	draw(120, 35);
	HAS(">  60.0    62.0 ||||||     ____________ orders");
	screen_mouse(screen, RSP_KEY_CLICK, 5, 10);
	draw(120, 35);
	HAS("  SELF% TOTAL%v SHARE");
	screen_mouse(screen, RSP_KEY_CLICK, 5, 10);
	draw(120, 35);
	HAS("  SELF% TOTAL%^ SHARE");
	cr_expect_eq(screen_mouse(screen, RSP_KEY_CLICK, 0, 0), UI_NONE);
	/* Below the last row there is none to click on. */
	screen_mouse(screen, RSP_KEY_CLICK, 15, 10);
	draw(120, 35);
	HAS("--[CPU]");
	screen_mouse(screen, RSP_KEY_CLICK, 24, 10);
	draw(120, 35);
	HAS("--[HEAP]");
	HAS(">   1.0K         -");
}

Test(ui_keys, prompts_give_their_text)
{
	draw(120, 35);
	type("d2.5");
	cr_expect_eq(press(RSP_KEY_ENTER), UI_DELAY | UI_DRAW);
	cr_expect_str_eq(screen_delay_text(screen), "2.5");
	type("w");
	draw(120, 35);
	HAS(" Write to the file: rsprof-top-4127-19700101-124107.json");
	press('U' & 0x1f);
	type("a q");
	press(0xe9);
	cr_expect_eq(press(RSP_KEY_ENTER), UI_SAVE | UI_DRAW);
	cr_expect_str_eq(screen_save_name(screen), "a q\xc3\xa9");
	screen_say(screen, true, "cannot write \x1b[31m");
	draw(120, 35);
	HAS(" cannot write \\x1b[31m");
	type("d");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW);
	cr_expect_eq(press('q'), UI_QUIT);
}

Test(ui_keys, help_opens_scrolls_and_closes)
{
	draw(80, 24);
	press('?');
	draw(80, 24);
	HAS("Help ---");
	HAS("q ^C F10       quit");
	HAS("Esc closes");
	press('G');
	draw(80, 24);
	HAS("Columns of DETAIL");
	HAS_NOT("q ^C F10");
	press('g');
	draw(80, 24);
	HAS("q ^C F10       quit");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW, "Esc never quits");
	cr_expect_eq(press(RSP_KEY_ESCAPE), UI_DRAW, "Esc never quits");
	draw(80, 24);
	HAS_NOT("Esc closes");
	HAS(">  60.0");
	press('h');
	draw(120, 200);
	HAS("unfold or fold the kernel's functions");
	HAS("highest LIVE seen");
	press(RSP_KEY_F1);
	draw(120, 200);
	HAS_NOT("Esc closes");
}

Test(ui_keys, actions_of_keys)
{
	draw(80, 24);
	cr_expect_eq(press('q'), UI_QUIT);
	cr_expect_eq(press(3), UI_QUIT);
	cr_expect_eq(press(26), UI_SUSPEND);
	cr_expect_eq(press(12), UI_DRAW);
	cr_expect_eq(press('x'), UI_NONE);
	press('?');
	cr_expect_eq(press('q'), UI_QUIT, "help does not swallow it");
}

Test(ui_keys, views_and_focus)
{
	press('3');
	draw(120, 35);
	HAS_NOT("FUNCTION");
	HAS("--[HEAP]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[LEAKS]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[GROWTH]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[COMBINED]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[FLAME]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[TREE]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[THREADS]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[MODULES]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[HEALTH]");
	press(RSP_KEY_TAB);
	draw(120, 35);
	HAS("--[CPU]");
	HAS_NOT("GROWTH/s");
	press('M');
	draw(120, 35);
	HAS("--[HEAP]");
	press('2');
	draw(120, 35);
	HAS("--[CPU]");
	press('1');
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- HEAP ");
}
