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
				     {NULL, 0}};

static const struct word kernels[] = {{"folded", false}, {"unfolded", true}, {NULL, 0}};
static const struct word weights[] = {{"cpu", false}, {"heap", true}, {NULL, 0}};

static const char order_key[] = "sort.";

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

/* "TITLE", or "TITLE reversed". */
static bool parse_order(const char *pane_name, char *value, struct settings *settings)
{
	static const char reversed[] = " reversed";
	size_t length = strlen(value), tail = sizeof(reversed) - 1;
	bool reverse = length > tail && strcmp(value + length - tail, reversed) == 0;

	if (reverse)
		value[length - tail] = '\0';
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct table *table = &pane_get(id)->table;

		if (strcasecmp(pane_get(id)->name, pane_name) != 0)
			continue;
		for (unsigned column = 0; column < table->column_count; column++) {
			if (strcmp(table->columns[column].title, value) == 0) {
				settings->orders[id] = (struct settings_order){column, reverse};
				return true;
			}
		}
	}
	return false;
}

static bool parse_value(const char *key, char *value, struct settings *settings)
{
	const struct word *word = NULL;
	struct err ignored;

	if (strncmp(key, order_key, sizeof(order_key) - 1) == 0)
		return parse_order(key + sizeof(order_key) - 1, value, settings);
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

static void add_order(char *buf, const struct pane *pane, const struct settings_order *order)
{
	if (order->column == pane->first_sort && !order->reverse)
		return;
	add(buf, "%s", order_key);
	for (const char *letter = pane->name; *letter; letter++)
		add(buf, "%c", tolower((unsigned char)*letter));
	add(buf, " = %s%s\n", pane->table.columns[order->column].title,
	    order->reverse ? " reversed" : "");
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
}
