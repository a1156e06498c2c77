/* Keys on the screen: views, help, prompts, the kernel. */
#include "config.h"

#include <criterion/criterion.h>

#include "screen_fixture.h"

TestSuite(ui_keys, .init = set_up_screen, .fini = tear_down_screen);

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

Test(ui_keys, sites_by_thread)
{
	static struct snapshot_site rows[3];

	for (int i = 0; i < 3; i++)
		rows[i] = sites[i == 2];
	rows[0].id = 111;
	rows[0].site_id = 11;
	rows[0].tid = 4128;
	rows[0].thread = "engine/4128";
	rows[1].id = 112;
	rows[1].site_id = 11;
	rows[1].live_bytes = 3;
	rows[2].id = 113;
	rows[2].site_id = 12;
	draw(120, 35);
	type("3lll");
	draw(120, 35);
	HAS_NOT("THREAD");
	HAS_NOT("by thread");
	snapshot.group = GROUP_THREAD;
	snapshot.grouped_sites = rows;
	snapshot.grouped_site_count = 3;
	draw(120, 35);
	HAS("--[HEAP] by thread, since attachment");
	HAS(" THREAD ");
	HAS(" engine/4128 ");
	HAS("1-3 of 3");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("--[DETAIL]");
	HAS(sites[0].function);
	press(RSP_KEY_ESCAPE);
	type("fengine");
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("1-1 of 1 of all 3");
}
