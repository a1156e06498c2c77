/*
 * Which nodes of a call tree are unfolded, and the rows that come of it. It keeps the ids of nodes
 * from refresh to refresh. Until the user says otherwise a node is open that has a tenth of all.
 */
#ifndef RSP_UI_TREE_VIEW_H
#define RSP_UI_TREE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/call_tree.h"

enum { TREE_TOGGLED = 1024 }; /* nodes that the user may open or close */

struct tree_row {
	uint64_t id;	 /* of the node */
	uint32_t node;	 /* index in the tree */
	uint32_t indent; /* nodes that call nobody else, nor their caller, stand as far as it */
	bool open;
};

/* Fields are read by everyone, written by tree_view.c only. */
struct tree_view {
	const struct call_tree *tree; /* borrowed, of the last update; NULL: none */
	bool bytes;		      /* its weights are live bytes, not samples */
	bool all;		      /* every node is open but those toggled */
	struct tree_row *rows;	      /* owned; from above */
	size_t count;
	size_t capacity;
	size_t toggled_count;
	uint64_t toggled[TREE_TOGGLED]; /* ids of nodes that are not as they would be */
};

/* Frees what it owns. One that is all zero needs no other beginning. */
void tree_view_fini(struct tree_view *view);

/* Makes the rows anew. The tree (NULL: none) is borrowed until the next update. */
void tree_view_update(struct tree_view *view, const struct call_tree *tree, bool bytes);

/* Opens or closes the node with an id; beyond TREE_TOGGLED nothing happens. */
void tree_view_toggle(struct tree_view *view, uint64_t id);

/* Opens every node, or all as at the beginning. */
void tree_view_toggle_all(struct tree_view *view);

#endif
