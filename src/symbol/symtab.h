/* Which function symbol an address is in: a sorted index over one file's symbol tables. */
#ifndef RSP_SYMBOL_SYMTAB_H
#define RSP_SYMBOL_SYMTAB_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/segments.h"

struct symtab;

/* A symbol as the file has it. The name belongs to the file and is as long-lived as `elf`. */
struct symbol {
	uint64_t start;
	const char *name;
	bool is_plt; /* a stub that jumps to the function of this name */
};

/*
 * Indexes .symtab of the file or of its separate debug file, else .dynsym and .gnu_debugdata, and
 * the PLT stubs. Never NULL: what cannot be read is left out. Both arguments are borrowed, `elf`
 * for the life of the index.
 */
struct symtab *symtab_new(Dwfl_Module *elf, const struct segments *segments);

/* The symbol at an ELF virtual address. False past the end of one, before the next, and for NULL. */
bool symtab_find(const struct symtab *symtab, uint64_t vaddr, struct symbol *ret_symbol);

/* The name as users know it: demangled, without symbol version, with "@plt" for a stub. */
const char *symtab_name(char *buf, size_t size, const struct symbol *symbol);

/* Frees the index; NULL is nothing. */
void symtab_free(struct symtab *symtab);

#endif
