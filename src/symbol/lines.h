/* What DWARF says of an address: the inlined functions it is in, with file and line of each. */
#ifndef RSP_SYMBOL_LINES_H
#define RSP_SYMBOL_LINES_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbol/protocol.h"
#include "symbol/segments.h"

struct lines;

/*
 * Indexes the compilation units of the file or of its separate debug file. Never NULL: without
 * DWARF it knows nothing. Both arguments are borrowed, for the life of the index.
 */
struct lines *lines_new(Dwfl_Module *elf, const struct segments *segments);

/*
 * Fills in the answer's frames at an ELF virtual address, innermost first. `symbol_name` is what
 * the symbol table calls the function that was compiled there, NULL if nothing; the last frame
 * bears it. False when there is no DWARF for the address.
 */
bool lines_find(struct lines *lines, uint64_t vaddr, const char *symbol_name, struct reply *reply);

/* Frees the index; NULL is nothing. */
void lines_free(struct lines *lines);

#endif
