/*
 * The worker's memory: what it is allowed, and what is given back when it has more. Files that the
 * target controls decide how much their indexes take.
 */
#ifndef RSP_SYMBOL_MEMORY_H
#define RSP_SYMBOL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/module.h"

enum {
	MEMORY_PRIVATE_MAX = 64 << 20, /* bytes; above it indexes are dropped */
	MEMORY_FILE_MAX = 24 << 20,    /* bytes of mapped files, our own program among them */
	MEMORY_DATA_MAX = 512 << 20,   /* bytes; above it allocating fails */
};

/*
 * Makes allocations fail beyond MEMORY_DATA_MAX. Returns a descriptor, which is the caller's, to
 * read from how much memory this process has: the `statm_fd` of the others; -1: it cannot be told.
 */
int memory_open(void);

/* Private memory that is resident, in bytes; 0 when it cannot be told. */
uint64_t memory_private_bytes(int statm_fd);

/*
 * Brings the memory below its limits: drops the lines of the modules, the least recently used
 * first, then their other indexes, but nothing of `current`. Entries may be NULL.
 */
void memory_trim(int statm_fd, struct module **modules, size_t count, const struct module *current);

#endif
