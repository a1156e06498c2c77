/* call_tree: what each node weighs, in which order children are, and what happens at the limits. */
#include "config.h"

#include "profile/call_tree.h"

#include <criterion/criterion.h>
#include <string.h>

#include "stack/stack_table.h"
#include "symbol/client.h"

static struct module program = {.kind = MODULE_ELF, .name = "program"};
static struct module library = {.kind = MODULE_ELF, .name = "libc.so.6"};
static struct module kernel = {.kind = MODULE_KALLSYMS, .name = "[kernel]"};

static struct symbol_frame main_frames[] = {{.function = "main", .file = "main.c", .line = 12}};
static struct symbol_frame work_frames[] = {{.function = "work"}};
static struct symbol_frame leaf_frames[] = {{.function = "leaf"}};
static struct symbol_frame inlined_frames[] = {{.function = "small", .inlined = true},
					       {.function = "leaf"}};
static struct symbol_frame malloc_frames[] = {{.function = "malloc"}};
static struct symbol_frame entry_frames[] = {{.function = "entry"}};
static struct symbol_frame read_frames[] = {{.function = "vfs_read"}};

#define SYMBOL(where, of)                                                                       \
	{                                                                                       \
		.module = &(where), .frames = (of), .frame_count = sizeof(of) / sizeof((of)[0]) \
	}

static struct symbol main_symbol = SYMBOL(program, main_frames);
static struct symbol work_symbol = SYMBOL(program, work_frames);
static struct symbol leaf_symbol = SYMBOL(program, leaf_frames);
static struct symbol inlined_symbol = SYMBOL(program, inlined_frames);
static struct symbol malloc_symbol = SYMBOL(library, malloc_frames);
static struct symbol entry_symbol = SYMBOL(kernel, entry_frames);
static struct symbol read_symbol = SYMBOL(kernel, read_frames);

/* A stack of symbols, the innermost first. */
#define STACK(...)                                                                                \
	{                                                                                         \
		.symbols = (struct symbol *[]){__VA_ARGS__},                                      \
		.frame_count = sizeof((struct symbol *[]){__VA_ARGS__}) / sizeof(struct symbol *) \
	}

static const struct call_node missing = {.function = "missing", .self = 99999, .total = 99999};

/* The node at a path of names from below the root; what is nowhere has impossible weights. */
static const struct call_node *at(const struct call_tree *tree, size_t depth,
				  const char *const *path)
{
	uint32_t node = 0;

	for (size_t i = 0; i < depth; i++) {
		node = tree->nodes[node].child;
		while (node != CALL_NODE_NONE && strcmp(tree->nodes[node].function, path[i]) != 0)
			node = tree->nodes[node].next;
		if (node == CALL_NODE_NONE)
			return &missing;
	}
	return &tree->nodes[node];
}

#define AT(...)                                                          \
	at(tree, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), \
	   (const char *const[]){__VA_ARGS__})
#define EXPECT(weight_self, weight_total, ...)                   \
	do {                                                     \
		const struct call_node *node_ = AT(__VA_ARGS__); \
		cr_expect_eq(node_->self, weight_self);          \
		cr_expect_eq(node_->total, weight_total);        \
	} while (0)

static struct call_tree *build(const struct call_tree_options *options, struct stack *stacks,
			       const uint64_t *weights, size_t count)
{
	struct call_tree_builder *builder = call_tree_begin(options);

	for (size_t i = 0; i < count; i++)
		call_tree_add(builder, &stacks[i], weights[i]);
	return call_tree_finish(builder);
}

Test(call_tree, empty)
{
	struct stack none = {.frame_count = 0}, unweighted = STACK(&main_symbol);
	struct call_tree *tree = build(&(struct call_tree_options){0},
				       (struct stack[]){none, unweighted}, (uint64_t[]){5, 0}, 2);

	cr_expect_eq(tree->count, 1);
	cr_expect_eq(tree->nodes[0].total, 0);
	cr_expect_eq(tree->nodes[0].child, CALL_NODE_NONE);
	cr_expect_eq(call_tree_find(tree, 77), CALL_NODE_NONE);
	call_tree_free(tree);
	call_tree_free(NULL);
}

