/*
 * One list on the screen: order, selection, scrolling. It works on any array of rows by the
 * functions of a view_source and keeps ids, never pointers, between two refreshes.
 *
 * The selection stays at the top of the list until the user moves it; then it follows its row by id
 * wherever sorting takes it. When the row is gone, the row at the same place is selected.
 */
#ifndef RSP_UI_VIEW_H
#define RSP_UI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of a snapshot as a view sees them; borrowed for the call it is given to. */
struct view_source {
	const void *rows;
	size_t count;
	uint64_t (*id)(const void *rows, size_t index);
	/*
	 * Below 0 when row `a` comes first in the usual order of the column (figures from the
	 * largest, names from A), 0 when they are equal.
	 */
	int (*compare)(const void *rows, size_t a, size_t b, unsigned column);
};

/* Fields are read by everyone, written by view.c only. */
struct view {
	unsigned sort; /* column */
	bool reverse;
	size_t count;  /* rows shown */
	size_t *order; /* owned; positions to indexes of the source, valid until the next update */
	uint64_t *ids; /* owned; of the row at each position */
	size_t capacity;
	size_t selected; /* position; 0 when there are no rows */
	size_t top;	 /* position of the first row on the screen */
	size_t page;	 /* rows on the screen, at least 1 */
	bool moved;	 /* the user has chosen a row */
	uint64_t selected_id;
};

void view_init(struct view *view, unsigned sort);
void view_fini(struct view *view);

/* Takes over new rows: sorts, finds the selection again, scrolls it into `page` rows. */
void view_update(struct view *view, const struct view_source *source, size_t page);

/* Moves the selection, down when `rows` is positive; stops at both ends. */
void view_move(struct view *view, long rows);

/* Selects the first row and lets the selection stay at the top again. */
void view_first(struct view *view);

void view_last(struct view *view);

/* Sorts by the column in its usual order, from the next update on. */
void view_sort(struct view *view, unsigned column);

void view_reverse(struct view *view);

#endif
