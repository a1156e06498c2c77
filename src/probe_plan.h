/* Which of the allocator functions found in a module are probed. Pure. */
#ifndef RSP_PROBE_PLAN_H
#define RSP_PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "collect/allocators.h"
#include "symbol/module_table.h"
#include "symbol/protocol.h"

/* The functions of one allocator in one module. `functions` points into what was found. */
struct probe_plan {
	enum allocator_family family;
	size_t count;
	const struct reply_allocator *functions[PROTOCOL_ALLOCATOR_MAX];
};

/*
 * Takes those of one family. False when they are no allocator that can be followed, for which at
 * least one function that allocates and one that frees are needed, or that of the loader, which
 * serves only itself and hands over to the C library.
 */
bool probe_plan_make(struct probe_plan *ret_plan, const struct module *module,
		     const struct reply_allocator *found, size_t count,
		     enum allocator_family family);

/*
 * What the allocator is called: "glibc", or what its library is called ("libhoard.so" is "hoard").
 * A constant or written to the buffer.
 */
const char *probe_plan_name(const struct probe_plan *plan, const struct module *module,
			    char *buffer, size_t size);

#endif
