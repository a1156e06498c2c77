/*
 * What the screen's parts share: screen.c draws, screen_keys.c does what commands ask for,
 * screen_calls.c what they ask of the tree and the flame graph, screen_input.c turns keys and the mouse into commands.
 */
#ifndef RSP_UI_SCREEN_STATE_H
#define RSP_UI_SCREEN_STATE_H

#include "match.h"
#include "pane.h"
#include "prompt.h"
#include "screen.h"
#include "text.h"

enum { SCREEN_MESSAGE = 600 };

struct screen {
	const struct glyphs *glyphs;
	enum layout_mode mode;
	enum pane_id focus;
	struct layout layout; /* as drawn last */
	int key_cols; /* of the last line, that have keys in them */
	bool paused;
	bool follow; /* the selected row keeps its line on the screen */
	struct pane_choice choice;
	bool by_heap; /* calls are shown by live bytes, not by CPU samples */
	bool callers; /* of each function, in the tree */
	struct tree_view tree;
	struct flame flame;
	struct detail detail;
	bool open_row; /* the selected row is to be shown in detail, once it is known which that is */
	enum layout_mode back_mode; /* where details were opened from */
	enum pane_id back_focus;
	bool heap_replaced; /* growth is shown where the heap would be */
	bool help;
	size_t help_top;
	size_t help_page; /* lines of help on the screen */
	bool sort_menu;
	size_t sort_choice; /* column in the menu */
	bool setup;
	size_t setup_choice; /* line of its box */
	enum theme theme;
	bool theme_chosen; /* by the user, in this run */
	struct prompt prompt;
	char search_text[PROMPT_TEXT];
	char filter_text[PROMPT_TEXT];
	struct match *wanted;	      /* owned; NULL: nothing is searched for */
	struct match *filter;	      /* owned; NULL: all rows are shown */
	char delay_text[PROMPT_TEXT]; /* as typed last */
	char save_name[PROMPT_TEXT];
	char
	    message[SCREEN_MESSAGE]; /* raw; in place of the keys until the next key; empty: none */
	bool message_bad;
	char selected_name[TEXT_SIZE]; /* raw, of the focused pane's row */
	int target_pid;		       /* of the snapshot drawn last, as the next ones */
	struct timespec time;
	double elapsed_s;
	double key_s; /* its elapsed_s at the last key */
	struct table_state panes[PANE_COUNT];
};

/* The pane that is drawn in the place of this one. */
enum pane_id screen_shown_pane(const struct screen *screen, enum pane_id id);

/* Focuses a pane and makes sure that it is on the screen. */
void screen_focus(struct screen *screen, enum pane_id id);

/* Shows a view, and keeps the focus if its pane is in there. */
void screen_show(struct screen *screen, enum layout_mode mode);

/* Shows the calls, of the CPU or of the heap as the focus was. */
void screen_show_calls(struct screen *screen, enum layout_mode mode);

/* What a command means in the pictures of calls; false when it means the same as elsewhere. */
bool screen_move_calls(struct screen *screen, enum command command);

/* What a command means to details; false when it means the same as elsewhere. */
bool screen_move_detail(struct screen *screen, enum command command);

/* Commands that open something, or close it; false when the command is none of them. */
bool screen_open_or_close(struct screen *screen, enum command command);

/* Moves the choice in a menu of so many lines; false when the command is no movement. */
bool menu_move(size_t *choice, size_t count, enum command command);

/* A key of the box of colours and columns; false when it is none, which closes the box too. */
bool screen_set_up(struct screen *screen, int key, enum command command);

/* Commands that find rows, and keep them in sight; false when the command is none of them. */
bool screen_find(struct screen *screen, enum command command);

/* Shows the row in detail that Enter was pressed on, now that the panes are drawn; false: none is. */
bool screen_open_detail(struct screen *screen);

/* The table of the pane that keys work on. */
struct table_state *screen_focused_table(struct screen *screen);

#endif