Test(call_tree, callees)
{
	struct stack stacks[] = {
	    STACK(&leaf_symbol, &work_symbol, &main_symbol), STACK(&work_symbol, &main_symbol),
	    STACK(&leaf_symbol, &main_symbol), STACK(&leaf_symbol, &work_symbol, &main_symbol)};
	struct call_tree *tree =
	    build(&(struct call_tree_options){0}, stacks, (uint64_t[]){3, 2, 7, 1}, 4);
	const struct call_node *main_node;

	cr_expect_eq(tree->nodes[0].total, 13);
	cr_expect_eq(tree->nodes[0].self, 0);
	EXPECT(0, 13, "main");
	EXPECT(2, 6, "main", "work");
	EXPECT(4, 4, "main", "work", "leaf");
	EXPECT(7, 7, "main", "leaf");
	main_node = AT("main");
	cr_expect_str_eq(tree->nodes[main_node->child].function, "leaf",
			 "the heaviest comes first");
	cr_expect_str_eq(main_node->file, "main.c");
	cr_expect_eq(main_node->line, 12);
	cr_expect_eq(AT("main", "work", "leaf")->depth, 3);
	cr_expect_eq(&tree->nodes[call_tree_find(tree, AT("main", "leaf")->id)],
		     AT("main", "leaf"));
	cr_expect_eq(tree->cut, 0);
	call_tree_free(tree);
}

Test(call_tree, callers)
{
	struct stack stacks[] = {STACK(&leaf_symbol, &work_symbol, &main_symbol),
				 STACK(&work_symbol, &main_symbol),
				 STACK(&leaf_symbol, &main_symbol)};
	struct call_tree *tree =
	    build(&(struct call_tree_options){.callers = true}, stacks, (uint64_t[]){3, 2, 7}, 3);

	EXPECT(0, 10, "leaf");
	EXPECT(7, 7, "leaf", "main");
	EXPECT(0, 3, "leaf", "work");
	EXPECT(3, 3, "leaf", "work", "main");
	EXPECT(0, 2, "work");
	cr_expect_eq(tree->nodes[0].total, 12);
	call_tree_free(tree);
}

/* Each call of a recursion is a node of its own, and no weight is counted twice. */
Test(call_tree, recursion)
{
	struct stack stack = STACK(&leaf_symbol, &work_symbol, &leaf_symbol, &work_symbol);
	struct call_tree *tree = build(&(struct call_tree_options){0}, &stack, (uint64_t[]){5}, 1);
	uint64_t self = 0;

	for (uint32_t i = 0; i < tree->count; i++)
		self += tree->nodes[i].self;
	cr_expect_eq(self, 5);
	EXPECT(0, 5, "work", "leaf", "work");
	EXPECT(5, 5, "work", "leaf", "work", "leaf");
	call_tree_free(tree);
}

Test(call_tree, inlined_frames_are_nodes)
{
	struct stack stack = STACK(&inlined_symbol, &main_symbol);
	struct call_tree *tree = build(&(struct call_tree_options){0}, &stack, (uint64_t[]){5}, 1);

	EXPECT(5, 5, "main", "leaf", "small");
	cr_expect(AT("main", "leaf", "small")->inlined);
	cr_expect_not(AT("main", "leaf")->inlined);
	call_tree_free(tree);
}

Test(call_tree, kernel_folds)
{
	struct stack stack = STACK(&read_symbol, &entry_symbol, &main_symbol);
	struct call_tree *tree =
	    build(&(struct call_tree_options){.fold_kernel = true}, &stack, (uint64_t[]){5}, 1);

	EXPECT(5, 5, "main", "[kernel]");
	cr_expect(AT("main", "[kernel]")->kernel);
	call_tree_free(tree);
	tree = build(&(struct call_tree_options){0}, &stack, (uint64_t[]){5}, 1);
	EXPECT(5, 5, "main", "entry", "vfs_read");
	call_tree_free(tree);
}

