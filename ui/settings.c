#include "config.h"

#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "pane.h"

enum { LINE_MOST = 200 };

/* A value that has a name; a list of them ends with one that has none. */
struct word {
	const char *name;
	int value;
};

static const struct word themes[] = {
    {"auto", THEME_AUTO}, {"dark", THEME_DARK}, {"light", THEME_LIGHT}, {NULL, 0}};

static const struct word views[] = {
    {"both", LAYOUT_BOTH},	   {"cpu", LAYOUT_CPU},	      {"heap", LAYOUT_HEAP},
    {"leaks", LAYOUT_LEAKS},	   {"growth", LAYOUT_GROWTH}, {"combined", LAYOUT_COMBINED},
    {"flame", LAYOUT_FLAME},	   {"tree", LAYOUT_TREE},     {"threads", LAYOUT_THREADS},
    {"modules", LAYOUT_MODULES}, {"health", LAYOUT_HEALTH}, {NULL, 0}};

static const struct word windows[] = {
    {"latest", SNAPSHOT_LATEST}, {"10s", SNAPSHOT_RECENT}, {"all", SNAPSHOT_ALL}, {NULL, 0}};

static const struct word groups[] = {{"function", GROUP_FUNCTION},
				     {"line", GROUP_LINE},
				     {"module", GROUP_MODULE},
				     {"thread", GROUP_THREAD},
				     {NULL, 0}};

static const struct word kernels[] = {{"folded", false}, {"unfolded", true}, {NULL, 0}};
static const struct word weights[] = {{"cpu", false}, {"heap", true}, {NULL, 0}};

static const char order_key[] = "sort.", off_key[] = "hide.";

static const struct word *find_word(const struct word *words, const char *name)
{
	for (; words->name; words++)
		if (strcmp(words->name, name) == 0)
			return words;
	return NULL;
}

static const char *name_of(const struct word *words, int value)
{
	while (words->name && words->value != value)
		words++;
	return words->name;
}

void settings_init(struct settings *ret_settings)
{
	*ret_settings = (struct settings){
	    .delay_s = (double)NAN, .view = LAYOUT_BOTH, .window = SNAPSHOT_RECENT};
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		ret_settings->orders[id].column = pane_get(id)->first_sort;
}

/* The column of a pane that has this title; false: there is none. */
static bool find_column(const char *pane_name, const char *title, enum pane_id *ret_id,
			unsigned *ret_column)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct table *table = &pane_get(id)->table;

		if (strcasecmp(pane_get(id)->name, pane_name) != 0)
			continue;
		for (unsigned column = 0; column < table->column_count; column++) {
			if (strcmp(table->columns[column].title, title) == 0) {
				*ret_id = id;
				*ret_column = column;
				return true;
			}
		}
	}
	return false;
}

/* "TITLE", or "TITLE reversed". */
static bool parse_order(const char *pane_name, char *value, struct settings *settings)
{
	static const char reversed[] = " reversed";
	size_t length = strlen(value), tail = sizeof(reversed) - 1;
	bool reverse = length > tail && strcmp(value + length - tail, reversed) == 0;
	enum pane_id id;
	unsigned column;

	if (reverse)
		value[length - tail] = '\0';
	if (!find_column(pane_name, value, &id, &column))
		return false;
	settings->orders[id] = (struct settings_order){column, reverse};
	return true;
}

/* "TITLE", of a column that can be left out. */
static bool parse_off(const char *pane_name, const char *title, struct settings *settings)
{
	enum pane_id id;
	unsigned column;

	if (!find_column(pane_name, title, &id, &column) ||
	    !table_column_can_go(&pane_get(id)->table.columns[column]))
		return false;
	settings->off[id] |= UINT32_C(1) << column;
	return true;
}

