#include "config.h"

#include "symbol/address_space.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target/maps.h"

enum {
	/* Mappings that change all the time, as a JIT's, are not read more often than this. */
	INTERVAL_MS = 20,
	/* An address in no mapping makes them be read again so often: not every mapping is announced. */
	MISS_INTERVAL_MS = 1000,
};

struct address_space {
	int pid;
	struct address_space_hooks hooks;
	struct module_table *modules;
	struct maps *maps;
	bool changed;
	double read_ms;
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
	return b && a->start == b->start && a->end == b->end && a->offset == b->offset && a->inode == b->inode &&
	       strcmp(a->path, b->path) == 0;
}

static void tell_unmapped(const struct address_space *space, const struct maps *fresh)
{
	for (size_t i = 0; space->maps && i < space->maps->count; i++) {
		const struct mapping *old = &space->maps->items[i];

		if (!same_mapping(old, maps_find(fresh, old->start)))
			space->hooks.unmapped(space->hooks.context, old->start, old->end);
	}
}

/* Every file is opened now: when its first address is looked up, the process may be gone. */
static void tell_mapped(const struct address_space *space)
{
	for (size_t i = 0; i < space->maps->count; i++) {
		const struct mapping *mapping = &space->maps->items[i];
		struct module *module = module_table_of_mapping(space->modules, mapping);

		if (module && module->fd >= 0)
			space->hooks.mapped(space->hooks.context, module, mapping->offset, mapping->start);
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
	tell_unmapped(space, fresh);
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

struct module *address_space_locate(struct address_space *space, uint64_t address, uint64_t *ret_offset)
{
	double age_ms = now_ms() - space->read_ms;
	bool missing = !(address >> 63) && !address_space_is_code(space, address);

	/* That the process cannot be read any more is no error here: its last mappings still hold. */
	if (space->changed ? missing || age_ms > INTERVAL_MS : missing && age_ms > MISS_INTERVAL_MS)
		(void)address_space_read(space, NULL);
	return module_table_locate(space->modules, space->maps, address, ret_offset);
}
