/*
 * The tree of calls that stacks make up. It is built once, then only read: every node has a weight
 * of its own (self) and one with all that is below it (total), in samples or in bytes, as the
 * stacks had it. From the outermost function inwards it shows callees, from the innermost one
 * outwards callers.
 */
#ifndef RSP_PROFILE_CALL_TREE_H
#define RSP_PROFILE_CALL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;

/* No node. */
#define CALL_NODE_NONE UINT32_MAX

/* Strings are borrowed from the symbols of the stacks, as are those of a snapshot. */
struct call_node {
	uint64_t id; /* of the path to it: the same in each tree of a run as long as the names are */
	const char *function; /* demangled, or "module+0xoffset"; never NULL */
	const char *module;   /* base name; never NULL */
	const char *file;     /* where it executes, in one of its stacks; NULL: unknown */
	unsigned line;	      /* 0: unknown */
	bool kernel;
	bool inlined;
	uint64_t self;
	uint64_t total;
	uint32_t parent; /* these are indexes of nodes, or CALL_NODE_NONE */
	uint32_t child;	 /* the one with the largest total; the others follow by `next` */
	uint32_t next;	 /* sibling */
	uint32_t depth;	 /* 0: the root */
};

/*
 * Node 0 is the root, which stands for all stacks. Behind a node comes its child, if it has one, with all that is
 * below that, then its next sibling: so reading a tree goes through memory from its beginning to its end.
 */
struct call_tree {
	struct call_node *nodes; /* owned */
	uint32_t count;
	uint64_t cut; /* weight of stacks that are not in it to their end, for want of room */
};

struct call_tree_options {
	bool callers;	  /* the innermost function is below the root */
	bool fold_kernel; /* the kernel's frames are one */
	bool own_code;	  /* what the user's innermost function calls is left out, as of a site */
	uint32_t nodes;	  /* at most; 0: CALL_TREE_NODES */
};

enum { CALL_TREE_NODES = 1 << 16 };

struct call_tree_builder;

struct call_tree_builder *call_tree_begin(const struct call_tree_options *options);

/* Adds a stack; a stack_fn, whose context is the builder. Nothing for one without weight or frames.
 */
void call_tree_add(void *builder, struct stack *stack, uint64_t weight);

/* Ends the builder; the tree is the caller's. */
struct call_tree *call_tree_finish(struct call_tree_builder *builder);

/* NULL is allowed. */
void call_tree_free(struct call_tree *tree);

/* The node with an id, or CALL_NODE_NONE. */
uint32_t call_tree_find(const struct call_tree *tree, uint64_t id);

#endif
