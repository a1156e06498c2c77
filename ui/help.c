/*
 * The last line and the help box. The text of the box is numbered in lines: all keys, then the
 * columns of all panes.
 */
#include "config.h"

#include "help.h"

#include <stdio.h>

#include "box.h"
#include "keymap.h"
#include "pane.h"
#include "text.h"

enum {
	BOX_COLS = 70,
	NAME_COLS = 14,
	LINE_SIZE = 160,
};

struct help_line {
	const char *name; /* NULL: a heading or an empty line */
	const char *text;
	char keys[LINE_SIZE];
};

/* What stands for some keys in the last line. */
struct key_label {
	size_t first, last; /* entries of the table; the last one's label is shown */
	char keys[32];
	const char *text;
	int col, cols;
};

/*
 * Goes to the next one; false when there is none any more that has room, whole. Begins with one that is
 * all zero.
 */
static bool next_label(struct key_label *label, int cols)
{
	size_t count, length = 0;
	const struct keymap_entry *entries = keymap_entries(&count);
	size_t at = label->text ? label->last + 1 : 0;
	int col = label->text ? label->col + label->cols + 2 : 1;
	char name[16];

	*label = (struct key_label){.first = count, .col = col};
	for (; at < count; at++) {
		if (!entries[at].label)
			continue;
		if (label->first == count)
			label->first = at;
		keymap_key_name(name, sizeof(name), entries[at].keys[0]);
		length += (size_t)snprintf(label->keys + length, sizeof(label->keys) - length, "%s",
					   name);
		if (entries[at].label[0] == '\0')
			continue;
		label->last = at;
		label->text = entries[at].label;
		label->cols = text_width(label->keys) + 1 + text_width(label->text);
		return label->col + label->cols <= cols;
	}
	return false;
}

void help_draw_keys(struct grid *grid, struct rect rect)
{
	struct key_label label = {0};

	while (next_label(&label, rect.cols)) {
		int used = grid_put(grid, rect.row, label.col, label.cols, STYLE_KEY, label.keys);

		grid_put(grid, rect.row, label.col + used + 1, rect.cols, STYLE_NORMAL, label.text);
	}
}

enum command help_command_at(int cols, int col)
{
	size_t count;
	const struct keymap_entry *entries = keymap_entries(&count);
	struct key_label label = {0};

	while (next_label(&label, cols)) {
		size_t at = label.first;

		if (col < label.col || col >= label.col + label.cols)
			continue;
		/* Of several keys with one label each is a letter, in the order of the table. */
		for (int letter = label.col; at < label.last; at++)
			if (entries[at].label && letter++ == col)
				break;
		return entries[at].command;
	}
	return COMMAND_NONE;
}

static void set_keys(struct help_line *line, const struct keymap_entry *entry)
{
	size_t length = 0;
	char name[16];

	for (size_t k = 0; k < KEYMAP_KEYS && entry->keys[k] != RSP_KEY_NONE; k++)
		length += (size_t)snprintf(line->keys + length, sizeof(line->keys) - length, "%s%s",
					   k > 0 ? " " : "",
					   keymap_key_name(name, sizeof(name), entry->keys[k]));
	line->name = line->keys;
	line->text = entry->help;
}

/* Line `number` of the text; false behind its end. */
static bool get_line(size_t number, struct help_line *ret_line)
{
	size_t count;
	const struct keymap_entry *entries = keymap_entries(&count);

	*ret_line = (struct help_line){.text = ""};
	if (number < count) {
		set_keys(ret_line, &entries[number]);
		return true;
	}
	number -= count;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct pane *pane = pane_get(id);

		if (number == 0)
			return true;
		if (number == 1) {
			snprintf(ret_line->keys, sizeof(ret_line->keys), "Columns of %s",
				 pane->name);
			ret_line->text = ret_line->keys;
			return true;
		}
		number -= 2;
		if (number < pane->table.column_count) {
			ret_line->name = pane->table.columns[number].title;
			ret_line->text = pane->table.columns[number].help;
			return true;
		}
		number -= pane->table.column_count;
	}
	return false;
}

static size_t count_lines(void)
{
	struct help_line line;
	size_t count = 0;

	while (get_line(count, &line))
		count++;
	return count;
}

static void draw_line(struct grid *grid, const struct glyphs *glyphs, int row, struct rect box,
		      const struct help_line *line)
{
	int col = box.col + 2, cols = box.cols - 4;
	int name_cols = cols < 50 ? 9 : NAME_COLS;
	char cut[LINE_SIZE];

	if (!line->name) {
		grid_put(grid, row, col, cols, STYLE_TITLE, line->text);
		return;
	}
	text_shorten(cut, sizeof(cut), line->name, name_cols, glyphs->ellipsis);
	grid_put(grid, row, col, name_cols, STYLE_KEY, cut);
	col += name_cols + 1;
	cols -= name_cols + 1;
	grid_put(grid, row, col, cols, STYLE_NORMAL, line->text);
}

size_t help_draw(struct grid *grid, const struct glyphs *glyphs, size_t top)
{
	size_t count = count_lines();
	struct rect box = box_place(grid, BOX_COLS, count);
	char hint[LINE_SIZE];

	size_t page = (size_t)(box.rows - 2);

	if (top > count - page)
		top = count - page;
	snprintf(hint, sizeof(hint), " Esc closes%s ", count > page ? ", Up/Down scroll" : "");
	box_draw(grid, glyphs, box, " Help ", hint);
	for (size_t i = 0; i < page; i++) {
		struct help_line line;

		if (get_line(top + i, &line))
			draw_line(grid, glyphs, box.row + 1 + (int)i, box, &line);
	}
	return top;
}
