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

/* Where a separate debug file came from that names are read of. */
enum debug_file { DEBUG_FILE_NONE, DEBUG_FILE_HERE, DEBUG_FILE_FETCHED };

/* Unwind rules that were asked for of a module, by where they came from. */
struct module_rules {
	uint64_t cfi;
	uint64_t code;		 /* no CFI there: the code was followed */
	uint64_t frame_pointers; /* nothing to read there: a guess */
	uint64_t unknown;
};

struct module {
	uint32_t number;	/* its index in the table */
	enum module_kind kind;
	const char *name;	/* base name, "[kernel]", "[vdso]", "[anon]", "[jit]", "[unknown]" */
	const char *path;	/* as the target sees it; the same as `name` for those without a file */
	int fd;			/* -1: there is no file, or it cannot be opened */
	bool degraded;		/* by the client: its DWARF is not read any more, it costs too much */
	bool skipped;		/* by the client: nothing is asked of it any more, it killed the worker */
	bool unreadable;	/* there is a file, and no way to open it */
	bool replaced;		/* another file is at its path; `fd` is of the one that is mapped */
	bool known;		/* by the client: the two that follow are */
	uint32_t has;		/* by the client: set of enum reply_has */
	struct build_id build_id; /* by the client */
	enum debug_file debug_file; /* by the client */
	struct module_rules rules; /* by whoever asks for them */
	enum stack_runtime stack_runtime; /* by the client, when it has asked for the allocators */
};

struct module_table;

struct module_table *module_table_new(int pid);
void module_table_free(struct module_table *table);

/*
 * The module and the offset in it (protocol.h) of an address. Never NULL: an address in no mapping
 * is in "[unknown]" at itself, one in memory without an ELF file in "[anon]" at itself. `maps` may be
 * NULL.
 */
struct module *module_table_locate(struct module_table *table, const struct maps *maps, uint64_t address,
				   uint64_t *ret_offset);

/*
 * Looks for the perf map of the code in "[anon]", now and then until it is there; then the module has
 * its file and is called "[jit]". Not while no address has been in it. The module when its file has
 * just been found or has grown at this look or the one before, or NULL.
 */
struct module *module_table_find_perf_map(struct module_table *table);

/*
 * The module of a mapping; NULL for memory that code is made in: anonymous or shared memory, or a
 * memfd that is not ELF.
 */
struct module *module_table_of_mapping(struct module_table *table, const struct mapping *mapping);

/* A module by its number, or NULL. */
struct module *module_table_get(const struct module_table *table, uint32_t number);

/* What is wrong with a module: "skipped", "unreadable", "degraded", "replaced", the
 * worst first, or "ok". */
const char *module_state(const struct module *module);

/*
 * Where its functions' names come from: "dwarf", "debug file", "debuginfod", "symtab", "debugdata",
 * "dynsym", "kallsyms", "perf map" or "none"; NULL while it is not known.
 */
const char *module_names(const struct module *module);

/*
 * Where its unwind rules come from: "CFI", "CFI+code" (some by following the code), "code", "frame
 * pointers" or "none"; NULL while none has been asked for.
 */
const char *module_unwinding(const struct module *module);

/* "[unknown]". */
struct module *module_table_unknown(const struct module_table *table);

/* The page that the kernel maps into a process with uprobes, see stack/uprobe_slot.h. */
bool module_is_uprobes(const struct module *module);

size_t module_table_count(const struct module_table *table);

#endif
