/*
 * The table of keys. Everything that names a key is made from it.
 */
#include "config.h"

#include "keymap.h"

#include <stdio.h>

#define CTRL(letter) ((letter)&0x1f)

static const struct keymap_entry entries[] = {
    {COMMAND_HELP, {'?', 'h', RSP_KEY_F1}, "show or close this help", "Help"},
    {COMMAND_QUIT, {'q', CTRL('C'), RSP_KEY_F1 + 9}, "quit", "Quit"},
    {COMMAND_CLOSE, {RSP_KEY_ESCAPE}, "close what is open, drop the filter (never quits)", NULL},
    {COMMAND_UP, {RSP_KEY_UP, 'k'}, "select the row above", NULL},
    {COMMAND_DOWN, {RSP_KEY_DOWN, 'j'}, "select the row below", NULL},
    {COMMAND_PAGE_UP, {RSP_KEY_PAGE_UP, CTRL('B')}, "one page up", NULL},
    {COMMAND_PAGE_DOWN, {RSP_KEY_PAGE_DOWN, CTRL('F')}, "one page down", NULL},
    {COMMAND_FIRST, {RSP_KEY_HOME, 'g'}, "first row; the selection stays at the top", NULL},
    {COMMAND_LAST, {RSP_KEY_END, 'G'}, "last row", NULL},
    {COMMAND_LEFT, {RSP_KEY_LEFT}, "scroll names to the left", NULL},
    {COMMAND_RIGHT, {RSP_KEY_RIGHT}, "scroll names to the right", NULL},
    {COMMAND_NAMES_START, {'0'}, "scroll names back to their start", NULL},
    {COMMAND_NAMES_END, {'$'}, "scroll names to their end", NULL},
    {COMMAND_SEARCH, {'/'}, "search as you type; !text is a regular expression", "Find"},
    {COMMAND_SEARCH_NEXT, {'n'}, "next row that is searched for", NULL},
    {COMMAND_SEARCH_PREVIOUS, {'N'}, "previous one", NULL},
    {COMMAND_SEARCH_NAME, {'#'}, "search for the name of the selected row", NULL},
    {COMMAND_FILTER,
     {'\\', RSP_KEY_F1 + 3, 'f'},
     "show only rows with a text or !regex; empty: all",
     "Filter"},
    {COMMAND_NEXT_PANE, {RSP_KEY_TAB}, "go to the other pane, or to the next view", "Pane"},
    {COMMAND_SORT_MENU, {'s', RSP_KEY_F1 + 5}, "choose the column to sort by", "Sort"},
    {COMMAND_SORT_PREVIOUS, {'<'}, "sort by the column to the left", NULL},
    {COMMAND_SORT_NEXT, {'>'}, "sort by the column to the right", NULL},
    {COMMAND_SORT_SELF, {'P'}, "sort functions by their own CPU share", NULL},
    {COMMAND_SORT_TOTAL, {'T'}, "sort functions by CPU share with callees", NULL},
    {COMMAND_SORT_LIVE, {'M'}, "sort sites by live bytes", NULL},
    {COMMAND_REVERSE, {'R'}, "reverse the order", "Reverse"},
    {COMMAND_PAUSE, {'p', ' ', 'Z'}, "pause or resume the display", "Pause"},
    {COMMAND_FOLLOW, {'F'}, "keep the selected row at its line, or let it go", "Follow"},
    {COMMAND_RESET, {'z'}, "count samples, ALLOC and FREED from now on", "Zero"},
    {COMMAND_UNDO, {'u'}, "undo that", NULL},
    {COMMAND_BASELINE, {'b'}, "compare with now, in a column +/-", "Base"},
    {COMMAND_NO_BASELINE, {'B'}, "compare no more", NULL},
    {COMMAND_GROUP, {'l'}, "CPU by function, line, module, thread; sites by line, module", "Lines"},
    {COMMAND_WINDOW_LONGER, {'+', '='}, "CPU of more time: last refresh, 10 s, all", ""},
    {COMMAND_WINDOW_SHORTER, {'-'}, "CPU of less time", "Window"},
    {COMMAND_DELAY, {'d'}, "time between refreshes", NULL},
    {COMMAND_SAVE, {'w'}, "write what is shown to a file, as JSON", "Write"},
    {COMMAND_KERNEL, {'K'}, "unfold or fold the kernel's functions", "Kernel"},
    {COMMAND_SAMPLE_FINER, {'['}, "sample the heap at half the interval, at last exactly", NULL},
    {COMMAND_SAMPLE_COARSER, {']'}, "sample the heap at twice the interval", NULL},
    {COMMAND_BUDGET, {'O'}, "switch the budget for our cost off, or on again", NULL},
    {COMMAND_SHOW_BOTH, {'1'}, "show both panes", ""},
    {COMMAND_SHOW_CPU, {'2'}, "show CPU only", ""},
    {COMMAND_SHOW_HEAP, {'3'}, "show heap only", ""},
    {COMMAND_SHOW_LEAKS, {'4'}, "show leak suspects", "View"},
    {COMMAND_SHOW_COMBINED, {'C'}, "show functions with their CPU and their heap", NULL},
    {COMMAND_SHOW_FLAME, {'5'}, "show the flame graph (P: of the CPU, M: of the heap)", NULL},
    {COMMAND_SHOW_TREE, {'t'}, "show the tree of calls (P: by CPU, M: by live bytes)", NULL},
    {COMMAND_OPEN, {RSP_KEY_ENTER}, "details of a function or site; expand the row; zoom in", NULL},
    {COMMAND_ANNOTATE, {'a'}, "in details: instructions in place of source lines", NULL},
    {COMMAND_BACK, {RSP_KEY_BACKSPACE, CTRL('H')}, "back from details; zoom out", NULL},
    {COMMAND_CALLERS, {'c'}, "callers or callees in the tree", NULL},
    {COMMAND_EXPAND, {'e'}, "expand or close the row of the tree", NULL},
    {COMMAND_EXPAND_ALL, {'E'}, "expand the whole tree, or close it again", NULL},
    {COMMAND_SHOW_THREADS, {'6', 'H'}, "show the threads", NULL},
    {COMMAND_SHOW_MODULES, {'7'}, "show the files that code comes from", NULL},
    {COMMAND_SHOW_HEALTH, {'8'}, "show probes, buffers, maps and losses", NULL},
    {COMMAND_SHOW_GROWTH, {'9'}, "show memory touched for the first time", NULL},
    {COMMAND_SETUP, {RSP_KEY_F1 + 1}, "choose colours, and the columns of the pane", "Setup"},
    {COMMAND_REDRAW, {CTRL('L')}, "draw the screen anew", NULL},
    {COMMAND_SUSPEND, {CTRL('Z')}, "suspend; the shell's fg resumes", NULL},
};

