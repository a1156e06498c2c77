/* Which functions of the allocator table a file defines. */
#ifndef RSP_SYMBOL_ALLOCATOR_SYMBOLS_H
#define RSP_SYMBOL_ALLOCATOR_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/allocators.h"

/* A function of the table, under one of its names. */
struct allocator_symbol {
	struct allocator_match match;
	const char *name; /* belongs to the file */
	uint64_t vaddr;
	uint64_t size; /* bytes; 0: the symbol does not say */
	bool is_alias; /* another name of one that comes before it */
};

/*
 * Looks for them in .symtab (of the separate debug file too) and .dynsym. `ret_symbols` is the
 * caller's, to be freed; it is in the order of the table. Plain names are given the family that
 * they belong to; operators new and delete are left out unless the allocator has its own.
 */
size_t allocator_symbols_find(struct allocator_symbol **ret_symbols, Dwfl_Module *elf);

#endif
