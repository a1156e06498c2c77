/*
 * Building the call tree: nodes are found by their parent and name in a table of indexes, totals
 * are summed from the last node to the first, and at the end children are put in order, then all nodes as they
 * will be read.
 */
#include "config.h"

#include "profile/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "err.h"
#include "profile/runtime.h"
#include "stack/stack_table.h"
#include "symbol/client.h"

enum { TABLE_FIRST = 1 << 10, NODES_FIRST = 1 << 8 };

struct call_tree_builder {
	struct call_tree_options options;
	struct call_tree *tree;
	uint32_t capacity;
	uint32_t *table;   /* of indexes, 0: free; the root is never looked up */
	size_t table_size; /* a power of two, at least twice the nodes */
};

/* A frame as the tree has it. */
struct frame {
	const char *function;
	const char *module;
	const char *file;
	unsigned line;
	bool kernel;
	bool inlined;
};

static const struct frame kernel_frame = {
    .function = "[kernel]", .module = "[kernel]", .kernel = true};
/* Under which stacks are whose outer frames are not known. */
static const struct frame incomplete_frame = {.function = "[incomplete stacks]", .module = ""};

struct call_tree_builder *call_tree_begin(const struct call_tree_options *options)
{
	struct call_tree_builder *builder = xcalloc(1, sizeof(*builder));
	struct call_node *root;

	builder->options = *options;
	if (builder->options.nodes == 0)
		builder->options.nodes = CALL_TREE_NODES;
	builder->tree = xcalloc(1, sizeof(*builder->tree));
	builder->capacity = NODES_FIRST;
	builder->tree->nodes = xcalloc(NODES_FIRST, sizeof(*builder->tree->nodes));
	builder->table_size = TABLE_FIRST;
	builder->table = xcalloc(TABLE_FIRST, sizeof(*builder->table));
	root = &builder->tree->nodes[builder->tree->count++];
	root->function = "[all]";
	root->module = "";
	root->parent = root->child = root->next = CALL_NODE_NONE;
	return builder;
}

/* Texts are interned, so their addresses tell them apart and stay the same. */
static uint64_t path_id(uint64_t parent, const struct frame *frame)
{
	const uint64_t key[] = {parent, (uintptr_t)frame->function, (uintptr_t)frame->module};

	return XXH3_64bits(key, sizeof(key));
}

/* Where the id is in the table, or the free place for it. */
static uint32_t *place_of(const struct call_tree_builder *builder, uint64_t id)
{
	size_t mask = builder->table_size - 1, at = (size_t)id & mask;

	while (builder->table[at] && builder->tree->nodes[builder->table[at]].id != id)
		at = (at + 1) & mask;
	return &builder->table[at];
}

static void grow(struct call_tree_builder *builder)
{
	struct call_tree *tree = builder->tree;

	if (tree->count == builder->capacity) {
		builder->capacity *= 2;
		tree->nodes = xreallocarray(tree->nodes, builder->capacity, sizeof(*tree->nodes));
	}
	if ((size_t)tree->count * 2 < builder->table_size)
		return;
	free(builder->table);
	builder->table_size *= 2;
	builder->table = xcalloc(builder->table_size, sizeof(*builder->table));
	for (uint32_t i = 1; i < tree->count; i++)
		*place_of(builder, tree->nodes[i].id) = i;
}

/* The node of a frame below another, made if it is new; CALL_NODE_NONE when there are too many. */
static uint32_t step(struct call_tree_builder *builder, uint32_t parent, const struct frame *frame)
{
	struct call_tree *tree = builder->tree;
	uint64_t id = path_id(tree->nodes[parent].id, frame);
	uint32_t *place = place_of(builder, id);
	struct call_node *node;

	if (*place) {
		node = &tree->nodes[*place];
		node->inlined = node->inlined && frame->inlined;
		if (!node->file) {
			node->file = frame->file;
			node->line = frame->line;
		}
		return *place;
	}
	if (tree->count >= builder->options.nodes)
		return CALL_NODE_NONE;
	grow(builder);
	*place_of(builder, id) = tree->count;
	node = &tree->nodes[tree->count];
	*node = (struct call_node){
	    .id = id,
	    .function = frame->function,
	    .module = frame->module,
	    .file = frame->file,
	    .line = frame->line,
	    .kernel = frame->kernel,
	    .inlined = frame->inlined,
	    .parent = parent,
	    .child = CALL_NODE_NONE,
	    .next = CALL_NODE_NONE,
	    .depth = tree->nodes[parent].depth + 1,
	};
	return tree->count++;
}

/* Takes the frames in front of the first of the user's own away; returns how many there are then.
 */
static size_t leave_out_runtime(struct frame *frames, size_t count)
{
	size_t first = 0;

	while (first < count && runtime_frame(frames[first].function, frames[first].module))
		first++;
	if (first == 0 || first == count)
		return count;
	memmove(frames, frames + first, (count - first) * sizeof(*frames));
	return count - first;
}

/* Writes the frames of a stack into `ret_frames`, innermost first, and returns how many. */
static size_t collect(const struct call_tree_builder *builder, const struct stack *stack,
		      struct frame *ret_frames)
{
	size_t count = 0;
	bool folded = false;

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct symbol *symbol = stack->symbols[i];
		bool kernel = symbol->module->kind == MODULE_KALLSYMS;

