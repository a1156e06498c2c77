/* The stubs by which a file calls functions of others: they have no symbols of their own. */
#ifndef RSP_SYMBOL_PLT_H
#define RSP_SYMBOL_PLT_H

#include <gelf.h>
#include <stdint.h>

/* Called for each stub; the name of the function it jumps to belongs to the file. */
typedef void (*plt_fn)(void *arg, uint64_t vaddr, uint64_t size, const char *name);

/* Finds the stubs by what they do: jump through a pointer that a relocation fills. */
void plt_read(Elf *elf, plt_fn fn, void *arg);

#endif