/* The heap's leaves are sites; a stack that is nothing but the library's stays. */
Test(call_tree, own_code)
{
	struct stack stacks[] = {STACK(&malloc_symbol, &work_symbol, &main_symbol),
				 STACK(&malloc_symbol)};
	struct call_tree *tree =
	    build(&(struct call_tree_options){.own_code = true}, stacks, (uint64_t[]){64, 8}, 2);

	EXPECT(64, 64, "main", "work");
	EXPECT(8, 8, "malloc");
	call_tree_free(tree);
}

/* Nobody takes the outermost frame of a broken stack for one that has no caller. */
Test(call_tree, incomplete_stacks_are_apart)
{
	struct stack broken = STACK(&leaf_symbol, &work_symbol);
	struct call_tree *tree;

	broken.state = STACK_BROKEN;
	tree = build(&(struct call_tree_options){0}, &broken, (uint64_t[]){5}, 1);
	EXPECT(5, 5, "[incomplete stacks]", "work", "leaf");
	call_tree_free(tree);
}

/* What has no room is counted where it still had, and said. */
Test(call_tree, limit)
{
	struct stack stacks[] = {STACK(&leaf_symbol, &work_symbol, &main_symbol),
				 STACK(&work_symbol, &main_symbol)};
	struct call_tree *tree =
	    build(&(struct call_tree_options){.nodes = 3}, stacks, (uint64_t[]){3, 2}, 2);

	cr_expect_eq(tree->count, 3);
	EXPECT(5, 5, "main", "work");
	cr_expect_eq(tree->cut, 3);
	call_tree_free(tree);
}

/* Enough nodes that both tables grow. */
Test(call_tree, many)
{
	enum { MANY = 5000 };
	static char names[MANY][16];
	struct call_tree_builder *builder = call_tree_begin(&(struct call_tree_options){0});
	struct call_tree *tree;
	uint64_t self = 0;

	for (int i = 0; i < MANY; i++) {
		struct symbol_frame frame = {.function = names[i]};
		struct symbol symbol = {.module = &program, .frames = &frame, .frame_count = 1};
		struct stack stack = STACK(&symbol, &main_symbol);

		(void)snprintf(names[i], sizeof(names[i]), "f%d", i);
		call_tree_add(builder, &stack, (uint64_t)i + 1);
		call_tree_add(builder, &stack, 1);
	}
	tree = call_tree_finish(builder);
	cr_assert_eq(tree->count, MANY + 2);
	EXPECT(1001, 1001, "main", "f999");
	for (uint32_t i = 0; i < tree->count; i++)
		self += tree->nodes[i].self;
	cr_expect_eq(self, (uint64_t)MANY * (MANY + 1) / 2 + MANY);
	for (uint32_t i = tree->nodes[1].child; tree->nodes[i].next != CALL_NODE_NONE;
	     i = tree->nodes[i].next)
		cr_assert_geq(tree->nodes[i].total, tree->nodes[tree->nodes[i].next].total);
	call_tree_free(tree);
}

/* In memory each node is followed by its first child and all below that, then by its sibling. */
Test(call_tree, nodes_are_in_the_order_of_reading)
{
	struct stack light = STACK(&leaf_symbol, &main_symbol);
	struct stack middle = STACK(&malloc_symbol, &work_symbol, &main_symbol);
	struct stack heavy = STACK(&leaf_symbol, &work_symbol, &main_symbol);
	static const char *const order[] = {"[all]", "main", "work", "leaf", "malloc", "leaf"};
	struct call_tree_builder *builder = call_tree_begin(&(struct call_tree_options){0});
	struct call_tree *tree;

	call_tree_add(builder, &light, 1);
	call_tree_add(builder, &middle, 2);
	call_tree_add(builder, &heavy, 3);
	tree = call_tree_finish(builder);
	cr_assert_eq(tree->count, sizeof(order) / sizeof(order[0]));
	for (uint32_t i = 0; i < tree->count; i++)
		cr_expect_str_eq(tree->nodes[i].function, order[i], "node %u", i);
	cr_expect_eq(tree->nodes[2].next, 5, "the sibling of work");
	cr_expect_eq(tree->nodes[5].parent, 1);
	cr_expect_eq(tree->nodes[4].parent, 2);
	EXPECT(2, 2, "main", "work", "malloc");
	call_tree_free(tree);
}