enum { ENTRY_COUNT = sizeof(entries) / sizeof(entries[0]) };

const struct keymap_entry *keymap_entries(size_t *ret_count)
{
	*ret_count = ENTRY_COUNT;
	return entries;
}

enum command keymap_command(int key)
{
	if (key == RSP_KEY_NONE)
		return COMMAND_NONE;
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		for (size_t k = 0; k < KEYMAP_KEYS; k++)
			if (entries[i].keys[k] == key)
				return entries[i].command;
	return COMMAND_NONE;
}

const char *keymap_key_name(char *buf, size_t size, int key)
{
	static const struct {
		int key;
		const char *name;
	} names[] = {
	    {RSP_KEY_ENTER, "Enter"}, {RSP_KEY_BACKSPACE, "Backspace"},
	    {RSP_KEY_TAB, "Tab"},     {RSP_KEY_ESCAPE, "Esc"},	 {' ', "Space"},
	    {RSP_KEY_UP, "Up"},	      {RSP_KEY_DOWN, "Down"},	 {RSP_KEY_LEFT, "Left"},
	    {RSP_KEY_RIGHT, "Right"}, {RSP_KEY_PAGE_UP, "PgUp"}, {RSP_KEY_PAGE_DOWN, "PgDn"},
	    {RSP_KEY_HOME, "Home"},   {RSP_KEY_END, "End"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].key == key) {
			snprintf(buf, size, "%s", names[i].name);
			return buf;
		}
	}
	if (key >= RSP_KEY_F1 && key <= RSP_KEY_F12)
		snprintf(buf, size, "F%d", key - RSP_KEY_F1 + 1);
	else if (key > 0 && key < ' ')
		snprintf(buf, size, "^%c", key | 0x40);
	else if (key > ' ' && key < 0x7f)
		snprintf(buf, size, "%c", key);
	else
		snprintf(buf, size, "?");
	return buf;
}
