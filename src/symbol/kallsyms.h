/* The running kernel's function symbols, from /proc/kallsyms. */
#ifndef RSP_SYMBOL_KALLSYMS_H
#define RSP_SYMBOL_KALLSYMS_H

#include <stdint.h>

struct kallsyms;

/*
 * Reads the file from its start; the descriptor stays the caller's. -ENOEXEC when it has no line
 * that could be read. Where the kernel shows all addresses as 0 there are simply no symbols.
 */
int kallsyms_read(struct kallsyms **ret_kallsyms, int fd);

/* The symbol at or below a kernel address, where it starts, and where another one does; NULL if there is none. */
const char *kallsyms_find(const struct kallsyms *kallsyms, uint64_t address, uint64_t *ret_start,
			  uint64_t *ret_end);

/* Frees them; NULL is nothing. */
void kallsyms_free(struct kallsyms *kallsyms);

#endif
