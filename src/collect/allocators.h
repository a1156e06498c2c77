/*
 * The allocator functions that can be probed, one table for all of them. Used by the worker to look
 * them up in a module and by the heap source to choose the probe program.
 */
#ifndef RSP_COLLECT_ALLOCATORS_H
#define RSP_COLLECT_ALLOCATORS_H

#include <stddef.h>
#include <stdint.h>

enum { ALLOCATOR_NO_ARGUMENT = -1 };

/* `call` is enum heap_call of bpf/abi.h; which argument, from 0, is what. */
struct allocator_function {
	const char *allocator;	/* "glibc" */
	const char *symbol;
	uint8_t call;
	int8_t size, count, pointer;
};

extern const struct allocator_function allocator_functions[];
extern const size_t allocator_function_count;

#endif
