/*
 * The files (and the kernel) that code of the target comes from. Each is opened once, through the
 * target's own mount namespace or mapping, so that containers and deleted files work.
 */
#ifndef RSP_SYMBOL_MODULE_TABLE_H
#define RSP_SYMBOL_MODULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/protocol.h"
#include "target/maps.h"

struct module {
	uint32_t number;	/* its index in the table */
	enum module_kind kind;
	const char *name;	/* base name, "[kernel]", "[vdso]", "[anon]", "[unknown]" */
	const char *path;	/* as the target sees it; the same as `name` for those without a file */
	int fd;			/* -1: there is no file, or it cannot be opened */
};

struct module_table;

struct module_table *module_table_new(int pid);
void module_table_free(struct module_table *table);

/*
 * The module and the offset in it (protocol.h) of an address. Never NULL: an address in no mapping
 * is in "[unknown]" at itself, one in memory without a file in "[anon]" at itself. `maps` may be NULL.
 */
struct module *module_table_locate(struct module_table *table, const struct maps *maps, uint64_t address,
				   uint64_t *ret_offset);

/* The module of a mapping; NULL for anonymous memory. */
struct module *module_table_of_mapping(struct module_table *table, const struct mapping *mapping);

/* A module by its number, or NULL. */
struct module *module_table_get(const struct module_table *table, uint32_t number);

/* The page that the kernel maps into a process with uprobes, see stack/uprobe_slot.h. */
bool module_is_uprobes(const struct module *module);

size_t module_table_count(const struct module_table *table);

#endif
