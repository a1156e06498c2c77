/* Mappings in a balanced tree: what a target with many of them, as a JIT, changes one by one. */
#include "config.h"

#include "target/maps.h"

#include <stdlib.h>
#include <string.h>

struct maps_node {
	struct mapping mapping; /* owns its path */
	RB_ENTRY(maps_node) link;
};

/* A row of addresses that have changed, not yet told. */
struct run {
	maps_range_fn changed;
	void *context;
	uint64_t start;
	uint64_t end; /* equal to `start`: empty */
	bool any;     /* some address has changed */
};

static int compare(const struct maps_node *a, const struct maps_node *b)
{
	return (a->mapping.start > b->mapping.start) - (a->mapping.start < b->mapping.start);
}

/* RB_GENERATE_STATIC() without the BSD name of the attribute. */
RB_GENERATE_INTERNAL(maps_tree, maps_node, link, compare, __attribute__((unused)) static)

struct maps *maps_new(void)
{
	struct maps *maps = xcalloc(1, sizeof(*maps));

	RB_INIT(&maps->tree);
	return maps;
}

void maps_free(struct maps *maps)
{
	struct maps_node *node, *next;

	if (!maps)
		return;
	RB_FOREACH_SAFE(node, maps_tree, &maps->tree, next)
	{
		(void)RB_REMOVE(maps_tree, &maps->tree, node);
		free(node->mapping.path);
		free(node);
	}
	free(maps);
}

size_t maps_path_length(const char *name, bool *ret_deleted)
{
	static const char suffix[] = " (deleted)";
	size_t suffix_length = sizeof(suffix) - 1;
	size_t length = strlen(name);

	*ret_deleted = name[0] == '/' && length > suffix_length &&
		       strcmp(name + length - suffix_length, suffix) == 0;
	return *ret_deleted ? length - suffix_length : length;
}

static struct maps_node *node_after(const struct maps *maps, uint64_t addr)
{
	struct maps_node *node = RB_ROOT(&maps->tree), *found = NULL;

	while (node) {
		if (node->mapping.end > addr) {
			found = node;
			node = RB_LEFT(node, link);
		} else {
			node = RB_RIGHT(node, link);
		}
	}
	return found;
}

const struct mapping *maps_after(const struct maps *maps, uint64_t addr)
{
	const struct maps_node *node = node_after(maps, addr);

	return node ? &node->mapping : NULL;
}

const struct mapping *maps_find(const struct maps *maps, uint64_t addr)
{
	const struct mapping *mapping = maps ? maps_after(maps, addr) : NULL;

	return mapping && mapping->start <= addr ? mapping : NULL;
}

/* --- what has changed ------------------------------------------------------------------------- */

static bool is_anonymous(const struct mapping *mapping)
{
	return mapping->inode == 0 &&
	       (mapping->path[0] == '\0' || strncmp(mapping->path, "[anon", 5) == 0);
}

/* Whether the addresses that both cover are the same bytes of the same thing. */
static bool is_same(const struct mapping *a, const struct mapping *b)
{
	if (is_anonymous(a) && is_anonymous(b))
		return true;
	return a->inode == b->inode && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor && a->start - a->offset == b->start - b->offset &&
	       strcmp(a->path, b->path) == 0;
}

static void tell_run(struct run *run)
{
	if (run->end > run->start && run->changed)
		run->changed(run->context, run->start, run->end);
	run->start = run->end = 0;
}

