/* The box of colours and columns. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_setup, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_setup, columns_and_colours)
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

Test(ui_setup, theme_of_the_command_line_is_not_remembered)
{
	struct settings given, kept;

	settings_init(&given);
	settings_init(&kept);
	given.theme = THEME_DARK;
	screen_apply(screen, &given);
	screen_remember(screen, &kept);
	cr_expect_eq(kept.theme, THEME_AUTO);
}
