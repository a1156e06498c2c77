#include "config.h"

#include "flame.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "fmt.h"
#include "text.h"

struct painter {
	struct flame *flame;
	const struct call_tree *tree;
	bool bytes;
	const struct match *wanted; /* NULL: none */
	const struct glyphs *glyphs;
	struct grid *grid;
	struct rect rect; /* of the boxes */
};

void flame_fini(struct flame *flame)
{
	free(flame->boxes);
	*flame = (struct flame){0};
}

/* --- moving ----------------------------------------------------------------------------------- */

static const struct flame_box *selected_box(const struct flame *flame)
{
	for (size_t i = 0; i < flame->box_count; i++)
		if (flame->boxes[i].id == flame->selected)
			return &flame->boxes[i];
	return NULL;
}

/* How far a box is in the direction of a move; negative: it is not there. */
static int distance(const struct flame_box *from, const struct flame_box *to, enum flame_move move)
{
	switch (move) {
	case FLAME_LEFT:
		return to->row == from->row && to->col < from->col ? from->col - to->col : -1;
	case FLAME_RIGHT:
		return to->row == from->row && to->col > from->col ? to->col - from->col : -1;
	case FLAME_UP:
		return to->row == from->row - 1 && to->col <= from->col &&
			       to->col + to->cols > from->col
			   ? 1
			   : -1;
	default:
		/* The widest one is the nearest. */
		return to->row == from->row + 1 && to->col >= from->col &&
			       to->col < from->col + from->cols
			   ? from->cols - to->cols
			   : -1;
	}
}

static void move_selection(struct flame *flame, enum flame_move move)
{
	const struct flame_box *from = selected_box(flame), *best = NULL;
	int least = 0;

	for (size_t i = 0; from && i < flame->box_count; i++) {
		const struct flame_box *box = &flame->boxes[i];
		int far = distance(from, box, move);

		if (far < 0 || (best && far >= least))
			continue;
		best = box;
		least = far;
	}
	if (best)
		flame->selected = best->id;
}

