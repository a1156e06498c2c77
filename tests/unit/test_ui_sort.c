/* The keys and the menu that sort. */
#include "config.h"

#include <criterion/criterion.h>

#include "screen_fixture.h"

TestSuite(ui_sort, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_sort, sort_keys_move_the_mark)
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

Test(ui_sort, sort_skips_columns_without_room)
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

Test(ui_sort, sort_menu)
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

Test(ui_sort, selection_follows_its_row)
{
	draw(70, 24);
	press('j');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
	press('T');
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
}
