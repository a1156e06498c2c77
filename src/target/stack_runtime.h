/* What happens to the stacks of a file's code; preflight.h says why it matters. */
#ifndef RSP_TARGET_STACK_RUNTIME_H
#define RSP_TARGET_STACK_RUNTIME_H

enum stack_runtime {
	STACK_RUNTIME_PLAIN,
	STACK_RUNTIME_GO,    /* goroutines: stacks that are copied when they grow */
	STACK_RUNTIME_SPLIT, /* split stacks: a call may go on on another one */
};

#endif
