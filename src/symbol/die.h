/* Names and places that a DWARF function entry has. */
#ifndef RSP_SYMBOL_DIE_H
#define RSP_SYMBOL_DIE_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The function's name: its linkage name demangled, else its name qualified by the namespaces and
 * types around it. NULL when it has none; else `buf`.
 */
const char *die_name(char *buf, size_t size, Dwarf_Die *die);

/* Where an inlined function was called: the file, NULL if unknown, and the line, 0 if unknown. */
const char *die_call_file(Dwarf_Die *die);
uint32_t die_call_line(Dwarf_Die *die);

/* Where the function is declared: the file, NULL if unknown, and the line, 0 if unknown. */
const char *die_decl_file(Dwarf_Die *die);
uint32_t die_decl_line(Dwarf_Die *die);

/* The folder that a compilation unit was compiled in, NULL if unknown. */
const char *die_folder(Dwarf_Die *unit);

#endif
