#include "config.h"

#include "detail_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "err.h"
#include "spark.h"

enum { BAR_COLS = 30 };

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

void detail_add_frame(struct detail *detail, enum style style, const char *function, bool inlined,
		      const char *file, unsigned line, const char *module)
{
	const char *mark = inlined ? " ~inl" : "";
	struct detail_row *row =
	    file ? detail_add(detail, style, "    %s%s  %s:%u", function, mark, file, line)
		 : detail_add(detail, style, "    %s%s  %s", function, mark, module);

	row->name = true;
}

void detail_add_head(struct detail *detail, const char *name, const char *module, const char *file,
		     unsigned line)
{
	struct detail_row *row =
	    file ? detail_add(detail, STYLE_TITLE, "%s  %s  %s:%u", name, module, file, line)
		 : detail_add(detail, STYLE_TITLE, "%s  %s", name, module);

	row->name = true;
}

/* --- a function ------------------------------------------------------------------------------- */

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

static void fill_function(struct detail *detail, const struct snapshot *snapshot)
{
	const struct snapshot_function *function = find_function(snapshot, detail->id);
	const struct call_tree *tree = snapshot->cpu_tree;
	struct hottest hottest;

	if (!function || !tree)
		return;
	detail_add_head(detail, function->name, function->module, function->file, function->line);
	detail_add(detail, STYLE_NORMAL,
	    "self %.1f%%, with what it called %.1f%% of all samples since attachment",
	    function->self_pct, function->total_pct);
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

/* --- a site ----------------------------------------------------------------------------------- */

static const char *bytes(char *buf, size_t size, double count)
{
	if (isnan(count))
		return "?";
	return fmt_bytes(buf, size, count > 0 ? (uint64_t)count : 0);
}

static void add_sums(struct detail *detail, const struct snapshot_site *site)
{
	char live[FMT_SIZE], ci[FMT_SIZE], objects[FMT_SIZE], average[FMT_SIZE], peak[FMT_SIZE];
	char allocated[FMT_SIZE], freed[FMT_SIZE], growth[FMT_SIZE] = "?", rate[FMT_SIZE];

	if (!isnan(site->growth_bytes_per_s))
		fmt_bytes_signed(growth, sizeof(growth), site->growth_bytes_per_s, "/s");
	detail_add(detail, STYLE_NORMAL, "live %s (+/- %s) in %s objects of %s on average, peak %s",
	    fmt_bytes(live, sizeof(live), site->live_bytes),
	    bytes(ci, sizeof(ci), site->live_ci_bytes),
	    fmt_count(objects, sizeof(objects), site->live_objects),
	    site->live_objects && site->live_objects != SNAPSHOT_UNKNOWN
		? fmt_bytes(average, sizeof(average), site->live_bytes / site->live_objects)
		: "-",
	    fmt_bytes(peak, sizeof(peak), site->peak_bytes));
	detail_add(detail, STYLE_NORMAL, "allocated %s, freed %s since attachment; now %s, allocates %s/s",
	    fmt_bytes(allocated, sizeof(allocated), site->alloc_bytes),
	    fmt_bytes(freed, sizeof(freed), site->freed_bytes), growth,
	    bytes(rate, sizeof(rate), site->alloc_bytes_per_s));
	if (site->leak.evidence[0])
		detail_add(detail, STYLE_NORMAL, "leak: %s, %s", leak_level_name(site->leak.level),
		    site->leak.evidence);
}

static void add_ages(struct detail *detail, const struct snapshot_site *site,
		     const struct glyphs *glyphs)
{
	double all = ages_bytes_from(&site->ages, AGE_0S);

	detail_add(detail, STYLE_NORMAL, "%s", "");
	if (!site->ages_known || all <= 0) {
		detail_add(detail, STYLE_MUTED, "the ages of what is live are not known yet");
		return;
	}
	detail_add(detail, STYLE_HEADER, "ages of what is live, by bytes");
	for (enum age_bucket bucket = AGE_0S; bucket < AGE_BUCKETS; bucket++) {
		char from[FMT_SIZE], bar[4 * BAR_COLS + 1];
		double part = site->ages.bytes[bucket];
		struct detail_row *row;

		fmt_duration(from, sizeof(from), ages_edge_s(bucket));
		row = detail_add(detail, part > 0 ? STYLE_NORMAL : STYLE_MUTED, "from %-6s %s", from,
			  spark_bar(bar, sizeof(bar), part / all, BAR_COLS, glyphs));
		row->pct = detail_share(part, all);
		bytes(row->amount, sizeof(row->amount), part);
	}
}

static void add_chart(struct detail *detail, const struct snapshot_site *site,
		      const struct glyphs *glyphs)
{
	char line[4 * SNAPSHOT_TREND + 1];

	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER, "live bytes over the last minute, from five to five seconds");
	detail_add(detail, STYLE_NORMAL, "%s",
	    spark_line(line, sizeof(line), site->trend, SNAPSHOT_TREND, glyphs));
}

