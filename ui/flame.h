/*
 * The flame graph, hanging down as an icicle: a row for each depth of calls, a box for each node,
 * as wide as its share. What was drawn last is kept as boxes, by which keys move the selection;
 * nodes are kept by their ids from refresh to refresh.
 */
#ifndef RSP_UI_FLAME_H
#define RSP_UI_FLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glyphs.h"
#include "grid.h"
#include "layout.h"
#include "match.h"
#include "profile/call_tree.h"

enum flame_move {
	FLAME_LEFT,
	FLAME_RIGHT,
	FLAME_UP,    /* to the caller, or where callers are shown, the callee */
	FLAME_DOWN,  /* to the widest below */
	FLAME_TOP,   /* to the node at the top */
	FLAME_ZOOM,  /* the selected node to the top */
	FLAME_BACK,  /* the node above to the top */
	FLAME_RESET, /* all of the tree */
};

struct flame_box {
	uint64_t id;
	int row, col, cols; /* in the rectangle */
};

/* One that is all zero shows all of the tree. */
struct flame {
	uint64_t zoom;	    /* id of the node at the top; 0: the root */
	bool zoomed;	    /* the node at the top is not the root */
	uint64_t zoom_back; /* of the one above it */
	uint64_t selected;  /* id; 0: the root */
	size_t box_count;
	size_t box_capacity;
	struct flame_box *boxes; /* owned; by row, then column */
};

/* Frees what it owns. */
void flame_fini(struct flame *flame);

/* Moves selection or zoom in what was drawn last. */
void flame_move(struct flame *flame, enum flame_move move);

/*
 * Draws the tree into the rectangle, its last line about the selected node. Functions that
 * are `wanted` (NULL: none) stand out.
 */
void flame_draw(struct flame *flame, const struct call_tree *tree, bool bytes,
		const struct match *wanted, const struct glyphs *glyphs, struct grid *grid,
		struct rect rect);

#endif
