/*
 * One file that the target runs code from, and everything that has been read of it. Owns the file's
 * mapping and the indexes. These are made when first asked for, and again after they were dropped.
 */
#ifndef RSP_SYMBOL_MODULE_H
#define RSP_SYMBOL_MODULE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbol/eh_frame.h"
#include "symbol/image.h"
#include "symbol/kallsyms.h"
#include "symbol/lines.h"
#include "symbol/perf_map.h"
#include "symbol/protocol.h"
#include "symbol/segments.h"
#include "symbol/symtab.h"

struct module {
	enum module_kind kind;
	struct image image;	  /* of ELF */
	struct eh_frame eh_frame; /* of ELF */
	int kallsyms_fd;	  /* owned; -1 unless kernel symbols */
	struct segments segments;
	Dwfl *dwfl;	  /* for symbols and CFI; through module_elf() */
	Dwfl_Module *elf; /* its one module */
	Dwfl *lines_dwfl; /* for lines alone, so that they can be dropped alone */
	struct symtab *symtab;
	struct lines *lines;
	struct kallsyms *kallsyms;
	struct perf_map *perf_map;    /* NULL unless a perf map */
	struct build_id alternate_id; /* of the alternate file that it refers to */
	uint64_t used;		      /* the owner's: when it was last asked about */
	uint64_t lines_ns;	      /* the owner's: CPU time that its DWARF has taken */
	uint64_t lines_bytes;	      /* the owner's: memory that its DWARF takes */
	bool lines_too_costly;	      /* the owner's: its DWARF is not to be read any more */
};

/*
 * Opens a module from a file descriptor, which it owns from now on, whether it fails or not.
 * -ENOEXEC unless the file is x86-64 ELF, linked and with something to load, or is kernel symbols
 * or a perf map.
 */
int module_open(struct module **ret_module, enum module_kind kind, int fd, const char *name);

/* The file for libdwfl; NULL when it cannot be opened again. Only for ELF. */
Dwfl_Module *module_elf(struct module *module);

/*
 * The call frame information in .eh_frame, and what is to be taken off ELF virtual addresses there; it is valid as
 * long as the indexes. NULL if there is none. Only for ELF.
 */
Dwarf_CFI *module_eh_cfi(struct module *module, Dwarf_Addr *ret_bias);

/* The symbol index, empty if nothing could be read. Only for ELF. */
const struct symtab *module_symtab(struct module *module);

/* The DWARF index; NULL if the file cannot be opened again. Only for ELF. */
struct lines *module_lines(struct module *module);

/* The kernel's symbols; NULL when they cannot be read again. Only for kallsyms. */
const struct kallsyms *module_kallsyms(struct module *module);

/* Frees the lines, or everything that can be made anew. What was borrowed of it is void. */
void module_drop_lines(struct module *module);
void module_drop_indexes(struct module *module);

/* Gives the pages of the file back, which are read again when they are needed. */
void module_release_pages(const struct module *module);

/* Closes it and frees what was read; NULL is nothing. */
void module_free(struct module *module);

#endif
