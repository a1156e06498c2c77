/*
 * One list on the screen: order, filter, selection, search, scrolling. It works on any array of
 * rows by the functions of a view_source and keeps ids, never pointers, between two refreshes.
 *
 * The selection stays at the top of the list until the user moves it; then it follows its row by id
 * wherever sorting takes it. When the row is gone, the row at the same place is selected.
 *
 * Of many rows only those on the screen are put in order.
 */
#ifndef RSP_UI_VIEW_H
#define RSP_UI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answers.h"
#include "match.h"

/*
 * What a row is ordered by: its text, from A, one without (NULL) last; where texts are the same its
 * number, the largest first, an unknown one (NAN) last.
 */
struct view_key {
	const char *text;
	double number;
};

static inline struct view_key view_number(double number)
{
	return (struct view_key){NULL, number};
}

static inline struct view_key view_text(const char *text)
{
	return (struct view_key){text, 0};
}

/* By file, then from the first line. */
static inline struct view_key view_place(const char *file, unsigned line)
{
	return (struct view_key){file, -(double)line};
}

struct view_block;

/* Rows of a snapshot as a view sees them; borrowed, with all texts, for the call it is given to. */
struct view_source {
	const void *rows;
	size_t count;
	uint64_t (*id)(const void *rows, size_t index);
	/* For the usual order of the column. NULL: the rows have an order of their own, always. */
	struct view_key (*key)(const void *rows, size_t index, unsigned column);
	uint32_t unknown; /* columns of which nothing is known now, a bit for each: in place of one of them */
	unsigned instead; /* rows are ordered by this one */
	/*
	 * What search and filter look at: the row's name (part 0), then whatever else it is known
	 * by, "" where that is unknown, NULL behind the last part. NULL: its rows are neither
	 * searched nor filtered.
	 */
	const char *(*text)(const void *rows, size_t index, unsigned part);
	/*
	 * A row with an id has the same texts in every refresh, but for the last part, which is at
	 * another address when it is another one.
	 */
	bool lasting;
	/* NULL, or what the functions above say of many rows: see view_block.h. */
	void (*take)(const void *rows, struct view_block *block);
};

/* What a view keeps of a row until the next update, so that ordering does not come back to it. */
struct view_row {
	struct view_key key;
	uint64_t id;
	size_t index; /* of the source */
};

/* The last of what a lasting row is known by: its file. */
enum { VIEW_LAST_PART = 2 };

enum view_seek {
	VIEW_SEEK_NONE,
	VIEW_SEEK_HERE, /* from the selected row on */
	VIEW_SEEK_NEXT, /* behind it, and from the first row again */
	VIEW_SEEK_PREVIOUS,
};

/* Fields are read by everyone, written by view.c only. */
struct view {
	unsigned sort; /* column */
	bool reverse;
	size_t total;  /* rows of the source */
	size_t count;  /* of them, those that pass the filter: positions are below it */
	struct view_row *rows; /* owned; by position, those on the screen in order (`top` and
				  `page` on, the selected one is there), until the next update */
	size_t capacity;
	size_t selected;  /* position; 0 when there are no rows */
	size_t top;	  /* position of the first row on the screen */
	size_t page;	  /* rows on the screen, at least 1 */
	bool moved;	  /* the user has chosen a row */
	bool by_position; /* and it is the one at `selected` whatever its id */
	uint64_t selected_id;
	struct answers answers; /* to the filter */
	size_t unasked; /* rows of the source that the filter has had no time for: not in `count` */
	enum view_seek seek;
	bool missed; /* the last search found nothing */
};

/* What an update goes by; borrowed for the call. */
struct view_terms {
	size_t page;		    /* rows on the screen */
	const struct match *filter; /* NULL: all rows are shown */
	const struct match *wanted; /* by view_search() */
	bool hold;		    /* the selected row keeps its line on the screen where it can */
	double slice_s; /* filtering lasting rows takes so long at most, or a fifth of it longer than to find
			   those that it has answered about: what is behind is left for the next updates */
};

void view_init(struct view *view, unsigned sort);
void view_fini(struct view *view);

/* Takes over new rows: filters, sorts, finds the selection again, scrolls it into the page. */
void view_update(struct view *view, const struct view_source *source,
		 const struct view_terms *terms);

/* The column that rows of the source are ordered by. */
unsigned view_column(const struct view *view, const struct view_source *source);

/* Where the source has the row of a position on the screen. */
size_t view_index(const struct view *view, size_t position);

/* Moves the selection, down when `rows` is positive; stops at both ends. */
void view_move(struct view *view, long rows);

/* Selects the row at a line of the screen, counted from 0; false when there is none. */
bool view_point(struct view *view, size_t line);

/* Selects the first row and lets the selection stay at the top again. */
void view_first(struct view *view);

void view_last(struct view *view);

/* Keeps the selection on the row it is on, though the user has not moved it. */
void view_pin(struct view *view);

/* Makes the next update look for a row. */
void view_search(struct view *view, enum view_seek seek);

/* Sorts by the column in its usual order, from the next update on. */
void view_sort(struct view *view, unsigned column);

void view_reverse(struct view *view);

#endif