static void add_to_run(struct run *run, uint64_t start, uint64_t end)
{
	run->any = true;
	if (run->end != start || run->end == run->start) {
		tell_run(run);
		run->start = start;
	}
	run->end = end;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Up to where all addresses from `at` on are in `mapping`, or all are not. */
static uint64_t boundary(const struct mapping *mapping, uint64_t at, uint64_t end)
{
	if (!mapping)
		return end;
	return least(mapping->start > at ? mapping->start : mapping->end, end);
}

/* Collects what differs between `start` and `end`. */
static void compare_range(const struct maps *before, const struct maps *after, uint64_t start,
			  uint64_t end, struct run *run)
{
	struct maps_node *old = node_after(before, start), *fresh = node_after(after, start);
	uint64_t next;

	for (uint64_t at = start; at < end && (old || fresh); at = next) {
		const struct mapping *a = old ? &old->mapping : NULL;
		const struct mapping *b = fresh ? &fresh->mapping : NULL;
		bool in_a = a && a->start <= at, in_b = b && b->start <= at;

		next = least(boundary(a, at, end), boundary(b, at, end));
		if (in_a != in_b || (in_a && !is_same(a, b)))
			add_to_run(run, at, next);
		if (old && a->end <= next)
			old = RB_NEXT(maps_tree, &before->tree, old);
		if (fresh && b->end <= next)
			fresh = RB_NEXT(maps_tree, &after->tree, fresh);
	}
	tell_run(run);
}

void maps_compare(const struct maps *before, const struct maps *after, maps_range_fn changed,
		  void *context)
{
	struct run run = {.changed = changed, .context = context};

	compare_range(before, after, 0, UINT64_MAX, &run);
}

/* --- putting a mapping ------------------------------------------------------------------------ */

static void insert(struct maps *maps, const struct mapping *mapping)
{
	size_t bytes = strlen(mapping->path) + 1;
	struct maps_node *node;

	if (maps->count >= MAPS_COUNT_MAX || bytes > MAPS_PATH_BYTES_MAX - maps->path_bytes) {
		maps->overflow++;
		return;
	}
	node = xcalloc(1, sizeof(*node));
	node->mapping = *mapping;
	node->mapping.path = xstrdup(mapping->path);
	(void)RB_INSERT(maps_tree, &maps->tree, node);
	maps->count++;
	maps->path_bytes += bytes;
}

static void delete (struct maps *maps, struct maps_node *node)
{
	(void)RB_REMOVE(maps_tree, &maps->tree, node);
	maps->count--;
	maps->path_bytes -= strlen(node->mapping.path) + 1;
	free(node->mapping.path);
	free(node);
}

/* Cuts the front off, so that the mapping begins at `start`. Its place in the order stays. */
static void begin_at(struct mapping *mapping, uint64_t start)
{
	if (!is_anonymous(mapping))
		mapping->offset += start - mapping->start;
	mapping->start = start;
}

/* Leaves nothing between `start` and `end`. */
static void cut_out(struct maps *maps, uint64_t start, uint64_t end)
{
	struct maps_node *node = node_after(maps, start), *next;

	for (; node && node->mapping.start < end; node = next) {
		struct mapping *mapping = &node->mapping;

		next = RB_NEXT(maps_tree, &maps->tree, node);
		if (mapping->start < start) {
			struct mapping behind = *mapping;

			mapping->end = start;
			if (behind.end <= end)
				continue;
			begin_at(&behind, end);
			insert(maps, &behind);
			return;
		}
		if (mapping->end > end)
			begin_at(mapping, end);
		else
			delete (maps, node);
	}
}

/* Whether one mapping covers all of `mapping` already. */
static bool is_inside(const struct maps *maps, const struct mapping *mapping)
{
	const struct mapping *old = maps_find(maps, mapping->start);

	return old && old->end >= mapping->end;
}

bool maps_put(struct maps *maps, const struct mapping *mapping, maps_range_fn changed,
	      void *context)
{
	struct run run = {.changed = changed, .context = context};
	struct maps_node only = {.mapping = *mapping};
	struct maps alone = {0};

	if (mapping->executable)
		(void)RB_INSERT(maps_tree, &alone.tree, &only);
	compare_range(maps, &alone, mapping->start, mapping->end, &run);
	if (!run.any && (!mapping->executable || is_inside(maps, mapping)))
		return false;
	cut_out(maps, mapping->start, mapping->end);
	if (mapping->executable)
		insert(maps, mapping);
	return run.any;
}
