/*
 * The place in the user's own code that a stack of an allocation belongs to: its innermost frame
 * that is not of the allocator, the C library or the language's runtime.
 */
#ifndef RSP_PROFILE_SITE_H
#define RSP_PROFILE_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "stack/stack_table.h"

/* Strings are borrowed from the symbols of the stack. */
struct site {
	uint64_t id; /* the same as long as the names are; 0: unknown */
	const char *function;
	const char *module;
	const char *file; /* NULL: unknown */
	unsigned line;	  /* 0: unknown */
};

/* The site of a stack, by the names that are known now. NULL or no frames: "[unknown]". */
struct site site_of(const struct stack *stack);

/* All frames of a stack, inlined ones too, innermost first; the caller frees them. */
struct snapshot_frame *site_frames(const struct stack *stack, size_t *ret_count);

#endif
