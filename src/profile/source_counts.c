#include "config.h"

#include "profile/source_counts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "stack/stack_table.h"
#include "symbol/client.h"

/* What of one stack has been counted: where its entries begin. */
struct counted {
	bool inside;
	size_t first_line;
};

static void add_insn(struct source_counts *counts, const struct symbol *symbol, uint64_t samples)
{
	if (counts->insn_count == counts->insn_capacity) {
		counts->insn_capacity = counts->insn_capacity ? counts->insn_capacity * 2 : 64;
		counts->insns = xreallocarray(counts->insns, counts->insn_capacity,
					      sizeof(*counts->insns));
	}
	counts->insns[counts->insn_count++] =
	    (struct source_insn_count){symbol->module, symbol->offset, samples};
}

/* Once for each line that the stack is in. */
static void add_line(struct source_counts *counts, const struct counted *counted,
		     const struct symbol *symbol, const struct symbol_frame *frame, bool innermost,
		     uint64_t samples)
{
	if (!frame->file || !frame->line)
		return;
	for (size_t i = counted->first_line; i < counts->line_count; i++)
		if (counts->lines[i].line == frame->line && counts->lines[i].file == frame->file)
			return;
	if (counts->line_count == counts->line_capacity) {
		counts->line_capacity = counts->line_capacity ? counts->line_capacity * 2 : 64;
		counts->lines = xreallocarray(counts->lines, counts->line_capacity,
					      sizeof(*counts->lines));
	}
	counts->lines[counts->line_count++] =
	    (struct source_line_count){.file = frame->file,
				       .folder = symbol->folder,
				       .line = frame->line,
				       .self = innermost ? samples : 0,
				       .total = samples};
}

void source_counts_add(void *context, struct stack *stack, uint64_t samples)
{
	struct source_counts *counts = context;
	struct counted counted = {.first_line = counts->line_count};

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct symbol *symbol = stack->symbols[i];

		for (size_t j = 0; symbol->module->name == counts->module && j < symbol->frame_count;
		     j++) {
			if (symbol->frames[j].function != counts->function)
				continue;
			if (i == 0 && !counted.inside)
				add_insn(counts, symbol, samples);
			counted.inside = true;
			add_line(counts, &counted, symbol, &symbol->frames[j], i == 0 && j == 0,
				 samples);
		}
	}
	if (!counted.inside)
		return;
	counts->total += samples;
	if (counts->line_count == counted.first_line)
		counts->unplaced += samples;
}

static int by_line(const void *left, const void *right)
{
	const struct source_line_count *a = left, *b = right;

	if (a->file != b->file)
		return ((uintptr_t)a->file > (uintptr_t)b->file) -
		       ((uintptr_t)a->file < (uintptr_t)b->file);
	return (a->line > b->line) - (a->line < b->line);
}

/* Puts the lines in order and makes one entry of each. */
static void merge_lines(struct source_counts *counts)
{
	size_t kept = 0;

	if (counts->line_count > 1)
		qsort(counts->lines, counts->line_count, sizeof(*counts->lines), by_line);
	for (size_t i = 0; i < counts->line_count; i++) {
		struct source_line_count *last = &counts->lines[kept ? kept - 1 : 0];

		if (kept > 0 && by_line(last, &counts->lines[i]) == 0) {
			last->self += counts->lines[i].self;
			last->total += counts->lines[i].total;
		} else {
			counts->lines[kept++] = counts->lines[i];
		}
	}
	counts->line_count = kept;
}

/* The file in which the largest line is. */
static const char *main_file(const struct source_counts *counts)
{
	const struct source_line_count *largest = NULL;

	for (size_t i = 0; i < counts->line_count; i++)
		if (!largest || counts->lines[i].total > largest->total)
			largest = &counts->lines[i];
	return largest ? largest->file : NULL;
}

static int by_offset(const void *left, const void *right)
{
	const struct source_insn_count *a = left, *b = right;

	if (a->module != b->module)
		return ((uintptr_t)a->module > (uintptr_t)b->module) -
		       ((uintptr_t)a->module < (uintptr_t)b->module);
	return (a->offset > b->offset) - (a->offset < b->offset);
}

static void merge_insns(struct source_counts *counts)
{
	size_t kept = 0;

	if (counts->insn_count > 1)
		qsort(counts->insns, counts->insn_count, sizeof(*counts->insns), by_offset);
	for (size_t i = 0; i < counts->insn_count; i++) {
		struct source_insn_count *last = &counts->insns[kept ? kept - 1 : 0];

		if (kept > 0 && by_offset(last, &counts->insns[i]) == 0)
			last->self += counts->insns[i].self;
		else
			counts->insns[kept++] = counts->insns[i];
	}
	counts->insn_count = kept;
}

void source_counts_finish(struct source_counts *counts)
{
	const char *file;
	size_t kept = 0;

	merge_lines(counts);
	file = main_file(counts);
	for (size_t i = 0; i < counts->line_count; i++)
		if (counts->lines[i].file == file)
			counts->lines[kept++] = counts->lines[i];
	counts->line_count = kept;
	merge_insns(counts);
}

void source_counts_fini(struct source_counts *counts)
{
	free(counts->lines);
	free(counts->insns);
	*counts = (struct source_counts){0};
}
