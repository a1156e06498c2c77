/*
 * A pane: a titled table of one kind of rows. Each NAME_pane.c describes its own, pane.c draws any.
 */
#ifndef RSP_UI_PANE_H
#define RSP_UI_PANE_H

#include <stdbool.h>

#include "detail.h"
#include "flame.h"
#include "profile/snapshot.h"
#include "table.h"
#include "tree_view.h"

/* Columns that keys name directly. */
enum { CPU_COLUMN_SELF, CPU_COLUMN_TOTAL };
enum { HEAP_COLUMN_LIVE };
enum { GROWTH_COLUMN_BYTES };

enum { PANE_TEXT = 512 };

/* What of its rows a pane shows, as keys have chosen it. */
struct pane_choice {
	bool kernel_unfolded;
	const struct tree_view *tree;
	struct flame *flame;
	const struct detail *detail;
	enum snapshot_window window; /* of CPU samples */
	enum snapshot_group group;
	/* What that comes to in a snapshot, borrowed from it: see pane_choose(). */
	enum snapshot_group shown_group;
	const struct snapshot_function *functions;
	size_t function_count;
	uint64_t samples; /* of the window */
	const struct snapshot_site *sites;
	size_t site_count;
	bool sites_grouped; /* by `shown_group` */
};

/*
 * Fills what a choice comes to. Functions and sites, which are by line, stand in for a group that the snapshot
 * does not have, because it is older than the wish.
 */
void pane_choose(struct pane_choice *choice, const struct snapshot *snapshot);

enum { PANE_WAITING = 64 };

/* What a title says of what waits for unwind rules and so is in no row of its own yet; "" if nothing does. */
const char *pane_waiting(char buf[PANE_WAITING], const char *what, uint64_t count);

struct pane_frame;

struct pane {
	const char *name; /* "CPU" */
	struct table table;
	unsigned first_sort; /* column that orders it at the start */
	struct view_source (*source)(const struct snapshot *snapshot,
				     const struct pane_choice *choice);
	/* NULL, or the columns that have nothing to show, a bit for each. */
	uint32_t (*hidden)(const struct snapshot *snapshot);
	/* NULL: never; else whether there is nothing but a reason to show. */
	bool (*is_off)(const struct snapshot *snapshot);
	/* What to show in place of rows: why there are none. Raw text in `buf`. */
	void (*explain)(const struct snapshot *snapshot, char *buf, size_t size);
	/* NULL, or what there is to say of the selected row, below the others: raw text,
	 * in `buf` or borrowed from the row. */
	const char *(*detail)(const void *rows, size_t index, char *buf, size_t size);
	/* What the title says about the rows. Raw text in `buf`. */
	void (*about)(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		      size_t size);
	/* NULL, or what is drawn in place of a table; false: there is nothing to draw. */
	bool (*draw)(const struct pane_frame *frame, struct rect rect);
};

/* How to draw; borrowed for the call. */
struct pane_frame {
	const struct snapshot *snapshot;
	bool focused;
	const struct pane_choice *choice;
	const struct match *filter; /* NULL: all rows are shown */
	const struct match *wanted; /* what is searched for; NULL: nothing */
	bool hold;		    /* the selected row keeps its line */
	char *name; /* of the selected row is put here when the pane is focused, TEXT_SIZE bytes */
	const struct glyphs *glyphs;
	struct grid *grid;
	struct rect rect;
};

/* The panes of the screen; static. */
const struct pane *pane_get(enum pane_id id);

/* The lines that a pane fills when it has all its rows. */
int pane_lines(const struct pane *pane, const struct snapshot *snapshot, const struct pane_choice *choice);

/* Whether a pane has nothing but a reason to show. */
bool pane_is_off(const struct pane *pane, const struct snapshot *snapshot);
const struct pane *cpu_pane_get(void);
const struct pane *heap_pane_get(void);
const struct pane *leaks_pane_get(void);
const struct pane *growth_pane_get(void);
const struct pane *tree_pane_get(void);
const struct pane *flame_pane_get(void);
const struct pane *combined_pane_get(void);
const struct pane *threads_pane_get(void);
const struct pane *modules_pane_get(void);
const struct pane *health_pane_get(void);
const struct pane *detail_pane_get(void);

/* Brings the view up to date and draws title and rows, or why there are none. */
void pane_draw(const struct pane *pane, struct table_state *state, const struct pane_frame *frame);

#endif
