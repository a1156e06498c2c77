/*
 * What an ELF file says of the separate files that have more of its symbols and DWARF, and whether
 * a file is one of them.
 */
#ifndef RSP_SYMBOL_DEBUG_REFS_H
#define RSP_SYMBOL_DEBUG_REFS_H

#include <gelf.h>
#include <stdbool.h>

#include "symbol/protocol.h"

/*
 * Fills in the build-id of a module and what it has for names; where its debug file is, unless it has
 * DWARF itself, and its alternate file.
 */
void debug_refs_read(struct reply *reply, Elf *elf);

/* Fills in where the alternate file of a module or debug file is. */
void debug_refs_read_alternate(struct reply *reply, Elf *elf);

/*
 * Whether the file of a descriptor, which stays the caller's, is the debug file of `elf`: an x86-64
 * ELF file with the same build-id, or, if that has none, with the checksum that .gnu_debuglink
 * says. Fills in where the debug file's own alternate file is.
 */
bool debug_refs_match(struct reply *reply, Elf *elf, int fd);

/* Whether it is the file with the build-id that `alternate_id` says. */
bool debug_refs_match_alternate(const struct build_id *alternate_id, int fd);

#endif
