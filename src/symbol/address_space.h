/*
 * The target's address space: which module an address belongs to. Mappings are learnt from the
 * records that the kernel writes of them; /proc/PID/maps is read where there are none, or where
 * they cannot be all.
 */
#ifndef RSP_SYMBOL_ADDRESS_SPACE_H
#define RSP_SYMBOL_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/perf_ring.h"
#include "err.h"
#include "symbol/file_thread.h"
#include "symbol/module_table.h"

struct address_space;

struct address_space_hooks {
	/* These addresses have become another thing: what was learnt of them is void. Told before
	 * they are; must not ask the address space. */
	void (*changed)(void *context, uint64_t start, uint64_t end);
	/* A file has code mapped, at `address`, where its `offset` is. May come again for the
	 * module. */
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

/*
 * One mapping has come, or has become executable or not: it takes the place of what it overlaps.
 * That one has gone is never announced, so addresses where nothing is any more may stay known as
 * what they were; no code runs there until they are mapped again, which is announced.
 */
void address_space_mapped(struct address_space *space, const struct perf_mmap *mmap);

/* Another program has been executed: nothing is mapped any more of what was. */
void address_space_executed(struct address_space *space);

/* Announcements were lost: the mappings are read before one of the next look-ups, or when that is asked for. */
void address_space_stale(struct address_space *space);

/* Reads the mappings if not all changes are announced, and the last reading was not a moment ago. To be called
 * now and then: of a process that does nothing no address is looked up. */
void address_space_catch_up(struct address_space *space);

/* Whether the mappings are still to be read, after announcements were lost or left out. */
bool address_space_is_stale(const struct address_space *space);

/* Nobody announces mappings: they are read anew all the while. */
void address_space_unannounced(struct address_space *space);

/* The module and offset of an address, see module_table_locate(). */
struct module *address_space_locate(struct address_space *space, uint64_t address,
				    uint64_t *ret_offset);

/* See module_table_find_perf_map(). */
struct module *address_space_find_perf_map(struct address_space *space);

/* Marks modules at whose paths there are other files by now, see path_check.h; every few seconds at most. */
void address_space_check_paths(struct address_space *space, struct file_thread *files);

/* How many modules there are, and one by its number, which is below that. */
size_t address_space_module_count(const struct address_space *space);
const struct module *address_space_module(const struct address_space *space, uint32_t number);

/* The tag of an address in stacks (bpf/abi.h): of what is mapped there and how. */
uint8_t address_space_tag(const struct address_space *space, uint64_t address);

/*
 * As address_space_locate() for an entry of a stack, which may be of what was mapped there before.
 */
struct module *address_space_locate_frame(struct address_space *space, uint64_t frame,
					  uint64_t *ret_offset);

/* Whether an address is in executable memory, by what is known. */
bool address_space_is_code(const struct address_space *space, uint64_t address);

#endif
