/*
 * What a snapshot has of one function's source lines and instructions, with the samples taken there.
 */
#ifndef RSP_PROFILE_SNAPSHOT_SOURCE_H
#define RSP_PROFILE_SNAPSHOT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;
struct source_counts;

enum { SNAPSHOT_INSN_TEXT = 96 };

/* A line of source, with samples or near one that has some. */
struct snapshot_line {
	unsigned line;
	uint64_t self, total;	/* samples in the line; those in what it called, too */
	char *text;		/* owned; raw, without its end; NULL: not known */
};

/* An instruction with samples. */
struct snapshot_insn {
	uint64_t offset;	/* in the file */
	uint64_t self;
	char text[SNAPSHOT_INSN_TEXT]; /* empty: its code cannot be read */
};

/*
 * One function, from the stacks that are kept: its samples since attachment by line, of the file that
 * most of them are in, and by instruction, of those that have most.
 */
struct snapshot_source {
	const char *file;	/* NULL: no line is known */
	char *reason;		/* owned; why its text is not there; NULL: it is */
	bool newer;		/* the file was written after the program was */
	uint64_t total;		/* samples with the function in their stack */
	uint64_t self;		/* of them, in the function or what is inlined into it */
	uint64_t unplaced;	/* of them, of which no line is known */
	size_t sampled_lines;	/* of that file */
	size_t line_count;
	struct snapshot_line *lines; /* owned; by number */
	size_t sampled_insns;
	size_t insn_count;
	struct snapshot_insn *insns; /* owned; by offset */
	const struct module *insn_module; /* that they are in, of the session; NULL: there are none */
};

/*
 * The lines that have most of the samples, with those around them, and the instructions that have most,
 * without their texts. `text`, of `size` bytes, is that of the counts' file, copied as far as it is
 * needed; NULL: it is not known, for the reason that is given, copied too. The caller frees it.
 */
struct snapshot_source *snapshot_source_new(const struct source_counts *counts, const char *text,
					    size_t size, const char *reason);

/* NULL is allowed. */
void snapshot_source_free(struct snapshot_source *source);

#endif
