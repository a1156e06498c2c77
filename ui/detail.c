#include "config.h"

#include "detail_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fmt.h"

void detail_fini(struct detail *detail)
{
	free(detail->rows);
	*detail = (struct detail){0};
}

void detail_open(struct detail *detail, enum detail_kind kind, uint64_t id)
{
	detail->kind = kind;
	detail->id = id;
	detail->function[0] = detail->module[0] = '\0';
	detail->count = 0;
}

struct detail_row *detail_add(struct detail *detail, enum style style, const char *format, ...)
{
	struct detail_row *row;
	va_list args;

	if (detail->count == detail->capacity) {
		detail->capacity = detail->capacity ? detail->capacity * 2 : 64;
		detail->rows = xreallocarray(detail->rows, detail->capacity, sizeof(*detail->rows));
	}
	row = &detail->rows[detail->count++];
	*row = (struct detail_row){.pct = (double)NAN, .style = style};
	va_start(args, format);
	(void)vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
	return row;
}

double detail_share(double part, double all)
{
	return all > 0 ? 100.0 * part / all : 0;
}

/* The module to show beside a name, "" when that says as much. */
static const char *beside(const char *name, const char *module)
{
	return strcmp(name, module) == 0 ? "" : module;
}

void detail_add_frame(struct detail *detail, enum style style, const char *function, bool inlined,
		      const char *file, unsigned line, const char *module)
{
	const char *mark = inlined ? " ~inl" : "";
	struct detail_row *row =
	    file ? detail_add(detail, style, "    %s%s  %s:%u", function, mark, file, line)
		 : detail_add(detail, style, "    %s%s  %s", function, mark, beside(function, module));

	row->name = true;
}

void detail_add_head(struct detail *detail, const char *name, const char *module, const char *file,
		     unsigned line)
{
	struct detail_row *row =
	    file ? detail_add(detail, STYLE_TITLE, "%s  %s  %s:%u", name, module, file, line)
		 : detail_add(detail, STYLE_TITLE, "%s  %s", name, beside(name, module));

	row->name = true;
}

static const struct snapshot_function *find_in(const struct snapshot_function *rows, size_t count,
					       uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

/* The function, or the kernel as one. */
static const struct snapshot_function *find_function(const struct snapshot *snapshot, uint64_t id)
{
	const struct snapshot_function *found =
	    find_in(snapshot->functions, snapshot->function_count, id);

	return found ? found : find_in(snapshot->folded, snapshot->folded_count, id);
}

static bool is_it(const struct call_node *node, const struct snapshot_function *function)
{
	return strcmp(node->function, function->name) == 0 &&
	       strcmp(node->module, function->module) == 0;
}

/* The stacks with the function in them, by their innermost nodes, the heaviest first. */
struct hottest {
	size_t count;
	uint32_t nodes[DETAIL_STACKS];
	size_t all;	 /* how many there are */
	uint64_t weight; /* of all */
};

static void take_stack(struct hottest *hottest, const struct call_tree *tree, uint32_t node)
{
	size_t at = hottest->count;

	hottest->all++;
	hottest->weight += tree->nodes[node].self;
	while (at > 0 && tree->nodes[hottest->nodes[at - 1]].self < tree->nodes[node].self)
		at--;
	if (at == DETAIL_STACKS)
		return;
	if (hottest->count < DETAIL_STACKS)
		hottest->count++;
	memmove(&hottest->nodes[at + 1], &hottest->nodes[at],
		(hottest->count - at - 1) * sizeof(hottest->nodes[0]));
	hottest->nodes[at] = node;
}

static struct hottest find_stacks(const struct call_tree *tree,
				  const struct snapshot_function *function)
{
	bool *inside = xcalloc(tree->count, sizeof(*inside));
	struct hottest hottest = {0};

	for (uint32_t i = 1; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];

		inside[i] = inside[node->parent] || is_it(node, function);
		if (inside[i] && node->self > 0)
			take_stack(&hottest, tree, i);
	}
	free(inside);
	return hottest;
}

/* An address in a file, for want of a name. Of what has no file nothing else could name it. */
static bool is_nameless(const struct snapshot_function *function)
{
	size_t length = strlen(function->module);

	return function->module[0] != '[' && strncmp(function->name, function->module, length) == 0 &&
	       strncmp(function->name + length, "+0x", 3) == 0;
}

static void fill_function(struct detail *detail, const struct snapshot *snapshot)
{
	const struct snapshot_function *function = find_function(snapshot, detail->id);
	const struct call_tree *tree = snapshot->cpu_tree;
	struct hottest hottest;

	if (!function || !tree)
		return;
	detail_add_head(detail, function->name, function->module, function->file, function->line);
	detail_add(detail, STYLE_NORMAL,
	    "self %.1f%%, total %.1f%% of all samples since attachment",
	    function->self_pct, function->total_pct);
	if (is_nameless(function))
		detail_add(detail, STYLE_MUTED, "no symbol names it; debug symbols would (see DEBUGINFOD_URLS)");
	if (snapshot->source)
		detail_add_source(detail, snapshot->source);
	hottest = find_stacks(tree, function);
	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER, "hottest %zu of %zu stacks, shares of the function's %" PRIu64,
	    hottest.count, hottest.all, hottest.weight);
	for (size_t i = 0; i < hottest.count; i++) {
		uint32_t at = hottest.nodes[i];
		struct detail_row *row = detail_add(detail, STYLE_NORMAL, "stack %zu", i + 1);

		row->pct = detail_share((double)tree->nodes[at].self, (double)hottest.weight);
		fmt_count(row->amount, sizeof(row->amount), tree->nodes[at].self);
		for (; at != 0; at = tree->nodes[at].parent) {
			const struct call_node *node = &tree->nodes[at];

			detail_add_frame(detail, is_it(node, function) ? STYLE_HOT : STYLE_MUTED,
				  node->function, node->inlined, node->file, node->line,
				  node->module);
		}
	}
}

void detail_update(struct detail *detail, const struct snapshot *snapshot,
		   const struct glyphs *glyphs)
{
	detail->count = 0;
	if (detail->kind == DETAIL_FUNCTION)
		fill_function(detail, snapshot);
	else if (detail->kind == DETAIL_SITE)
		detail_add_site(detail, snapshot, glyphs);
	else if (detail->kind == DETAIL_GROWTH)
		detail_add_growth(detail, snapshot);
}
