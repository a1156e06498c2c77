/*
 * Functions whose ranges are known, and their symbols. The kernel is sampled at ever new addresses, of which
 * nothing but the function is shown: one symbol for each function keeps them few.
 */
#ifndef RSP_SYMBOL_KNOWN_FUNCTIONS_H
#define RSP_SYMBOL_KNOWN_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

struct symbol;

struct known_function;

/* All zero is an empty table. */
struct known_functions {
	struct known_function *items; /* owned; by start, without overlaps */
	size_t count, capacity;
};

/* Enters the symbol of [start, end), borrowed; what is empty or overlaps another one is left out. */
void known_functions_add(struct known_functions *known, uint64_t start, uint64_t end,
			 struct symbol *symbol);

/* The symbol of the function that an address is in; NULL: it is not known. */
struct symbol *known_functions_find(const struct known_functions *known, uint64_t address);

/* Frees the table; it may be used again. */
void known_functions_fini(struct known_functions *known);

#endif