void flame_move(struct flame *flame, enum flame_move move)
{
	switch (move) {
	case FLAME_TOP:
		flame->selected = flame->zoom;
		break;
	case FLAME_ZOOM:
		flame->zoom = flame->selected;
		break;
	case FLAME_BACK:
		flame->zoom = flame->zoom_back;
		break;
	case FLAME_RESET:
		flame->zoom = 0;
		break;
	default:
		move_selection(flame, move);
		break;
	}
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void add_box(struct flame *flame, uint64_t id, int row, int col, int cols)
{
	if (flame->box_count == flame->box_capacity) {
		flame->box_capacity = flame->box_capacity ? flame->box_capacity * 2 : 64;
		flame->boxes =
		    xreallocarray(flame->boxes, flame->box_capacity, sizeof(*flame->boxes));
	}
	flame->boxes[flame->box_count++] = (struct flame_box){id, row, col, cols};
}

static void name_of(const struct call_node *node, char *buf, size_t size)
{
	char raw[TEXT_SIZE];

	snprintf(raw, sizeof(raw), "%s%s%s", node->kernel && node->function[0] != '[' ? "[k] " : "",
		 node->function, node->inlined ? " ~inl" : "");
	fmt_harmless(buf, size, raw);
}

static bool stands_out(const struct painter *painter, const struct call_node *node)
{
	return painter->wanted && match_test(painter->wanted, node->function);
}

static void draw_box(struct painter *painter, uint32_t index, int row, int col, int cols,
		     bool other)
{
	const struct call_node *node = &painter->tree->nodes[index];
	int grid_row = painter->rect.row + row, grid_col = painter->rect.col + col;
	char name[TEXT_SIZE], cut[TEXT_SIZE];
	enum style style = other ? STYLE_BOX_OTHER : STYLE_BOX;

	if (node->id == painter->flame->selected)
		style = STYLE_SELECTED;
	else if (stands_out(painter, node))
		style = STYLE_BOX_FOUND;
	add_box(painter->flame, node->id, row, col, cols);
	grid_fill(painter->grid, grid_row, grid_col, cols, style, " ");
	grid_put(painter->grid, grid_row, grid_col, 1, style, painter->glyphs->bar);
	if (cols < 3)
		return;
	name_of(node, name, sizeof(name));
	grid_put(painter->grid, grid_row, grid_col + 1, cols - 1, style,
		 text_shorten(cut, sizeof(cut), name, cols - 1, painter->glyphs->ellipsis));
}

/* Where calls are that have no box: there is room for dots from here on. */
static void draw_left_out(const struct painter *painter, int row, int col, int cols)
{
	const char *dots = painter->glyphs->ellipsis;

	if (cols >= text_width(dots))
		grid_put(painter->grid, painter->rect.row + row, painter->rect.col + col, cols,
			 STYLE_MUTED, dots);
}

/*
 * Draws a node and what is below it. Children that are less than half a column are left out; dots say
 * where. Goes as deep as there are rows.
 */
static void draw_node(struct painter *painter, uint32_t index, int row, int col, int cols,
		      bool other)
{
	const struct call_tree *tree = painter->tree;
	const struct call_node *node = &tree->nodes[index];
	double scale = node->total > 0 ? (double)cols / (double)node->total : 0;
	int start = 0;
	uint64_t before = 0;
	bool alternate = other;

	draw_box(painter, index, row, col, cols, other);
	if (row + 1 >= painter->rect.rows)
		return;
	/* The heaviest come first. */
	for (uint32_t at = node->child;
	     at != CALL_NODE_NONE && (double)tree->nodes[at].total * scale >= 0.5;
	     at = tree->nodes[at].next) {
		before += tree->nodes[at].total;

		int end = (int)((double)before * scale + 0.5);

		alternate = !alternate;
		if (end > start)
			draw_node(painter, at, row + 1, col + start, end - start, alternate);
		start = end;
	}
	draw_left_out(painter, row + 1, col + start,
		      (int)((double)(node->total - node->self) * scale + 0.5) - start);
}

/* The weight of the nodes that stand out, of those inside each other the outermost only. */
static uint64_t sum_wanted(const struct painter *painter, uint32_t top)
{
	const struct call_tree *tree = painter->tree;
	uint64_t sum = 0;
	uint32_t at = top;

	for (;;) {
		bool found = stands_out(painter, &tree->nodes[at]);

		if (found)
			sum += tree->nodes[at].total;
		if (!found && tree->nodes[at].child != CALL_NODE_NONE) {
			at = tree->nodes[at].child;
			continue;
		}
		while (at != top && tree->nodes[at].next == CALL_NODE_NONE)
			at = tree->nodes[at].parent;
		if (at == top)
			return sum;
		at = tree->nodes[at].next;
	}
}

static double share(uint64_t weight, uint64_t all)
{
	return all ? 100.0 * (double)weight / (double)all : 0;
}

static const char *amount(const struct painter *painter, uint64_t weight, char *buf, size_t size)
{
	return painter->bytes ? fmt_bytes(buf, size, weight) : fmt_count(buf, size, weight);
}

static void draw_about(const struct painter *painter, uint32_t top, uint32_t selected, int row)
{
	const struct call_node *nodes = painter->tree->nodes, *node = &nodes[selected];
	char name[TEXT_SIZE], text[TEXT_SIZE], cut[TEXT_SIZE], place[TEXT_SIZE] = "";
	char found[64] = "", total[FMT_SIZE], self[FMT_SIZE], sum[FMT_SIZE];
	int cols = painter->rect.cols - 2, room;

	if (painter->wanted)
		snprintf(found, sizeof(found), "  found %s%%",
			 fmt_percent(sum, sizeof(sum),
				     share(sum_wanted(painter, top), nodes[top].total)));
	if (node->file)
		snprintf(place, sizeof(place), "  %s:%u", node->file, node->line);
	name_of(node, name, sizeof(name));
	snprintf(text, sizeof(text), "  %s %.1f%% of all, %.1f%% of the top, self %s%s  %s%s",
		 amount(painter, node->total, total, sizeof(total)),
		 share(node->total, nodes[0].total), share(node->total, nodes[top].total),
		 amount(painter, node->self, self, sizeof(self)), found, node->module, place);
	fmt_harmless(place, sizeof(place), text);
	room = cols - text_width(place);
	text_shorten(cut, sizeof(cut), name, room > cols / 3 ? room : cols / 3,
		     painter->glyphs->ellipsis);
	room = grid_put(painter->grid, row, painter->rect.col + 1, cols, STYLE_TITLE, cut);
	grid_put(painter->grid, row, painter->rect.col + 1 + room, cols - room, STYLE_NORMAL,
		 place);
}

static uint32_t find_or_root(const struct call_tree *tree, uint64_t id)
{
	uint32_t index = call_tree_find(tree, id);

	return index == CALL_NODE_NONE ? 0 : index;
}

void flame_draw(struct flame *flame, const struct call_tree *tree, bool bytes,
		const struct match *wanted, const struct glyphs *glyphs, struct grid *grid,
		struct rect rect)
{
	struct painter painter = {.flame = flame,
				  .tree = tree,
				  .bytes = bytes,
				  .wanted = wanted,
				  .glyphs = glyphs,
				  .grid = grid,
				  .rect = rect};
	uint32_t top = find_or_root(tree, flame->zoom), selected;

	flame->box_count = 0;
	flame->zoom = tree->nodes[top].id;
	flame->zoomed = top != 0;
	flame->zoom_back = top ? tree->nodes[tree->nodes[top].parent].id : 0;
	selected = call_tree_find(tree, flame->selected);
	if (selected == CALL_NODE_NONE || tree->nodes[selected].depth < tree->nodes[top].depth)
		selected = top;
	flame->selected = tree->nodes[selected].id;
	painter.rect.rows--;
	if (painter.rect.rows < 1 || rect.cols < 3)
		return;
	draw_node(&painter, top, 0, 0, rect.cols, false);
	draw_about(&painter, top, selected, rect.row + rect.rows - 1);
}
