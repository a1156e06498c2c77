/* Settings: what is printed is read again, what is broken changes nothing, whose file is read. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pane.h"
#include "settings.h"
#include "settings_file.h"
#include "theme.h"

static int parse(const char *text, struct settings *settings, struct err *err)
{
	return settings_parse(text, strlen(text), settings, err);
}

static void expect_same(const struct settings *a, const struct settings *b)
{
	char one[SETTINGS_TEXT], other[SETTINGS_TEXT];

	settings_print(a, one);
	settings_print(b, other);
	cr_expect_str_eq(one, other);
}

Test(ui_settings, what_is_printed_is_read_again)
{
	struct settings settings, again;
	struct err err = {.status = EXIT_DONE};
	char text[SETTINGS_TEXT];

	settings_init(&settings);
	settings.theme = THEME_LIGHT;
	settings.delay_s = 2.5;
	settings.view = LAYOUT_TREE;
	settings.window = SNAPSHOT_ALL;
	settings.group = GROUP_MODULE;
	settings.kernel_unfolded = true;
	settings.calls_by_heap = true;
	settings.orders[PANE_CPU] = (struct settings_order){1, false};
	settings.orders[PANE_HEAP].reverse = true;
	settings.off[PANE_CPU] = 1U << CPU_COLUMN_TOTAL | 1U << CPU_COLUMN_SELF;
	settings_print(&settings, text);
	settings_init(&again);
	cr_assert_eq(parse(text, &again, &err), 0, "%s", err.text);
	expect_same(&settings, &again);
	cr_expect_eq(again.view, LAYOUT_TREE);
	cr_expect_eq(again.delay_s, 2.5);
	cr_expect_eq(again.orders[PANE_CPU].column, 1);
	cr_expect(again.orders[PANE_HEAP].reverse);
	cr_expect(strstr(text, "\nsort.cpu = TOTAL%\n"), "%s", text);
	cr_expect(strstr(text, "\nhide.cpu = TOTAL%\n"), "%s", text);
	cr_expect_eq(again.off[PANE_CPU], settings.off[PANE_CPU]);
	cr_expect_eq(again.off[PANE_HEAP], 0);
}

Test(ui_settings, blanks_comments_and_no_newline_at_the_end)
{
	struct settings settings;
	struct err err;

	settings_init(&settings);
	cr_assert_eq(parse("\n# theme = dark\n\t theme=light \r\nsort.HEAP = GROWTH/s reversed", &settings,
			   &err),
		     0);
	cr_expect_eq(settings.theme, THEME_LIGHT);
	cr_expect(settings.orders[PANE_HEAP].reverse);
	cr_expect_eq(settings.view, LAYOUT_BOTH, "what is not named stays");
	cr_expect(isnan(settings.delay_s));
}

Test(ui_settings, broken_text_names_its_line_and_changes_nothing)
{
	static const char *const broken[] = {
	    "theme = light\nnonsense",	   "theme = light\nview = detail", "theme = light\nview =",
	    "theme = light\ndelay = 0",	   "theme = light\ndelay = nan",   "theme = light\nsort.cpu = X",
	    "theme = light\nsort.x = LIVE", "theme = light\n= both",	   "theme = light\ntheme == dark",
	    "theme = light\nsort. =  reversed", "theme = light\nhide.cpu = FUNCTION",
	    "theme = light\nhide.cpu = X", "theme = light\nhide.x = LIVE",
	};
	struct settings settings, before;
	struct err err;
	char text[1000];

	settings_init(&settings);
	before = settings;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cr_expect_eq(parse(broken[i], &settings, &err), -EINVAL, "%s", broken[i]);
		cr_expect(strstr(err.text, "line 2 "), "%s: %s", broken[i], err.text);
		expect_same(&settings, &before);
	}
	memset(text, 'x', sizeof(text));
	cr_expect_eq(settings_parse(text, sizeof(text), &settings, &err), -EINVAL);
	cr_expect_eq(settings_parse("view = cpu\0", 11, &settings, &err), -EINVAL);
	cr_expect_eq(parse("view = \x1b[2J", &settings, &err), -EINVAL);
	cr_expect_null(strchr(err.text, '\x1b'), "nothing raw is said");
	expect_same(&settings, &before);
}

/* A home of its own, with what is written to the file, if anything. */
static void make_home(char *home, const char *text)
{
	char path[300];
	FILE *file;

	cr_assert_not_null(mkdtemp(home));
	cr_assert_eq(setenv("HOME", home, 1), 0);
	cr_assert_eq(unsetenv("XDG_CONFIG_HOME"), 0);
	if (!text)
		return;
	snprintf(path, sizeof(path), "%s/.config", home);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.config/rsprof-top", home);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.config/rsprof-top/config", home);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert(fputs(text, file) >= 0);
	cr_assert_eq(fclose(file), 0);
}

