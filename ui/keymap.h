/*
 * The one table of keys: which key gives which command, and what help and the last line say about
 * it. A key means the same in every pane.
 */
#ifndef RSP_UI_KEYMAP_H
#define RSP_UI_KEYMAP_H

#include <stddef.h>

/* Keys that are no character; control characters are themselves (^L is 12). */
enum key {
	RSP_KEY_NONE = 0,
	RSP_KEY_TAB = 9,
	RSP_KEY_ENTER = 13,
	RSP_KEY_ESCAPE = 27,
	RSP_KEY_BACKSPACE = 127,
	RSP_KEY_UP = 0x110000, /* behind the last Unicode character */
	RSP_KEY_DOWN,
	RSP_KEY_LEFT,
	RSP_KEY_RIGHT,
	RSP_KEY_PAGE_UP,
	RSP_KEY_PAGE_DOWN,
	RSP_KEY_HOME,
	RSP_KEY_END,
	RSP_KEY_F1, /* the others follow in order */
	RSP_KEY_F12 = RSP_KEY_F1 + 11,
	RSP_KEY_CLICK, /* of the mouse; term_mouse() knows where */
	RSP_KEY_WHEEL_UP,
	RSP_KEY_WHEEL_DOWN,
	RSP_KEY_OTHER, /* known to the terminal, not to us */
};

enum command {
	COMMAND_NONE,
	COMMAND_HELP,
	COMMAND_QUIT,
	COMMAND_CLOSE,
	COMMAND_UP,
	COMMAND_DOWN,
	COMMAND_PAGE_UP,
	COMMAND_PAGE_DOWN,
	COMMAND_FIRST,
	COMMAND_LAST,
	COMMAND_LEFT,
	COMMAND_RIGHT,
	COMMAND_NAMES_START,
	COMMAND_NAMES_END,
	COMMAND_NEXT_PANE,
	COMMAND_SEARCH,
	COMMAND_SEARCH_NEXT,
	COMMAND_SEARCH_PREVIOUS,
	COMMAND_SEARCH_NAME,
	COMMAND_FILTER,
	COMMAND_SORT_MENU,
	COMMAND_SETUP,
	COMMAND_SORT_PREVIOUS,
	COMMAND_SORT_NEXT,
	COMMAND_SORT_SELF,
	COMMAND_SORT_TOTAL,
	COMMAND_SORT_LIVE,
	COMMAND_REVERSE,
	COMMAND_PAUSE,
	COMMAND_FOLLOW,
	COMMAND_RESET,
	COMMAND_UNDO,
	COMMAND_BASELINE,
	COMMAND_NO_BASELINE,
	COMMAND_WINDOW_LONGER,
	COMMAND_WINDOW_SHORTER,
	COMMAND_GROUP,
	COMMAND_DELAY,
	COMMAND_SAVE,
	COMMAND_KERNEL,
	COMMAND_OPEN,
	COMMAND_BACK,
	COMMAND_ANNOTATE,
	COMMAND_CALLERS,
	COMMAND_EXPAND,
	COMMAND_EXPAND_ALL,
	COMMAND_SAMPLE_FINER,
	COMMAND_SAMPLE_COARSER,
	COMMAND_BUDGET,
	COMMAND_SHOW_BOTH,
	COMMAND_SHOW_CPU,
	COMMAND_SHOW_HEAP,
	COMMAND_SHOW_LEAKS,
	COMMAND_SHOW_COMBINED,
	COMMAND_SHOW_FLAME,
	COMMAND_SHOW_TREE,
	COMMAND_SHOW_THREADS,
	COMMAND_SHOW_MODULES,
	COMMAND_SHOW_HEALTH,
	COMMAND_SHOW_GROWTH,
	COMMAND_REDRAW,
	COMMAND_SUSPEND,
	COMMAND_COUNT,
};

enum { KEYMAP_KEYS = 4 };

struct keymap_entry {
	enum command command;
	int keys[KEYMAP_KEYS]; /* RSP_KEY_NONE fills up */
	const char *help;
	/* For the last line; NULL: not there; "": shares the label of the entry behind it. */
	const char *label;
};

/* The table, in the order of help and of importance for the last line. */
const struct keymap_entry *keymap_entries(size_t *ret_count);

/* The command of a key; COMMAND_NONE when it has none. */
enum command keymap_command(int key);

/* The name of a key ("q", "^C", "PgUp") in `buf`, which is returned. */
const char *keymap_key_name(char *buf, size_t size, int key);

#endif
