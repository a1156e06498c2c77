#include "config.h"

#include "profile/snapshot_source.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "profile/source_counts.h"

enum {
	LINES_HOT = 12,	    /* so many lines with samples are shown */
	LINES_AROUND = 2,   /* and so many on each side */
	LINES_SHOWN = LINES_HOT * (2 * LINES_AROUND + 1),
	LINE_BYTES = 400,   /* of a line's text at most */
	INSNS_HOT = 16,
};

static int by_total(const void *left, const void *right)
{
	const struct source_line_count *a = *(const struct source_line_count *const *)left;
	const struct source_line_count *b = *(const struct source_line_count *const *)right;

	if (a->total != b->total)
		return (a->total < b->total) - (a->total > b->total);
	return (a->line > b->line) - (a->line < b->line);
}

static int by_number(const void *left, const void *right)
{
	const struct snapshot_line *a = left, *b = right;

	return (a->line > b->line) - (a->line < b->line);
}

/* Adds the line, unless it is there already. */
static void add_line(struct snapshot_source *source, unsigned line)
{
	for (size_t i = 0; i < source->line_count; i++)
		if (source->lines[i].line == line)
			return;
	source->lines[source->line_count++] = (struct snapshot_line){.line = line};
}

/* Which lines are shown; without a text those around say nothing. */
static void choose_lines(struct snapshot_source *source, const struct source_counts *counts,
			 unsigned around)
{
	const struct source_line_count **order = xcalloc(counts->line_count, sizeof(*order));

	for (size_t i = 0; i < counts->line_count; i++)
		order[i] = &counts->lines[i];
	qsort(order, counts->line_count, sizeof(*order), by_total);
	source->file = order[0]->file;
	source->sampled_lines = counts->line_count;
	source->lines = xcalloc(LINES_SHOWN, sizeof(*source->lines));
	for (size_t i = 0; i < counts->line_count && i < LINES_HOT; i++) {
		unsigned line = order[i]->line;
		unsigned first = line > around ? line - around : 1;
		unsigned last = line < UINT_MAX - around ? line + around : line;

		for (unsigned at = first; at <= last && at >= first; at++)
			add_line(source, at);
	}
	qsort(source->lines, source->line_count, sizeof(*source->lines), by_number);
	free(order);
}

static void count_lines(struct snapshot_source *source, const struct source_counts *counts)
{
	size_t at = 0;

	for (size_t i = 0; i < source->line_count; i++) {
		while (at < counts->line_count && counts->lines[at].line < source->lines[i].line)
			at++;
		if (at == counts->line_count || counts->lines[at].line != source->lines[i].line)
			continue;
		source->lines[i].self = counts->lines[at].self;
		source->lines[i].total = counts->lines[at].total;
	}
}

static void read_lines(struct snapshot_source *source, const char *text, size_t size)
{
	const char *at = text, *end = text + size;
	size_t next = 0;

	for (unsigned line = 1; at < end && next < source->line_count; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);

		if (source->lines[next].line == line)
			source->lines[next++].text =
			    xstrndup(at, length < LINE_BYTES ? length : LINE_BYTES);
		at += length + 1;
	}
}

static int by_self(const void *left, const void *right)
{
	const struct source_insn_count *a = *(const struct source_insn_count *const *)left;
	const struct source_insn_count *b = *(const struct source_insn_count *const *)right;

	if (a->self != b->self)
		return (a->self < b->self) - (a->self > b->self);
	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int by_offset(const void *left, const void *right)
{
	const struct snapshot_insn *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The hottest, and those of the others that are in the same module. */
static void choose_insns(struct snapshot_source *source, const struct source_counts *counts)
{
	const struct source_insn_count **order = xcalloc(counts->insn_count, sizeof(*order));

	for (size_t i = 0; i < counts->insn_count; i++)
		order[i] = &counts->insns[i];
	qsort(order, counts->insn_count, sizeof(*order), by_self);
	source->insn_module = order[0]->module;
	source->insns = xcalloc(INSNS_HOT, sizeof(*source->insns));
	for (size_t i = 0; i < counts->insn_count; i++) {
		source->self += order[i]->self;
		if (order[i]->module == source->insn_module && source->insn_count < INSNS_HOT)
			source->insns[source->insn_count++] = (struct snapshot_insn){
			    .offset = order[i]->offset, .self = order[i]->self};
	}
	qsort(source->insns, source->insn_count, sizeof(*source->insns), by_offset);
	free(order);
}

struct snapshot_source *snapshot_source_new(const struct source_counts *counts, const char *text,
					    size_t size, const char *reason)
{
	struct snapshot_source *source = xcalloc(1, sizeof(*source));

	source->total = counts->total;
	source->unplaced = counts->unplaced;
	source->sampled_insns = counts->insn_count;
	source->reason = text ? NULL : xstrdup(reason);
	if (counts->line_count > 0) {
		choose_lines(source, counts, text ? LINES_AROUND : 0);
		count_lines(source, counts);
	}
	if (text)
		read_lines(source, text, size);
	if (counts->insn_count > 0)
		choose_insns(source, counts);
	return source;
}

void snapshot_source_free(struct snapshot_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->line_count; i++)
		free(source->lines[i].text);
	free(source->lines);
	free(source->insns);
	free(source->reason);
	free(source);
}
