/*
 * The allocator functions that can be probed: one table of names, and the prefixes that they have
 * in the libraries. Used by the worker to find them in a module, and by the heap source for their
 * kinds.
 */
#ifndef RSP_COLLECT_ALLOCATORS_H
#define RSP_COLLECT_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose functions they are. Memory of one family is given back to the same one. */
enum allocator_family {
	ALLOCATOR_C, /* malloc and so on, of a library that is not known */
	ALLOCATOR_GLIBC,
	ALLOCATOR_MUSL,
	ALLOCATOR_JEMALLOC,
	ALLOCATOR_MIMALLOC,
	ALLOCATOR_TCMALLOC,
	ALLOCATOR_CXX,	/* operators new and delete */
	ALLOCATOR_RUST, /* __rust_alloc and so on */
	ALLOCATOR_MMAP, /* mmap() and so on, as an allocator of the program's own */
	ALLOCATOR_FAMILIES,
};

enum { ALLOCATOR_NO_ARGUMENT = -1 };

/* Which arguments (0 to 5) of a call mean what; ALLOCATOR_NO_ARGUMENT: none does. */
struct allocator_arguments {
	int8_t size; /* bytes, of one element where there is a count */
	int8_t count;
	int8_t pointer; /* to give back, or where the new pointer is stored (HEAP_CALL_ALLOC_OUT) */
};

struct allocator_function {
	const char *name; /* without a prefix */
	uint32_t lists;	  /* bits, which prefixes it goes with: see allocators.c */
	uint32_t call;	  /* enum heap_call of bpf/abi.h */
	struct allocator_arguments arguments;
};

/* Whether it gives memory back, and returns none. */
bool allocator_frees(const struct allocator_function *function);
bool allocator_reallocates(const struct allocator_function *function);

extern const struct allocator_function allocator_functions[];
extern const size_t allocator_function_count;

/* How many prefixes there are, the empty one of several lists counted for each of them. */
extern const size_t allocator_prefix_count;

/* What a symbol is. `arguments` are those of the prefixed name, which may have one more in front.
 */
struct allocator_match {
	uint32_t function; /* index into allocator_functions */
	uint32_t prefix;   /* below allocator_prefix_count */
	enum allocator_family family;
	struct allocator_arguments arguments;
};

/* Whether a symbol is the name of an allocator function; a version behind '@' is not looked at. */
bool allocator_match(const char *symbol, struct allocator_match *ret_match);

/* "glibc"; NULL for ALLOCATOR_C and ALLOCATOR_CXX, which have no name of their own. */
const char *allocator_family_name(enum allocator_family family);

#endif
