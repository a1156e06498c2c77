/*
 * Where the functions of a file begin that have no symbol: a stripped file still has the table by which
 * its call frame information is searched.
 */
#ifndef RSP_SYMBOL_FDE_TABLE_H
#define RSP_SYMBOL_FDE_TABLE_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct module;

/* Whether there is a table of the usual form (.eh_frame_hdr), loaded together with what it is of. */
bool fde_table_is_usual(Elf *elf);

/*
 * The ELF virtual address at which the code begins whose call frame information covers `vaddr`, which
 * for all but hand-written code is a function or the part of one that the compiler has moved away.
 * False when none covers it, or the file has no such table.
 */
bool fde_table_start(struct module *module, uint64_t vaddr, uint64_t *ret_start);

#endif
