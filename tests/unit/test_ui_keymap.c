/* The table of keys against itself: it feeds keys, help and the last line. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keymap.h"

Test(ui_keymap, no_key_twice)
{
	size_t count;
	const struct keymap_entry *entries = keymap_entries(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < KEYMAP_KEYS; k++)
			if (entries[i].keys[k] != RSP_KEY_NONE)
				cr_expect_eq(keymap_command(entries[i].keys[k]), entries[i].command,
					     "key %d", entries[i].keys[k]);
}

Test(ui_keymap, every_command_has_a_key_and_help)
{
	size_t count;
	const struct keymap_entry *entries = keymap_entries(&count);
	int seen[COMMAND_COUNT] = {0};

	for (size_t i = 0; i < count; i++) {
		seen[entries[i].command]++;
		cr_expect_neq(entries[i].keys[0], RSP_KEY_NONE);
		cr_assert_not_null(entries[i].help);
		cr_expect(strlen(entries[i].help) > 3);
	}
	for (int command = COMMAND_NONE + 1; command < COMMAND_COUNT; command++)
		cr_expect_eq(seen[command], 1, "command %d", command);
	cr_expect_eq(seen[COMMAND_NONE], 0);
}

Test(ui_keymap, what_hands_know)
{
	static const struct {
		int key;
		enum command command;
	} known[] = {
	    {'q', COMMAND_QUIT},
	    {3, COMMAND_QUIT},
	    {RSP_KEY_F1 + 9, COMMAND_QUIT},
	    {'?', COMMAND_HELP},
	    {'h', COMMAND_HELP},
	    {RSP_KEY_F1, COMMAND_HELP},
	    {RSP_KEY_ESCAPE, COMMAND_CLOSE},
	    {'j', COMMAND_DOWN},
	    {RSP_KEY_TAB, COMMAND_NEXT_PANE},
	    {'P', COMMAND_SORT_SELF},
	    {'T', COMMAND_SORT_TOTAL},
	    {'M', COMMAND_SORT_LIVE},
	    {'R', COMMAND_REVERSE},
	    {' ', COMMAND_PAUSE},
	    {'Z', COMMAND_PAUSE},
	    {'p', COMMAND_PAUSE},
	    {'K', COMMAND_KERNEL},
	    {12, COMMAND_REDRAW},
	    {26, COMMAND_SUSPEND},
	    {'x', COMMAND_NONE},
	    {RSP_KEY_NONE, COMMAND_NONE},
	    {RSP_KEY_OTHER, COMMAND_NONE},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		cr_expect_eq(keymap_command(known[i].key), known[i].command, "key %d",
			     known[i].key);
}

Test(ui_keymap, names)
{
	static const struct {
		int key;
		const char *name;
	} names[] = {
	    {'q', "q"},
	    {3, "^C"},
	    {12, "^L"},
	    {' ', "Space"},
	    {9, "Tab"},
	    {27, "Esc"},
	    {RSP_KEY_F1, "F1"},
	    {RSP_KEY_F12, "F12"},
	    {'<', "<"},
	    {RSP_KEY_UP, "Up"},
	    {RSP_KEY_PAGE_DOWN, "PgDn"},
	    {0x1b2, "?"},
	};
	char buf[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_str_eq(keymap_key_name(buf, sizeof(buf), names[i].key), names[i].name);
}

/* The section KEYS of the manual. */
static char *manual_keys(void)
{
	const char *source = getenv("RSPROF_SOURCE");
	char path[4096], *text, *end;
	FILE *file;
	size_t length;

	cr_assert_not_null(source, "tests/run sets it");
	snprintf(path, sizeof(path), "%s/man/" PACKAGE_NAME ".1", source);
	file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	text = calloc(1, 1 << 20);
	cr_assert_not_null(text);
	length = fread(text, 1, (1 << 20) - 1, file);
	cr_assert(length > 0);
	fclose(file);
	memmove(text, strstr(text, ".Sh KEYS"), strlen(strstr(text, ".Sh KEYS")) + 1);
	end = strstr(text + 1, ".Sh ");
	cr_assert_not_null(end);
	*end = '\0';
	return text;
}

/* A key as the manual writes it: some characters are mdoc's own. */
static const char *manual_name(char *buf, size_t size, int key)
{
	static const struct {
		int key;
		const char *name;
	} names[] = {
	    {'<', "\\*(Lt"}, {'>', "\\*(Gt"}, {'[', "\\(lB"}, {']', "\\(rB"}, {'\\', "\\e"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].key == key)
			return names[i].name;
	return keymap_key_name(buf, size, key);
}

Test(ui_keymap, manual_names_every_key)
{
	char *text = manual_keys(), name[16];
	size_t count;
	const struct keymap_entry *entries = keymap_entries(&count);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < KEYMAP_KEYS && entries[i].keys[k] != RSP_KEY_NONE; k++) {
			const char *key = manual_name(name, sizeof(name), entries[i].keys[k]);
			bool found = false;

			/* In a line of its own, ".It a , b", between spaces. */
			for (const char *at = text; !found && (at = strstr(at, key)); at++) {
				const char *line = at, *end = at + strlen(key);

				while (line > text && line[-1] != '\n')
					line--;
				found = strncmp(line, ".It ", 4) == 0 &&
					(at[-1] == ' ' || at[-1] == '&') &&
					(*end == ' ' || *end == '\n');
			}
			cr_expect(found, "the manual does not name the key %s (%s)", key,
				  entries[i].help);
		}
	}
	free(text);
}
