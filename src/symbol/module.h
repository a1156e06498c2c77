/*
 * One file that the target runs code from, and everything that has been read of it. Owns the
 * libdwfl handle, the file descriptor and the indexes, which are made when first asked for.
 */
#ifndef RSP_SYMBOL_MODULE_H
#define RSP_SYMBOL_MODULE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

#include "symbol/kallsyms.h"
#include "symbol/lines.h"
#include "symbol/protocol.h"
#include "symbol/segments.h"
#include "symbol/symtab.h"

struct module {
	enum module_kind kind;
	Dwfl *dwfl;
	Dwfl_Module *elf; /* NULL for kallsyms */
	struct segments segments;
	struct symtab *symtab;	   /* through module_symtab() */
	struct lines *lines;	   /* through module_lines() */
	struct kallsyms *kallsyms; /* NULL for ELF */
};

/*
 * Opens a module from a file descriptor, which it owns from now on, whether it fails or not.
 * -ENOEXEC unless the file is x86-64 ELF, linked and with something to load, or is kernel symbols.
 */
int module_open(struct module **ret_module, enum module_kind kind, int fd, const char *name);

/* The symbol index; made on first use, empty if nothing could be read. Not for kallsyms. */
const struct symtab *module_symtab(struct module *module);

/* The DWARF index; made on first use, empty if there is no DWARF. Not for kallsyms. */
struct lines *module_lines(struct module *module);

/* Closes it and frees what was read; NULL is nothing. */
void module_free(struct module *module);

#endif