static void remove_home(const char *home)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/.config/rsprof-top/config", home);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/.config/rsprof-top", home);
	cr_expect(rmdir(path) == 0, "nothing else is left in %s", path);
	snprintf(path, sizeof(path), "%s/.config", home);
	(void)rmdir(path);
	(void)rmdir(home);
}

Test(ui_settings, saved_privately_and_loaded_again)
{
	char home[] = "/tmp/settings-XXXXXX", path[300];
	struct settings loaded, settings;
	struct err err = {.status = EXIT_DONE};
	struct stat found;

	make_home(home, NULL);
	settings_init(&loaded);
	cr_assert_eq(settings_load(&loaded, &err), 0, "no file is no error: %s", err.text);
	settings = loaded;
	cr_assert_eq(settings_save(&loaded, &settings, &err), 0);
	snprintf(path, sizeof(path), "%s/.config/rsprof-top/config", home);
	cr_expect_neq(access(path, F_OK), 0, "nothing has changed, nothing is written");
	settings.view = LAYOUT_HEAP;
	cr_assert_eq(settings_save(&loaded, &settings, &err), 0, "%s", err.text);
	cr_assert_eq(stat(path, &found), 0);
	cr_expect_eq(found.st_mode & 07777, 0600);
	cr_assert_eq(settings_load(&loaded, &err), 0, "%s", err.text);
	cr_expect_eq(loaded.view, LAYOUT_HEAP);
	remove_home(home);
}

Test(ui_settings, a_file_that_others_can_write_or_that_is_no_file_is_not_read)
{
	char home[] = "/tmp/settings-XXXXXX", path[300];
	struct settings settings;
	struct err err = {.status = EXIT_DONE};

	make_home(home, "view = heap\n");
	snprintf(path, sizeof(path), "%s/.config/rsprof-top/config", home);
	cr_assert_eq(chmod(path, 0620), 0);
	settings_init(&settings);
	cr_expect_lt(settings_load(&settings, &err), 0);
	cr_expect(strstr(err.text, "others can write it"), "%s", err.text);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_lt(settings_load(&settings, &err), 0);
	cr_expect(strstr(err.text, "no regular file"), "%s", err.text);
	cr_expect_eq(settings.view, LAYOUT_BOTH);
	remove_home(home);
}

Test(ui_settings, a_link_stays_one)
{
	char home[] = "/tmp/settings-XXXXXX", path[300], other[300];
	struct settings loaded, settings;
	struct err err = {.status = EXIT_DONE};
	struct stat found;

	make_home(home, "view = heap\n");
	snprintf(path, sizeof(path), "%s/.config/rsprof-top/config", home);
	snprintf(other, sizeof(other), "%s/mine", home);
	cr_assert_eq(rename(path, other), 0);
	cr_assert_eq(symlink(other, path), 0);
	settings_init(&loaded);
	cr_assert_eq(settings_load(&loaded, &err), 0, "%s", err.text);
	settings = loaded;
	settings.view = LAYOUT_CPU;
	cr_assert_eq(settings_save(&loaded, &settings, &err), 0, "%s", err.text);
	cr_assert_eq(lstat(path, &found), 0);
	cr_expect(S_ISLNK(found.st_mode));
	cr_assert_eq(settings_load(&loaded, &err), 0, "%s", err.text);
	cr_expect_eq(loaded.view, LAYOUT_CPU);
	cr_assert_eq(unlink(other), 0);
	remove_home(home);
}

Test(ui_settings, the_theme_is_guessed_from_the_background)
{
	cr_expect_eq(theme_guess(NULL), THEME_DARK);
	cr_expect_eq(theme_guess("15;0"), THEME_DARK);
	cr_expect_eq(theme_guess("0;15"), THEME_LIGHT);
	cr_expect_eq(theme_guess("0;default;7"), THEME_LIGHT);
	cr_expect_eq(theme_guess("nonsense"), THEME_DARK);
}
