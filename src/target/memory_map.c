#include "config.h"

#include "target/memory_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "target/maps.h"

enum {
	/* The mappings are not read for more than one in so many parts of our time. */
	INTERVAL_PARTS = 200,
	/* Ranges that are kept; neighbours of one kind are one range. Beyond, all is unmapped. */
	RANGES_MAX = 1 << 20,
};

static const double interval_least_s = 0.25;

struct range {
	uint64_t start, end;
	bool anonymous;
};

struct memory_map {
	int pid;
	struct range *ranges; /* by address, without overlaps */
	size_t count, capacity;
	uint64_t brk_bytes, brk_end;
	double worked_s; /* what the last reading took */
	double next_s;
};

struct memory_map *memory_map_new(int pid)
{
	struct memory_map *map = xcalloc(1, sizeof(*map));

	map->pid = pid;
	return map;
}

void memory_map_free(struct memory_map *map)
{
	if (!map)
		return;
	free(map->ranges);
	free(map);
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Stacks are anonymous memory like any other. What has a path is a file even when its inode is 0.
 */
static bool is_anonymous(const struct mapping *mapping, const char *name)
{
	return mapping->inode == 0 && (name[0] == '\0' || strcmp(name, "[heap]") == 0 ||
				       begins_with(name, "[stack") || begins_with(name, "[anon:"));
}

static void add(struct memory_map *map, const struct mapping *mapping, bool anonymous)
{
	struct range *last = map->count ? &map->ranges[map->count - 1] : NULL;

	/* The kernel writes them by address. */
	if (last && mapping->start < last->end)
		return;
	if (last && last->end == mapping->start && last->anonymous == anonymous) {
		last->end = mapping->end;
		return;
	}
	if (map->count == RANGES_MAX)
		return;
	if (map->count == map->capacity) {
		map->capacity = map->capacity ? 2 * map->capacity : 256;
		map->ranges = xreallocarray(map->ranges, map->capacity, sizeof(*map->ranges));
	}
	map->ranges[map->count++] = (struct range){mapping->start, mapping->end, anonymous};
}

void memory_map_parse(struct memory_map *map, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	map->count = 0;
	map->brk_bytes = map->brk_end = 0;
	while ((length = getline(&line, &size, file)) >= 0) {
		struct mapping mapping;
		const char *name;

		if (!maps_take_line(line, (size_t)length, &mapping, &name))
			continue;
		name += strspn(name, " ");
		if (strcmp(name, "[heap]") == 0) {
			map->brk_bytes += mapping.end - mapping.start;
			map->brk_end = mapping.end;
		}
		add(map, &mapping, is_anonymous(&mapping, name));
	}
	free(line);
}

/* What we have worked, whatever else the machine does. */
static double worked_s(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double memory_map_pause_s(double worked_s, double worked_before_s)
{
	double pause_s = fmin(worked_s, worked_before_s) * INTERVAL_PARTS;

	return pause_s > interval_least_s ? pause_s : interval_least_s;
}

bool memory_map_refresh(struct memory_map *map, double now_s)
{
	double begin_s = worked_s(), before_s = map->worked_s;
	char path[64];
	FILE *file;
	int first;

	if (now_s < map->next_s)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", map->pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* A process that has ended and is not yet waited for has no mappings. */
	first = fgetc(file);
	if (first != EOF && ungetc(first, file) == first)
		memory_map_parse(map, file);
	(void)fclose(file);
	map->worked_s = worked_s() - begin_s;
	map->next_s = now_s + memory_map_pause_s(map->worked_s, before_s);
	return first != EOF;
}

static int compare_address(const void *key, const void *element)
{
	uint64_t address = *(const uint64_t *)key;
	const struct range *range = element;

	if (address < range->start)
		return -1;
	return address >= range->end;
}

enum memory_kind memory_map_kind(const struct memory_map *map, uint64_t address)
{
	const struct range *range = map->count ? bsearch(&address, map->ranges, map->count,
							 sizeof(*map->ranges), compare_address)
					       : NULL;

	if (!range)
		return MEMORY_UNMAPPED;
	return range->anonymous ? MEMORY_ANONYMOUS : MEMORY_FILE;
}

uint64_t memory_map_brk_bytes(const struct memory_map *map)
{
	return map->brk_bytes;
}

uint64_t memory_map_brk_end(const struct memory_map *map)
{
	return map->brk_end;
}
