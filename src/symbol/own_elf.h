/*
 * The few facts of an ELF file that the program reads itself, because it would not do to take the
 * worker's word: where functions begin, which build-id there is, what runs on stacks of its own.
 * Everything is read into fixed places and compared with its limits, nothing is mapped (a file that
 * shrinks would end the program), and nothing of it is kept.
 */
#ifndef RSP_SYMBOL_OWN_ELF_H
#define RSP_SYMBOL_OWN_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbol/protocol.h"

enum { OWN_ELF_CODE_MAX = 16, OWN_ELF_NAME_MAX = 256 };

struct own_elf {
	int fd; /* borrowed */
	Elf64_Ehdr header;
	Elf64_Phdr code[OWN_ELF_CODE_MAX]; /* executable parts that are loaded */
	unsigned code_count;
};

/* A function by one of its symbols. `name` is valid during the call. */
typedef void (*own_elf_function_fn)(void *context, const char *name, uint64_t vaddr);

/* 64-bit x86 ELF that is no core dump, in a regular file. 0, -ENOEXEC when it is something else, or
 * -errno. */
int own_elf_open(struct own_elf *ret_elf, int fd);

/* From an address of loaded code to its offset in the file and back. `ret_room` are the bytes of
 * the part from there on. False: none is there. */
bool own_elf_offset(const struct own_elf *elf, uint64_t vaddr, uint64_t *ret_offset,
		    uint64_t *ret_room);
bool own_elf_vaddr(const struct own_elf *elf, uint64_t offset, uint64_t *ret_vaddr);

/*
 * Calls `fn` for each defined function of .symtab and .dynsym that `wants` its address, and whose
 * name is shorter than OWN_ELF_NAME_MAX. Without section headers there is none.
 */
void own_elf_each_function(const struct own_elf *elf, bool (*wants)(void *context, uint64_t vaddr),
			   own_elf_function_fn fn, void *context);

/* Size 0: the file has none. */
void own_elf_build_id(const struct own_elf *elf, struct build_id *ret_build_id);

/* What symbol/runtime_search.h finds, too. */
enum stack_runtime own_elf_runtime(const struct own_elf *elf);

#endif
