/*
 * An allocation site, as rows of details: sums, ages, sizes, a chart of what is live, stacks.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "detail_parts.h"
#include "fmt.h"
#include "spark.h"

enum { BAR_COLS = 30 };

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
	const char *evidence = site->leak.evidence;
	const char *against = strstr(evidence, "; but "); /* it has a line of its own */

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
	if (evidence[0])
		detail_add(detail, STYLE_NORMAL, "leak: %s, %.*s", leak_level_name(site->leak.level),
			   (int)(against ? against - evidence : (ptrdiff_t)strlen(evidence)), evidence);
	if (against)
		detail_add(detail, STYLE_NORMAL, "%s", against + strlen("; "));
}

/* Where frees are not seen. */
static void add_allocated(struct detail *detail, const struct snapshot_site *site)
{
	char allocated[FMT_SIZE], rate[FMT_SIZE];

	detail_add(detail, STYLE_NORMAL, "what is live is not known: frees are not seen");
	detail_add(detail, STYLE_NORMAL, "allocated %s since attachment, allocates %s/s",
		   fmt_bytes(allocated, sizeof(allocated), site->alloc_bytes),
		   bytes(rate, sizeof(rate), site->alloc_bytes_per_s));
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

/* Those that there are: most sites make objects of one or two. */
static void add_sizes(struct detail *detail, const struct snapshot_site *site, const struct glyphs *glyphs)
{
	double all = ages_bytes_from(&site->ages, AGE_0S);

	if (!site->ages_known || all <= 0)
		return;
	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER, "sizes of what is live, by bytes");
	for (size_t bucket = 0; bucket < SIZE_BUCKETS; bucket++) {
		char from[FMT_SIZE], objects[FMT_SIZE], bar[4 * BAR_COLS + 1];
		double part = site->sizes.bytes[bucket];
		struct detail_row *row;

		if (part <= 0)
			continue;
		row = detail_add(detail, STYLE_NORMAL, "from %-6s %s %s objects",
				 fmt_bytes(from, sizeof(from), sizes_edge(bucket)),
				 spark_bar(bar, sizeof(bar), part / all, BAR_COLS, glyphs),
				 fmt_count(objects, sizeof(objects), (uint64_t)(site->sizes.objects[bucket] + 0.5)));
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

/* Stacks may have been read later than their site, and come to more. */
static uint64_t all_live_bytes(const struct snapshot_site *site)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < site->stack_count; i++)
		sum += site->stacks[i].live_bytes;
	return sum > site->live_bytes ? sum : site->live_bytes;
}

static void add_live_stack(struct detail *detail, const struct snapshot_stack *stack, size_t number, uint64_t all)
{
	char objects[FMT_SIZE];
	struct detail_row *row =
	    detail_add(detail, STYLE_NORMAL, "stack %zu, %s objects", number,
		       fmt_count(objects, sizeof(objects), stack->live_objects));

	row->pct = detail_share((double)stack->live_bytes, (double)all);
	fmt_bytes(row->amount, sizeof(row->amount), stack->live_bytes);
}

static void add_stacks(struct detail *detail, const struct snapshot_site *site)
{
	size_t shown = site->stack_count < DETAIL_STACKS ? site->stack_count : DETAIL_STACKS;
	bool known = site->live_bytes != SNAPSHOT_UNKNOWN;
	uint64_t all = known ? all_live_bytes(site) : 0;

	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER,
		   known ? "largest %zu of %zu stacks, shares of the site's live bytes" : "%zu of %zu stacks",
		   shown, site->stack_count);
	for (size_t i = 0; i < shown; i++) {
		const struct snapshot_stack *stack = &site->stacks[i];

		if (known)
			add_live_stack(detail, stack, i + 1, all);
		else
			detail_add(detail, STYLE_NORMAL, "stack %zu", i + 1);
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

void detail_add_site(struct detail *detail, const struct snapshot *snapshot, const struct glyphs *glyphs)
{
	const struct snapshot_site *site = find_site(detail, snapshot);

	if (!site)
		return;
	detail->id = site->id;
	(void)strlcpy(detail->function, site->function, sizeof(detail->function));
	(void)strlcpy(detail->module, site->module, sizeof(detail->module));
	detail_add_head(detail, site->function, site->module, site->file, site->line);
	if (site->live_bytes == SNAPSHOT_UNKNOWN) {
		add_allocated(detail, site);
	} else {
		add_sums(detail, site);
		add_ages(detail, site, glyphs);
		add_sizes(detail, site, glyphs);
		add_chart(detail, site, glyphs);
	}
	if (snapshot->request.stacks)
		add_stacks(detail, site);
}
