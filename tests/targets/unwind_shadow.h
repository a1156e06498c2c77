/*
 * A second record of who called whom, which knows nothing of the stack's layout: every function
 * links its own name into a list of its thread. tests/tools/stops reads it from outside at any
 * instant, so an entry comes and goes by a single store.
 *
 * The names begin with "sh_" and end with "_", and are part of the function's symbol. A handler's
 * begins with "sh_handler_": what it interrupts may be between its first instruction and its entry. Those that
 * begin with "sh_tail_" remove their entry before they call at their end: a compiler makes jumps of
 * such calls when it optimises, and keeps their frames when it does not.
 */
#ifndef RSP_TESTS_TARGETS_UNWIND_SHADOW_H
#define RSP_TESTS_TARGETS_UNWIND_SHADOW_H

#include <stdint.h>

enum { SHADOW_THREADS_MAX = 64, SHADOW_DEPTH_MAX = 512, SHADOW_NAME_MAX = 64 };

struct shadow_entry {
	const char *name;
	struct shadow_entry *caller;
};

struct shadow {
	int32_t tid;   /* 0: free */
	int32_t blind; /* not 0: the list is being exchanged */
	struct shadow_entry *volatile innermost;
};

#define SHADOW_TABLE_NAME "shadow_threads"

#endif
