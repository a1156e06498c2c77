#include "config.h"

#include "symbol/address_space.h"

#include <limits.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bpf/abi.h"
#include "clock.h"
#include "symbol/path_check.h"
#include "target/maps.h"

enum {
	/* The mappings are not read more often than this, nor so often that it takes more than one
	 * in so many parts of our time. */
	INTERVAL_MS = 20,
	INTERVAL_PARTS = 20,
	/* Where nothing is announced. */
	UNANNOUNCED_INTERVAL_MS = 100,
	/* An address in no mapping makes them be read again, as not every mapping is announced: the
	 * page of uprobes is not. Each time in vain doubles the interval up to this. */
	MISS_INTERVAL_MAX_MS = 5000,
	/* A target that maps all the time: in each window we follow it only for so much of our
	 * time, and read the mappings later. */
	WINDOW_MS = 100,
	WINDOW_WORK_MS = 10,
	/* Mappings that are gone stay known. When there may be so many more of these than of others
	 * it is time to read. */
	GROWTH_COUNT = 1024,
	/* Files are not replaced every second. */
	PATHS_INTERVAL_MS = 10000,
	/* Mappings that are remembered after others have taken their place. */
	FORMERS_MAX = 256,
	TAGS = 255,
	PAGE_SHIFT = 12,
	/* The longest that the kernel writes, with " (deleted)". */
	NAME_SIZE = PATH_MAX + 16,
};

/* What was mapped somewhere before. */
struct former {
	uint64_t start, end;
	uint64_t offset; /* of `start` in the module */
	struct module *module;
};

struct address_space {
	int pid;
	struct address_space_hooks hooks;
	struct module_table *modules;
	struct maps *maps;
	bool stale;
	bool unannounced;
	double read_ms;	     /* when they were read */
	double read_cost_ms; /* and how long we worked at it */
	size_t read_count;   /* mappings found then */
	double miss_interval_ms;
	double window_ms;		    /* begin of the window */
	double work_ms;			    /* done in it */
	double checked_ms;		    /* when the paths were looked at */
	bool checks_paths;		    /* a look is under way */
	struct former formers[FORMERS_MAX]; /* the latest, a ring */
	size_t next_former;
};

/* What we have worked, whatever else the machine does. */
static double worked_ms(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID) * 1e3;
}

struct address_space *address_space_new(int pid, const struct address_space_hooks *hooks)
{
	struct address_space *space = xcalloc(1, sizeof(*space));

