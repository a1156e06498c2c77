/*
 * A growth site as rows of details.
 */
#include "config.h"

#include <string.h>

#include "detail_parts.h"

static const struct snapshot_growth_site *find_site(const struct snapshot *snapshot, uint64_t id)
{
	for (size_t i = 0; i < snapshot->growth_site_count; i++)
		if (snapshot->growth_sites[i].id == id)
			return &snapshot->growth_sites[i];
	return NULL;
}

static void add_sums(struct detail *detail, const struct snapshot_growth_site *site)
{
	char touched[FMT_SIZE], rate[FMT_SIZE], faults[FMT_SIZE], mapped[FMT_SIZE], calls[FMT_SIZE];

	detail_add(detail, STYLE_NORMAL,
		   "touched about %s for the first time since attachment, now %s, in %s page faults",
		   fmt_bytes(touched, sizeof(touched), site->bytes),
		   fmt_bytes_signed(rate, sizeof(rate), site->bytes_per_s, "/s"),
		   fmt_count(faults, sizeof(faults), site->faults));
	if (site->mapped_bytes != SNAPSHOT_UNKNOWN)
		detail_add(detail, STYLE_NORMAL, "mapped %s in %s calls",
			   fmt_bytes(mapped, sizeof(mapped), site->mapped_bytes),
			   fmt_count(calls, sizeof(calls), site->mappings));
}

/* Stacks may have been read later than their site, and come to more; or less, where some are not kept. */
static uint64_t all_bytes(const struct snapshot_growth_site *site)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < site->stack_count; i++)
		sum += site->stacks[i].bytes;
	return sum > site->bytes ? sum : site->bytes;
}

static void add_stack(struct detail *detail, const struct snapshot_growth_site *site, size_t number, uint64_t all)
{
	const struct snapshot_growth_stack *stack = &site->stacks[number];
	struct detail_row *row = detail_add(detail, STYLE_NORMAL, "stack %zu", number + 1);

	row->pct = detail_share((double)stack->bytes, (double)all);
	fmt_bytes(row->amount, sizeof(row->amount), stack->bytes);
	for (size_t i = 0; i < stack->frame_count; i++) {
		const struct snapshot_frame *frame = &stack->frames[i];

		detail_add_frame(
		    detail, strcmp(frame->function, site->function) == 0 ? STYLE_HOT : STYLE_MUTED,
		    frame->function, frame->inlined, frame->file, frame->line, frame->module);
	}
}

void detail_add_growth(struct detail *detail, const struct snapshot *snapshot)
{
	const struct snapshot_growth_site *site = find_site(snapshot, detail->id);
	uint64_t all;
	size_t shown;

	if (!site)
		return;
	detail_add_head(detail, site->function, site->module, site->file, site->line);
	add_sums(detail, site);
	if (!snapshot->request.stacks)
		return;
	all = all_bytes(site);
	shown = site->stack_count < DETAIL_STACKS ? site->stack_count : DETAIL_STACKS;
	detail_add(detail, STYLE_NORMAL, "%s", "");
	detail_add(detail, STYLE_HEADER, "%zu of %zu stacks, shares of what the site touched", shown,
		   site->stack_count);
	for (size_t i = 0; i < shown; i++)
		add_stack(detail, site, i, all);
}
