/* The target's own record of its calls (tests/targets/unwind_shadow.h) against an unwound stack. */
#ifndef RSP_TESTS_TOOLS_SHADOW_H
#define RSP_TESTS_TOOLS_SHADOW_H

#include <stddef.h>
#include <sys/types.h>

#include "stack/stack_table.h"
#include "theirs.h"

enum shadow_verdict {
	SHADOW_NONE,  /* the target keeps none for this thread, or not at this instant */
	SHADOW_EQUAL,
	SHADOW_DIFFERS,
};

/*
 * Compares the stack of a stopped thread. `table` is the address of the target's shadow_threads, 0:
 * none. What differs is described in `text`, whose size is at least 1.
 */
enum shadow_verdict shadow_compare(struct theirs *theirs, pid_t pid, pid_t tid, uint64_t table,
				   const struct stack *stack, char *text, size_t size);

#endif
