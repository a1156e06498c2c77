/* The allocator functions of a file, each with the place for its probe. */
#ifndef RSP_SYMBOL_ALLOCATOR_SITES_H
#define RSP_SYMBOL_ALLOCATOR_SITES_H

#include "symbol/module.h"
#include "symbol/protocol.h"

/* Fills the answer's `allocators`. An ELF module; none when it cannot be read again. */
void allocator_sites_find(struct reply *reply, struct module *module);

#endif
