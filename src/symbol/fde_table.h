/*
 * Where the functions of a file begin that have no symbol: a stripped file still has the table by which
 * its call frame information is searched.
 */
#ifndef RSP_SYMBOL_FDE_TABLE_H
#define RSP_SYMBOL_FDE_TABLE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The ELF virtual address at which the code begins whose call frame information covers `vaddr`, which
 * for all but hand-written code is a function or the part of one that the compiler has moved away.
 * False when none covers it, or the file has no table (.eh_frame_hdr) of the usual form.
 */
bool fde_table_start(Dwfl_Module *elf, uint64_t vaddr, uint64_t *ret_start);

#endif
