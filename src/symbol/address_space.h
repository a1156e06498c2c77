/*
 * The target's address space: which module an address belongs to, kept up to date by re-reading
 * /proc/PID/maps when something is said to have changed.
 */
#ifndef RSP_SYMBOL_ADDRESS_SPACE_H
#define RSP_SYMBOL_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "symbol/module_table.h"

struct address_space;

struct address_space_hooks {
	/* A mapping has come, gone or become another one: what was learnt of its addresses is void. */
	void (*changed)(void *context, uint64_t start, uint64_t end);
	/* A file has code mapped, at `address`, where its `offset` is. May come again for the module. */
	void (*mapped)(void *context, struct module *module, uint64_t offset, uint64_t address);
	void *context;
};

struct address_space *address_space_new(int pid, const struct address_space_hooks *hooks);
void address_space_free(struct address_space *space);

/*
 * Reads the mappings now. 0, or -errno with one line; a process that is ending has none, then the
 * last ones stay.
 */
int address_space_read(struct address_space *space, struct err *err);

/* Says that mappings have changed: they are read again before the next look-up, though not too often. */
void address_space_changed(struct address_space *space);

/* The module and offset of an address, see module_table_locate(). */
struct module *address_space_locate(struct address_space *space, uint64_t address, uint64_t *ret_offset);

/* Whether an address is in executable memory, by the mappings read last. */
bool address_space_is_code(const struct address_space *space, uint64_t address);

#endif
