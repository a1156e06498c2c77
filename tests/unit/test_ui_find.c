/* Filter and search on the screen. */
#include "config.h"

#include <criterion/criterion.h>

#include "screen_fixture.h"

TestSuite(ui_find, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_find, filter_while_it_is_typed)
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

Test(ui_find, search)
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