		if (kernel && builder->options.fold_kernel) {
			if (!folded)
				ret_frames[count++] = kernel_frame;
			folded = true;
			continue;
		}
		for (size_t j = 0; j < symbol->frame_count; j++) {
			const struct symbol_frame *from = &symbol->frames[j];

			ret_frames[count++] = (struct frame){from->function, symbol->module->name,
							     from->file,     from->line,
							     kernel,	     from->inlined};
		}
	}
	if (builder->options.own_code)
		count = leave_out_runtime(ret_frames, count);
	if (stack->state != STACK_COMPLETE && stack->state != STACK_GUESSED)
		ret_frames[count++] = incomplete_frame;
	return count;
}

static size_t frames_of(const struct stack *stack)
{
	size_t count = 1;

	for (uint32_t i = 0; i < stack->frame_count; i++)
		count += stack->symbols[i]->frame_count;
	return count;
}

void call_tree_add(void *context, struct stack *stack, uint64_t weight)
{
	struct call_tree_builder *builder = context;
	struct frame *frames;
	uint32_t at = 0;
	size_t count;

	if (weight == 0 || stack->frame_count == 0)
		return;
	frames = xcalloc(frames_of(stack), sizeof(*frames));
	count = collect(builder, stack, frames);
	for (size_t i = 0; i < count; i++) {
		size_t index = builder->options.callers ? i : count - 1 - i;
		uint32_t next = step(builder, at, &frames[index]);

		if (next == CALL_NODE_NONE) {
			builder->tree->cut += weight;
			break;
		}
		at = next;
	}
	builder->tree->nodes[at].self += weight;
	free(frames);
}

/* The heaviest first. */
static int by_weight(const void *left, const void *right, void *context)
{
	const struct call_node *nodes = context;
	const struct call_node *a = &nodes[*(const uint32_t *)left];
	const struct call_node *b = &nodes[*(const uint32_t *)right];

	if (a->total != b->total)
		return (a->total < b->total) - (a->total > b->total);
	return (a->id > b->id) - (a->id < b->id);
}

/* Puts the children of a node in order; `room` has some for all nodes. */
static void sort_children(struct call_tree *tree, struct call_node *parent, uint32_t *room)
{
	uint32_t *link = &parent->child;
	size_t count = 0;

	for (uint32_t at = parent->child; at != CALL_NODE_NONE; at = tree->nodes[at].next)
		room[count++] = at;
	if (count < 2)
		return;
	qsort_r(room, count, sizeof(*room), by_weight, tree->nodes);
	for (size_t i = 0; i < count; i++) {
		*link = room[i];
		link = &tree->nodes[room[i]].next;
	}
	*link = CALL_NODE_NONE;
}

static void link_children(struct call_tree *tree)
{
	uint32_t *room = xcalloc(tree->count, sizeof(*room));

	for (uint32_t i = 1; i < tree->count; i++) {
		struct call_node *parent = &tree->nodes[tree->nodes[i].parent];

		tree->nodes[i].next = parent->child;
		parent->child = i;
	}
	for (uint32_t i = 0; i < tree->count; i++)
		sort_children(tree, &tree->nodes[i], room);
	free(room);
}

static uint32_t moved(const uint32_t *places, uint32_t at)
{
	return at == CALL_NODE_NONE ? at : places[at];
}

/* Brings the nodes into the order in which a tree is read: each in front of what is below it, and that in
 * front of its next sibling. */
static void order_nodes(struct call_tree *tree)
{
	struct call_node *old = tree->nodes, *nodes = xcalloc(tree->count, sizeof(*nodes));
	uint32_t *places = xcalloc(tree->count, sizeof(*places));
	uint32_t at = 0, count = 0;

	while (at != CALL_NODE_NONE) {
		places[at] = count;
		nodes[count++] = old[at];
		if (old[at].child != CALL_NODE_NONE) {
			at = old[at].child;
			continue;
		}
		while (at != CALL_NODE_NONE && old[at].next == CALL_NODE_NONE)
			at = old[at].parent;
		if (at != CALL_NODE_NONE)
			at = old[at].next;
	}
	for (uint32_t i = 0; i < count; i++) {
		nodes[i].parent = moved(places, nodes[i].parent);
		nodes[i].child = moved(places, nodes[i].child);
		nodes[i].next = moved(places, nodes[i].next);
	}
	free(places);
	free(old);
	tree->nodes = nodes;
}

struct call_tree *call_tree_finish(struct call_tree_builder *builder)
{
	struct call_tree *tree = builder->tree;

	for (uint32_t i = tree->count; i-- > 0;) {
		tree->nodes[i].total += tree->nodes[i].self;
		if (i > 0)
			tree->nodes[tree->nodes[i].parent].total += tree->nodes[i].total;
	}
	link_children(tree);
	order_nodes(tree);
	free(builder->table);
	free(builder);
	return tree;
}

void call_tree_free(struct call_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	free(tree);
}

uint32_t call_tree_find(const struct call_tree *tree, uint64_t id)
{
	for (uint32_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].id == id)
			return i;
	return CALL_NODE_NONE;
}
