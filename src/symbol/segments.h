/*
 * Where the parts of an ELF file are loaded: file offset to ELF virtual address and back, and where
 * its machine code is.
 */
#ifndef RSP_SYMBOL_SEGMENTS_H
#define RSP_SYMBOL_SEGMENTS_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One PT_LOAD; `size` is what comes from the file. */
struct segment {
	uint64_t offset;
	uint64_t vaddr;
	uint64_t size;
	bool executable;
};

enum {
	SEGMENTS_MAX = 256,
	SEGMENTS_CODE_MAX = 64,
};

/* The loaded parts of one file, executable ones first; and its executable sections, if it has any.
 */
struct segments {
	size_t count;
	struct segment items[SEGMENTS_MAX];
	size_t code_count;
	struct segment code[SEGMENTS_CODE_MAX];
};

/* Reads the tables. -ENOEXEC when nothing in the file is loaded. */
int segments_read(struct segments *segments, Elf *elf);

/* The address at which a byte of the file is loaded. An executable part wins over another. */
bool segments_vaddr(const struct segments *segments, uint64_t offset, uint64_t *ret_vaddr);

/* The byte of the file that is loaded as code at `vaddr`. */
bool segments_offset(const struct segments *segments, uint64_t vaddr, uint64_t *ret_offset);

/* First address after the stretch of code that `vaddr` is in; 0: there is no code. */
uint64_t segments_code_end(const struct segments *segments, uint64_t vaddr);

#endif
