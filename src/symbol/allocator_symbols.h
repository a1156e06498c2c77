/* Which functions of the allocator table a file defines. */
#ifndef RSP_SYMBOL_ALLOCATOR_SYMBOLS_H
#define RSP_SYMBOL_ALLOCATOR_SYMBOLS_H

#include <elfutils/libdwfl.h>

#include "symbol/protocol.h"
#include "symbol/segments.h"

/*
 * Looks for them in .symtab (of the separate debug file too) and .dynsym and fills the answer's
 * `allocators` in the order of the table, each function at most once.
 */
void allocator_symbols_find(struct reply *reply, Dwfl_Module *elf, const struct segments *segments);

#endif