static bool parse_value(const char *key, char *value, struct settings *settings)
{
	const struct word *word = NULL;
	struct err ignored;

	if (strncmp(key, order_key, sizeof(order_key) - 1) == 0)
		return parse_order(key + sizeof(order_key) - 1, value, settings);
	if (strncmp(key, off_key, sizeof(off_key) - 1) == 0)
		return parse_off(key + sizeof(off_key) - 1, value, settings);
	if (strcmp(key, "delay") == 0)
		return options_parse_delay(value, &settings->delay_s, &ignored) == 0;
	if (strcmp(key, "theme") == 0 && (word = find_word(themes, value)))
		settings->theme = (enum theme)word->value;
	else if (strcmp(key, "view") == 0 && (word = find_word(views, value)))
		settings->view = (enum layout_mode)word->value;
	else if (strcmp(key, "window") == 0 && (word = find_word(windows, value)))
		settings->window = (enum snapshot_window)word->value;
	else if (strcmp(key, "group") == 0 && (word = find_word(groups, value)))
		settings->group = (enum snapshot_group)word->value;
	else if (strcmp(key, "kernel") == 0 && (word = find_word(kernels, value)))
		settings->kernel_unfolded = word->value;
	else if (strcmp(key, "calls") == 0 && (word = find_word(weights, value)))
		settings->calls_by_heap = word->value;
	return word != NULL;
}

/* Blanks at both ends away. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* An empty line, a comment, or "key = value". */
static bool parse_line(char *line, struct settings *settings)
{
	char *equals;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#')
		return true;
	equals = strchr(line, '=');
	if (!equals)
		return false;
	*equals = '\0';
	return parse_value(trim(line), trim(equals + 1), settings);
}

int settings_parse(const char *text, size_t size, struct settings *settings, struct err *err)
{
	struct settings read = *settings;
	size_t at = 0;

	for (unsigned number = 1; at < size; number++) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - (text + at)) : size - at;
		char line[LINE_MOST + 1], shown[LINE_MOST + 1];

		if (length <= LINE_MOST && !memchr(text + at, '\0', length)) {
			memcpy(line, text + at, length);
			line[length] = '\0';
			memcpy(shown, line, length + 1);
			if (parse_line(line, &read)) {
				at += length + (end ? 1 : 0);
				continue;
			}
		} else {
			(void)strlcpy(shown, "too long, or no text", sizeof(shown));
		}
		return err_set(err, EINVAL, EXIT_FAILED, "line %u is not understood: %s", number,
			       shown);
	}
	*settings = read;
	return 0;
}

/* Adds to the text in `buf`. */
static void add(char *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char *buf, const char *format, ...)
{
	size_t length = strlen(buf);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(buf + length, SETTINGS_TEXT - length, format, args);
	va_end(args);
}

/* "sort.heap = LIVE", without an end of the line. */
static void add_column(char *buf, const char *key, const struct pane *pane, unsigned column)
{
	add(buf, "%s", key);
	for (const char *letter = pane->name; *letter; letter++)
		add(buf, "%c", tolower((unsigned char)*letter));
	add(buf, " = %s", pane->table.columns[column].title);
}

static void add_order(char *buf, const struct pane *pane, const struct settings_order *order)
{
	if (order->column == pane->first_sort && !order->reverse)
		return;
	add_column(buf, order_key, pane, order->column);
	add(buf, "%s\n", order->reverse ? " reversed" : "");
}

static void add_off(char *buf, const struct pane *pane, uint32_t off)
{
	for (unsigned column = 0; column < pane->table.column_count; column++) {
		if (!(off >> column & 1))
			continue;
		add_column(buf, off_key, pane, column);
		add(buf, "\n");
	}
}

void settings_print(const struct settings *settings, char *buf)
{
	buf[0] = '\0';
	add(buf, "# Written by rsprof-top when it is quit; see its manual.\n");
	add(buf, "theme = %s\n", name_of(themes, (int)settings->theme));
	if (!isnan(settings->delay_s))
		add(buf, "delay = %.2f\n", settings->delay_s);
	add(buf, "view = %s\n", name_of(views, (int)settings->view));
	add(buf, "window = %s\n", name_of(windows, (int)settings->window));
	add(buf, "group = %s\n", name_of(groups, (int)settings->group));
	add(buf, "kernel = %s\n", name_of(kernels, settings->kernel_unfolded));
	add(buf, "calls = %s\n", name_of(weights, settings->calls_by_heap));
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		add_order(buf, pane_get(id), &settings->orders[id]);
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		add_off(buf, pane_get(id), settings->off[id]);
}
