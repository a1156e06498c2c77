#include "config.h"

#include "symbol/address_space.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target/maps.h"

enum {
	/* Mappings that change all the time, as a JIT's, are not read more often than this. */
	INTERVAL_MS = 20,
	/* An address in no mapping makes them be read again, as not every mapping is announced: the
	 * page of uprobes is not. Each time in vain doubles the interval up to this. */
	MISS_INTERVAL_MAX_MS = 5000,
};

struct address_space {
	int pid;
	struct address_space_hooks hooks;
	struct module_table *modules;
	struct maps *maps;
	bool changed;
	double read_ms;
	double miss_interval_ms;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

struct address_space *address_space_new(int pid, const struct address_space_hooks *hooks)
{
	struct address_space *space = xcalloc(1, sizeof(*space));

	space->pid = pid;
	space->hooks = *hooks;
	space->modules = module_table_new(pid);
	space->miss_interval_ms = INTERVAL_MS;
	return space;
}

void address_space_free(struct address_space *space)
{
	if (!space)
		return;
	maps_free(space->maps);
	module_table_free(space->modules);
	free(space);
}

static bool same_mapping(const struct mapping *a, const struct mapping *b)
{
	return b && a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       a->inode == b->inode && strcmp(a->path, b->path) == 0;
}

/* Tells of each mapping of `before` that is not the same in `after`. */
static void tell_changed(const struct address_space *space, const struct maps *before,
			 const struct maps *after)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct mapping *mapping = &before->items[i];

		if (!same_mapping(mapping, maps_find(after, mapping->start)))
			space->hooks.changed(space->hooks.context, mapping->start, mapping->end);
	}
}

/* Every file is opened now: when its first address is looked up, the process may be gone. */
static void tell_mapped(const struct address_space *space)
{
	for (size_t i = 0; i < space->maps->count; i++) {
		const struct mapping *mapping = &space->maps->items[i];
		struct module *module = module_table_of_mapping(space->modules, mapping);

		if (module && module->fd >= 0)
			space->hooks.mapped(space->hooks.context, module, mapping->offset,
					    mapping->start);
	}
}

int address_space_read(struct address_space *space, struct err *err)
{
	struct maps *fresh;
	int code;

	space->changed = false;
	space->read_ms = now_ms();
	code = maps_read(&fresh, space->pid, err);
	if (code)
		return code;
	if (fresh->count == 0) {
		maps_free(fresh);
		return 0;
	}
	if (space->maps) {
		tell_changed(space, space->maps, fresh);
		tell_changed(space, fresh, space->maps);
	}
	maps_free(space->maps);
	space->maps = fresh;
	tell_mapped(space);
	return 0;
}

void address_space_changed(struct address_space *space)
{
	space->changed = true;
}

bool address_space_is_code(const struct address_space *space, uint64_t address)
{
	return maps_find(space->maps, address) != NULL;
}

struct module *address_space_locate(struct address_space *space, uint64_t address,
				    uint64_t *ret_offset)
{
	double age_ms = now_ms() - space->read_ms;
	bool missing = !(address >> 63) && !address_space_is_code(space, address);

	/* That the process cannot be read any more is no error here: its last mappings still hold.
	 */
	if (space->changed ? missing || age_ms > INTERVAL_MS
			   : missing && age_ms > space->miss_interval_ms) {
		(void)address_space_read(space, NULL);
		if (address_space_is_code(space, address))
			space->miss_interval_ms = INTERVAL_MS;
		else if (missing && space->miss_interval_ms < MISS_INTERVAL_MAX_MS)
			space->miss_interval_ms *= 2;
	}
	return module_table_locate(space->modules, space->maps, address, ret_offset);
}
