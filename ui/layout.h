/*
 * Where everything goes: the size of the terminal in, rectangles and widths of columns out. Pure;
 * knows neither what is drawn nor curses.
 */
#ifndef RSP_UI_LAYOUT_H
#define RSP_UI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum pane_id { PANE_CPU, PANE_HEAP, PANE_LEAKS, PANE_GROWTH, PANE_COMBINED, PANE_FLAME, PANE_TREE, PANE_THREADS, PANE_MODULES, PANE_HEALTH, PANE_DETAIL, PANE_COUNT };

/* What is on the screen together; each has a number key. */
enum layout_mode {
	LAYOUT_BOTH,
	LAYOUT_CPU,
	LAYOUT_HEAP,
	LAYOUT_LEAKS,
	LAYOUT_GROWTH,
	LAYOUT_COMBINED,
	LAYOUT_FLAME,
	LAYOUT_TREE,
	LAYOUT_THREADS,
	LAYOUT_MODULES,
	LAYOUT_HEALTH,
	LAYOUT_DETAIL,
	LAYOUT_COUNT,
};

enum { LAYOUT_PANES = 2 }; /* in one mode at most */

struct layout_panes {
	size_t count;
	enum pane_id ids[LAYOUT_PANES]; /* from above, or from the left */
};

/* The smallest terminal that gets more than a line saying that it is too small. */
enum { LAYOUT_MIN_ROWS = 6, LAYOUT_MIN_COLS = 30 };

/* No rows: not shown. */
struct rect {
	int row, col, rows, cols;
};

struct layout_request {
	int rows, cols; /* of the terminal */
	enum layout_mode mode;
	enum pane_id focus;   /* of the mode's panes: to show when there is room for one only */
	int notice_cols;      /* that the notice takes; 0: there is none */
	bool off[PANE_COUNT]; /* the pane has nothing but a reason to show */
	int lines[PANE_COUNT]; /* that the pane can fill */
};

struct layout {
	bool too_small;	    /* nothing below is shown */
	struct rect header; /* four, three or one line */
	struct rect panes[PANE_COUNT];
	struct rect notice;
	struct rect keys; /* always the last line */
};

/* The panes of a mode; static. */
const struct layout_panes *layout_panes(enum layout_mode mode);

/* Whether a pane belongs to a mode. */
bool layout_has(enum layout_mode mode, enum pane_id id);

/* The mode that shows this pane and no other: every pane has one. */
enum layout_mode layout_of(enum pane_id id);

struct layout layout_compute(const struct layout_request *request);

/* Ranks up to this one are of columns that go only where there is no room at all. */
enum { LAYOUT_LAST_RANK = 2 };

/* A column of a table. Widths are without the gap of one column before it. */
struct layout_column {
	int min, max;
	int drop;    /* 0: stays; else the highest goes first when there is no room */
	int wants;   /* above 0: takes what the others leave, up to `max`, and those of a rank above
			LAYOUT_LAST_RANK go for it to have so much; one in a table, the greedy one */
};

/*
 * Writes the widths of the columns that share `cols` columns into `ret_widths`, 0 for one that is
 * left out. When even those that stay do not fit, the greedy one gets narrower; what none of them
 * takes stays free at the right.
 */
void layout_columns(const struct layout_column *columns, size_t count, int cols, int *ret_widths);

#endif