static void add_stacks(struct detail *detail, const struct snapshot_site *site)
{
	size_t shown = site->stack_count < DETAIL_STACKS ? site->stack_count : DETAIL_STACKS;

	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER, "largest %zu of %zu stacks, shares of the site's live bytes",
	    shown, site->stack_count);
	for (size_t i = 0; i < shown; i++) {
		const struct snapshot_stack *stack = &site->stacks[i];
		char objects[FMT_SIZE];
		struct detail_row *row =
		    detail_add(detail, STYLE_NORMAL, "stack %zu, %s objects", i + 1,
			fmt_count(objects, sizeof(objects), stack->live_objects));

		row->pct = stack->live_bytes == SNAPSHOT_UNKNOWN
			       ? (double)NAN
			       : detail_share((double)stack->live_bytes, (double)site->live_bytes);
		fmt_bytes(row->amount, sizeof(row->amount), stack->live_bytes);
		for (size_t j = 0; j < stack->frame_count; j++) {
			const struct snapshot_frame *frame = &stack->frames[j];

			detail_add_frame(detail,
				  strcmp(frame->function, site->function) == 0 ? STYLE_HOT
									       : STYLE_MUTED,
				  frame->function, frame->inlined, frame->file, frame->line,
				  frame->module);
		}
	}
}

static bool begins_as(const char *text, const char *kept)
{
	return strncmp(text, kept, DETAIL_NAME - 1) == 0;
}

/* The site, or the largest one in the same function when that has got lines since. */
static const struct snapshot_site *find_site(const struct detail *detail,
					     const struct snapshot *snapshot)
{
	const struct snapshot_site *alike = NULL;

	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];

		if (site->id == detail->id)
			return site;
		if (!alike && begins_as(site->function, detail->function) &&
		    begins_as(site->module, detail->module))
			alike = site;
	}
	return alike;
}

static void fill_site(struct detail *detail, const struct snapshot *snapshot,
		      const struct glyphs *glyphs)
{
	const struct snapshot_site *site = find_site(detail, snapshot);

	if (!site)
		return;
	detail->id = site->id;
	(void)strlcpy(detail->function, site->function, sizeof(detail->function));
	(void)strlcpy(detail->module, site->module, sizeof(detail->module));
	detail_add_head(detail, site->function, site->module, site->file, site->line);
	add_sums(detail, site);
	add_ages(detail, site, glyphs);
	add_chart(detail, site, glyphs);
	if (snapshot->request.stacks)
		add_stacks(detail, site);
}

void detail_update(struct detail *detail, const struct snapshot *snapshot,
		   const struct glyphs *glyphs)
{
	detail->count = 0;
	if (detail->kind == DETAIL_FUNCTION)
		fill_function(detail, snapshot);
	else if (detail->kind == DETAIL_SITE)
		fill_site(detail, snapshot, glyphs);
	else if (detail->kind == DETAIL_GROWTH)
		detail_add_growth(detail, snapshot);
}
