/*
 * Where in a function its samples were taken: by source line, of the file that has most of them, and
 * by instruction.
 */
#ifndef RSP_PROFILE_SOURCE_COUNTS_H
#define RSP_PROFILE_SOURCE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct module;
struct stack;

struct source_line_count {
	const char *file;   /* borrowed from the symbols, as the next */
	const char *folder; /* that it is in when its name does not begin with '/'; NULL: unknown */
	unsigned line;
	uint64_t self;	/* samples in the line itself */
	uint64_t total; /* and in what it called; recursion is counted once */
};

struct source_insn_count {
	const struct module *module; /* borrowed */
	uint64_t offset;	     /* in the module */
	uint64_t self;
};

struct source_counts {
	const char *function, *module; /* of the function, interned: their addresses tell */
	uint64_t total;	   /* samples with the function in their stack */
	uint64_t unplaced; /* of them, those of which no line is known */
	size_t line_count;
	struct source_line_count *lines; /* owned */
	size_t line_capacity;
	size_t insn_count;
	struct source_insn_count *insns; /* owned */
	size_t insn_capacity;
};

/* Adds a stack; a stack_fn, whose context is a source_counts that begins with the function's names. */
void source_counts_add(void *context, struct stack *stack, uint64_t samples);

/*
 * Leaves only the lines of the file that has most samples, by number, and puts the instructions in
 * order of module and offset.
 */
void source_counts_finish(struct source_counts *counts);

/* Frees what it owns. */
void source_counts_fini(struct source_counts *counts);

#endif