	space->pid = pid;
	space->hooks = *hooks;
	space->modules = module_table_new(pid);
	space->maps = maps_new();
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

/*
 * Opens a mapping's file now: when its first address is looked up, the process may be gone. False
 * when it is a file that cannot be opened.
 */
static bool tell_mapped(const struct address_space *space, const struct mapping *mapping)
{
	struct module *module = module_table_of_mapping(space->modules, mapping);

	if (!module || module->fd < 0)
		return mapping->inode == 0;
	space->hooks.mapped(space->hooks.context, module, mapping->offset, mapping->start);
	return true;
}

static uint8_t tag_of(const struct module *module, uint64_t address, uint64_t offset)
{
	return (uint8_t)(1 + (module->number + ((address - offset) >> PAGE_SHIFT)) % TAGS);
}

uint8_t address_space_tag(const struct address_space *space, uint64_t address)
{
	uint64_t offset;
	const struct module *module =
	    module_table_locate(space->modules, space->maps, address, &offset);

	return tag_of(module, address, offset);
}

/* Told before the range becomes something else. */
static void on_changed(void *context, uint64_t start, uint64_t end)
{
	struct address_space *space = context;
	const struct mapping *mapping = maps_find(space->maps, start);
	struct former *former = &space->formers[space->next_former % FORMERS_MAX];

	if (mapping) {
		space->next_former++;
		*former = (struct former){.start = start, .end = end};
		former->module =
		    module_table_locate(space->modules, space->maps, start, &former->offset);
	}
	space->hooks.changed(space->hooks.context, start, end);
}

static void take(struct address_space *space, struct maps *fresh)
{
	const struct mapping *mapping;

	maps_compare(space->maps, fresh, on_changed, space);
	maps_free(space->maps);
	space->maps = fresh;
	space->read_count = fresh->count;
	for (mapping = maps_after(fresh, 0); mapping; mapping = maps_after(fresh, mapping->end))
		(void)tell_mapped(space, mapping);
}

int address_space_read(struct address_space *space, struct err *err)
{
	double begin_ms = worked_ms();
	struct maps *fresh;
	int code;

	space->stale = false;
	space->read_ms = monotonic_ms();
	code = maps_read(&fresh, space->pid, err);
	if (code)
		return code;
	if (fresh->count > 0)
		take(space, fresh);
	else
		maps_free(fresh);
	space->read_cost_ms = worked_ms() - begin_ms;
	return 0;
}

/* As /proc/PID/maps would have it. False when the record makes no sense. `name` has NAME_SIZE. */
static bool from_record(const struct perf_mmap *mmap, char *name, struct mapping *ret_mapping)
{
	bool anonymous = mmap->inode == 0 && strcmp(mmap->filename, "//anon") == 0;
	const char *path = anonymous ? "" : mmap->filename;
	struct mapping mapping = {
	    .start = mmap->addr,
	    .end = mmap->addr + mmap->length,
	    /* What has no file has an offset all the same, which means nothing. */
	    .offset = mmap->inode ? mmap->pgoff : 0,
	    .inode = mmap->inode,
	    .dev_major = mmap->dev_major,
	    .dev_minor = mmap->dev_minor,
	    .executable = mmap->prot & PROT_EXEC,
	    .path = name,
	};
	size_t length = maps_path_length(path, &mapping.deleted);

	if (mapping.end <= mapping.start || length >= NAME_SIZE)
		return false;
	memcpy(name, path, length);
	name[length] = '\0';
	*ret_mapping = mapping;
	return true;
}

static void apply(struct address_space *space, const struct perf_mmap *mmap)
{
	char name[NAME_SIZE];
	struct mapping mapping;

	if (!from_record(mmap, name, &mapping)) {
		space->stale = true;
		return;
	}
	if (!maps_put(space->maps, &mapping, on_changed, space))
		return;
	/* Of a file on overlayfs the record says, on some kernels, what it is in the layer below.
	 */
	if (mapping.executable && !tell_mapped(space, &mapping))
		space->stale = true;
}

static double interval_ms(const struct address_space *space)
{
	double cost_ms = INTERVAL_PARTS * space->read_cost_ms;

	return cost_ms > INTERVAL_MS ? cost_ms : INTERVAL_MS;
}

static double greater(double a, double b)
{
	return a > b ? a : b;
}

void address_space_mapped(struct address_space *space, const struct perf_mmap *mmap)
{
	double time_ms = monotonic_ms(), begin_ms;

	if (time_ms - space->window_ms > WINDOW_MS) {
		space->window_ms = time_ms;
		space->work_ms = 0;
	}
	if (space->work_ms > WINDOW_WORK_MS) {
		space->stale = true;
		return;
	}
	begin_ms = worked_ms();
	apply(space, mmap);
	space->work_ms += worked_ms() - begin_ms;
	/* That the process cannot be read any more is no error here: its last mappings still hold.
	 */
	if (space->maps->count > 2 * space->read_count + GROWTH_COUNT &&
	    time_ms - space->read_ms > interval_ms(space))
		(void)address_space_read(space, NULL);
}

void address_space_executed(struct address_space *space)
{
	struct maps *none = maps_new();

	maps_compare(space->maps, none, on_changed, space);
	maps_free(space->maps);
	space->maps = none;
	space->read_count = 0;
	space->miss_interval_ms = INTERVAL_MS;
}

void address_space_stale(struct address_space *space)
{
	space->stale = true;
}

bool address_space_is_stale(const struct address_space *space)
{
	return space->stale;
}

void address_space_unannounced(struct address_space *space)
{
	space->unannounced = true;
}

void address_space_check_paths(struct address_space *space, struct file_thread *files)
{
	if (space->checks_paths || monotonic_ms() - space->checked_ms < PATHS_INTERVAL_MS)
		return;
	space->checked_ms = monotonic_ms();
	path_check_begin(files, space->modules, space->pid, &space->checks_paths);
}

size_t address_space_module_count(const struct address_space *space)
{
	return module_table_count(space->modules);
}

const struct module *address_space_module(const struct address_space *space, uint32_t number)
{
	return module_table_get(space->modules, number);
}

bool address_space_is_code(const struct address_space *space, uint64_t address)
{
	return maps_find(space->maps, address) != NULL;
}

static bool should_read(const struct address_space *space, bool missing)
{
	double age_ms = monotonic_ms() - space->read_ms, least_ms = interval_ms(space);

	if (space->stale)
		return age_ms > least_ms;
	if (missing)
		return age_ms > greater(space->miss_interval_ms, least_ms);
	return space->unannounced && age_ms > greater(UNANNOUNCED_INTERVAL_MS, least_ms);
}

void address_space_catch_up(struct address_space *space)
{
	if (should_read(space, false))
		(void)address_space_read(space, NULL);
}

struct module *address_space_locate(struct address_space *space, uint64_t address,
				    uint64_t *ret_offset)
{
	bool missing = !(address >> 63) && !address_space_is_code(space, address);

	if (should_read(space, missing)) {
		(void)address_space_read(space, NULL);
		if (!missing || address_space_is_code(space, address))
			space->miss_interval_ms = INTERVAL_MS;
		else if (space->miss_interval_ms < MISS_INTERVAL_MAX_MS)
			space->miss_interval_ms *= 2;
	}
	return module_table_locate(space->modules, space->maps, address, ret_offset);
}

struct module *address_space_locate_frame(struct address_space *space, uint64_t frame,
					  uint64_t *ret_offset)
{
	uint64_t address = frame_address(frame);
	uint8_t tag = frame_tag(frame);
	struct module *module = address_space_locate(space, address, ret_offset);

	if (!tag || tag == tag_of(module, address, *ret_offset))
		return module;
	for (size_t i = 1; i <= FORMERS_MAX && i <= space->next_former; i++) {
		const struct former *former =
		    &space->formers[(space->next_former - i) % FORMERS_MAX];
		uint64_t offset = former->offset + (address - former->start);

		if (address < former->start || address >= former->end ||
		    tag != tag_of(former->module, address, offset))
			continue;
		*ret_offset = offset;
		return former->module;
	}
	*ret_offset = address;
	return module_table_unknown(space->modules);
}

struct module *address_space_find_perf_map(struct address_space *space)
{
	return module_table_find_perf_map(space->modules);
}
