/* The mouse on the screen. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_mouse, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_mouse, keys_of_the_last_line_can_be_clicked)
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

Test(ui_mouse, mouse)
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
