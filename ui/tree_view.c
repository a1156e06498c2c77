#include "config.h"

#include "tree_view.h"

#include <stdlib.h>

#include "err.h"

/* What part of all a node must have to be open at the beginning. */
enum { OPEN_PART = 10 };

void tree_view_fini(struct tree_view *view)
{
	free(view->rows);
	*view = (struct tree_view){0};
}

static size_t find_toggled(const struct tree_view *view, uint64_t id)
{
	size_t at = 0;

	while (at < view->toggled_count && view->toggled[at] != id)
		at++;
	return at;
}

void tree_view_toggle(struct tree_view *view, uint64_t id)
{
	size_t at = find_toggled(view, id);

	if (at < view->toggled_count)
		view->toggled[at] = view->toggled[--view->toggled_count];
	else if (view->toggled_count < TREE_TOGGLED)
		view->toggled[view->toggled_count++] = id;
}

void tree_view_toggle_all(struct tree_view *view)
{
	view->all = !view->all;
	view->toggled_count = 0;
}

static bool is_open(const struct tree_view *view, const struct call_node *node)
{
	bool open = view->all || node->total >= view->tree->nodes[0].total / OPEN_PART;

	return node->child != CALL_NODE_NONE &&
	       open != (find_toggled(view, node->id) < view->toggled_count);
}

static void add_row(struct tree_view *view, uint32_t index, uint32_t indent)
{
	view->rows[view->count++] =
	    (struct tree_row){.id = view->tree->nodes[index].id,
			      .node = index,
			      .indent = indent,
			      .open = is_open(view, &view->tree->nodes[index])};
}

static bool has_siblings(const struct call_tree *tree, uint32_t index)
{
	const struct call_node *node = &tree->nodes[index];

	return tree->nodes[tree->nodes[node->parent].child].next != CALL_NODE_NONE;
}

/* How far a node stands behind its parent: not at all where both are links of a chain. */
static uint32_t step_in(const struct call_tree *tree, uint32_t index)
{
	uint32_t parent = tree->nodes[index].parent;

	return parent != 0 && (has_siblings(tree, index) || has_siblings(tree, parent));
}

void tree_view_update(struct tree_view *view, const struct call_tree *tree, bool bytes)
{
	uint32_t at, indent = 0;

	view->tree = tree;
	view->bytes = bytes;
	view->count = 0;
	if (!tree)
		return;
	if (tree->count > view->capacity) {
		view->rows = xreallocarray(view->rows, tree->count, sizeof(*view->rows));
		view->capacity = tree->count;
	}
	at = tree->nodes[0].child;
	while (at != CALL_NODE_NONE) {
		const struct call_node *node = &tree->nodes[at];

		add_row(view, at, indent);
		if (view->rows[view->count - 1].open) {
			at = node->child;
			indent += step_in(tree, at);
			continue;
		}
		while (tree->nodes[at].next == CALL_NODE_NONE && tree->nodes[at].parent != 0) {
			indent -= step_in(tree, at);
			at = tree->nodes[at].parent;
		}
		at = tree->nodes[at].next;
	}
}
