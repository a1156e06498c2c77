/*
 * A function's source lines, or its instructions, as rows of details.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "detail_parts.h"

enum { TAB_COLS = 4, CODE_TEXT = 420 };

/* Of a line with most of the samples it is worth saying so. */
static const double hot_pct = 10.0;

static enum style style_of(double pct)
{
	return pct <= 0 ? STYLE_MUTED : pct >= hot_pct ? STYLE_HOT : STYLE_NORMAL;
}

/* The text with blanks for its tabs. */
static const char *expand_tabs(char *buf, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text && at + 1 < size; text++) {
		if (*text != '\t') {
			buf[at++] = *text;
			continue;
		}
		do
			buf[at++] = ' ';
		while (at % TAB_COLS && at + 1 < size);
	}
	buf[at] = '\0';
	return buf;
}

static void add_line(struct detail *detail, const struct snapshot_source *source,
		     const struct snapshot_line *line)
{
	double pct = detail_share((double)line->total, (double)source->total);
	char code[CODE_TEXT];
	struct detail_row *row =
	    detail_add(detail, style_of(pct), "%6u  %s", line->line,
		       line->text ? expand_tabs(code, sizeof(code), line->text) : "");

	if (line->total == 0)
		return;
	row->pct = pct;
	fmt_count(row->amount, sizeof(row->amount), line->self);
}

static void add_lines(struct detail *detail, const struct snapshot_source *source)
{
	detail_add(detail, STYLE_HEADER,
		   "source lines with most of its samples, AMOUNT: in the line itself  %s",
		   source->file);
	if (source->reason)
		detail_add(detail, STYLE_WARN, "the source is not shown: %s", source->reason);
	if (source->newer)
		detail_add(detail, STYLE_WARN,
			   "the source is newer than the program: its lines may be others now");
	for (size_t i = 0; i < source->line_count; i++) {
		if (i > 0 && source->lines[i].line != source->lines[i - 1].line + 1)
			detail_add(detail, STYLE_MUTED, "   ...");
		add_line(detail, source, &source->lines[i]);
	}
	if (source->unplaced > 0)
		detail_add(detail, STYLE_MUTED, "of %" PRIu64 " samples no line is known",
			   source->unplaced);
}

static void add_insns(struct detail *detail, const struct snapshot_source *source)
{
	detail_add(detail, STYLE_HEADER,
		   "%zu of %zu instructions with samples, at their offsets in the file",
		   source->insn_count, source->sampled_insns);
	if (source->insn_count == 0)
		detail_add(detail, STYLE_MUTED, "no sample was taken in its own code");
	for (size_t i = 0; i < source->insn_count; i++) {
		const struct snapshot_insn *insn = &source->insns[i];
		double pct = detail_share((double)insn->self, (double)source->self);
		struct detail_row *row =
		    detail_add(detail, style_of(pct), "%#10" PRIx64 "  %s", insn->offset,
			       insn->text[0] ? insn->text : "its code cannot be read");

		row->pct = pct;
		fmt_count(row->amount, sizeof(row->amount), insn->self);
	}
}

void detail_add_source(struct detail *detail, const struct snapshot_source *source)
{
	detail_add(detail, STYLE_NORMAL, "%s", "");
	if (source->file && !detail->instructions)
		add_lines(detail, source);
	/* Without a text to read, instructions are what there is to see. */
	if (source->file && source->reason && !detail->instructions)
		detail_add(detail, STYLE_NORMAL, "%s", "");
	if (detail->instructions || source->reason)
		add_insns(detail, source);
}
