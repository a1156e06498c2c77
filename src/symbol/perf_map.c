/*
 * Entries in the order of the file, their names in one pool in the same order: so the older half
 * goes with two moves. A look-up goes backwards through all entries, which takes well below a
 * millisecond for as many as are kept, and needs no index that a hostile order of overlaps could
 * make slow.
 */
#include "config.h"

#include "symbol/perf_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "symbol/cut.h"

enum {
	NAME_SIZE = 1024,	/* with its NUL; longer names are cut in the middle */
	LINE_MAX_BYTES = 65536, /* a longer one is no line of this file */
	CHUNK_BYTES = 65536,
	REFRESH_MS = 100,
	PAUSE_FACTOR = 4, /* of the time that reading took */
};

struct entry {
	uint64_t start;
	uint64_t end;
};

struct perf_map {
	int fd;
	off_t position; /* of the first byte that was not read yet */
	bool skipping;	/* the rest of the line at `position` is no line of its own */
	bool cut;
	struct entry *entries; /* owned, as are the next two */
	uint32_t *names;       /* of each entry, in the pool */
	char *pool;
	size_t count;
	size_t capacity;
	size_t pool_used;
	size_t pool_size;
	char *line; /* owned; the beginning of a line without its end */
	size_t line_used;
	double read_ms; /* when it was last read, and how long that took */
	double cost_ms;
};

struct perf_map *perf_map_new(int fd)
{
	struct perf_map *map = xcalloc(1, sizeof *map);

	map->fd = fd;
	map->line = xcalloc(LINE_MAX_BYTES, 1);
	return map;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	close(map->fd);
	free(map->entries);
	free(map->names);
	free(map->pool);
	free(map->line);
	free(map);
}

static void forget_all(struct perf_map *map)
{
	map->position = 0;
	map->skipping = map->cut = false;
	map->count = map->pool_used = map->line_used = 0;
}

static void forget_older_half(struct perf_map *map)
{
	size_t gone = (map->count + 1) / 2, kept = map->count - gone;
	uint32_t pool_start = kept ? map->names[gone] : (uint32_t)map->pool_used;

	memmove(map->entries, map->entries + gone, kept * sizeof *map->entries);
	memmove(map->pool, map->pool + pool_start, map->pool_used - pool_start);
	for (size_t i = 0; i < kept; i++)
		map->names[i] = map->names[gone + i] - pool_start;
	map->count = kept;
	map->pool_used -= pool_start;
	map->cut = true;
}

static void make_room(struct perf_map *map, size_t name_size)
{
	while (map->count && (map->count == PERF_MAP_ENTRIES_MAX ||
			      name_size > PERF_MAP_BYTES_MAX - map->pool_used))
		forget_older_half(map);
	if (map->count == map->capacity) {
		map->capacity = map->capacity ? map->capacity * 2 : 1024;
		map->entries = xreallocarray(map->entries, map->capacity, sizeof *map->entries);
		map->names = xreallocarray(map->names, map->capacity, sizeof *map->names);
	}
	while (map->pool_size - map->pool_used < name_size) {
		map->pool_size = map->pool_size ? map->pool_size * 2 : CHUNK_BYTES;
		map->pool = xreallocarray(map->pool, map->pool_size, 1);
	}
}

static void add(struct perf_map *map, const struct entry *entry, const char *name, size_t length)
{
	char cut[NAME_SIZE];
	size_t size = cut_middle(cut, sizeof cut, name, length) + 1;

	make_room(map, size);
	map->entries[map->count] = *entry;
	map->names[map->count++] = (uint32_t)map->pool_used;
	memcpy(map->pool + map->pool_used, cut, size);
	map->pool_used += size;
}

/* Up to sixteen hexadecimal digits, with or without "0x". NULL, or what is behind them. */
static const char *parse_hex(const char *text, const char *end, uint64_t *ret_value)
{
	const char *digit;
	uint64_t value = 0;

	if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (digit = text; digit < end; digit++) {
		unsigned letter = (unsigned char)*digit | 0x20U;

		if (*digit >= '0' && *digit <= '9')
			value = value << 4 | (uint64_t)(*digit - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (letter - 'a' + 10);
		else
			break;
	}
	if (digit == text || digit - text > 16)
		return NULL;
	*ret_value = value;
	return digit;
}

/* A line that is none of an entry says nothing, as does one of no bytes or that wraps around. */
static void add_line(struct perf_map *map, const char *line, const char *end)
{
	const char *text;
	struct entry entry;
	uint64_t size;

	text = parse_hex(line, end, &entry.start);
	if (!text || text == end || *text != ' ')
		return;
	text = parse_hex(text + 1, end, &size);
	if (!text || text == end || *text != ' ')
		return;
	while (text < end && *text == ' ')
		text++;
	if (text < end && end[-1] == '\r')
		end--;
	if (text == end || !size || __builtin_add_overflow(entry.start, size, &entry.end))
		return;
	/* A NUL would end the name for some readers and not for others. */
	add(map, &entry, text, strnlen(text, (size_t)(end - text)));
}

/* Keeps the beginning of a line until its end comes. One that is too long is passed over. */
static void keep_beginning(struct perf_map *map, const char *text, size_t size)
{
	if (map->skipping)
		return;
	if (size > LINE_MAX_BYTES - map->line_used) {
		map->skipping = true;
		map->line_used = 0;
		return;
	}
	memcpy(map->line + map->line_used, text, size);
	map->line_used += size;
}

static void take_chunk(struct perf_map *map, const char *text, size_t size)
{
	const char *end = text + size, *newline;

	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		if (map->line_used) {
			keep_beginning(map, text, (size_t)(newline - text));
			add_line(map, map->line, map->line + map->line_used);
		} else if (!map->skipping) {
			add_line(map, text, newline);
		}
		map->line_used = 0;
		map->skipping = false;
	}
	keep_beginning(map, text, (size_t)(end - text));
}

void perf_map_read(struct perf_map *map)
{
	char chunk[CHUNK_BYTES];
	struct stat found;
	ssize_t n = 0;

	if (fstat(map->fd, &found))
		return;
	if (found.st_size < map->position)
		forget_all(map);
	if (found.st_size - map->position > PERF_MAP_BYTES_MAX) {
		map->position = found.st_size - PERF_MAP_BYTES_MAX;
		map->line_used = 0;
		map->skipping = map->cut = true;
	}
	/* Up to where the file was: one that is written faster than it is read has an end, too. */
	while (map->position < found.st_size) {
		off_t left = found.st_size - map->position;

		n = pread(map->fd, chunk, left < CHUNK_BYTES ? (size_t)left : sizeof chunk,
			  map->position);
		if (n <= 0)
			break;
		take_chunk(map, chunk, (size_t)n);
		map->position += n;
	}
}

void perf_map_refresh(struct perf_map *map)
{
	double now = monotonic_ms();

	if (now - map->read_ms < REFRESH_MS + PAUSE_FACTOR * map->cost_ms)
		return;
	perf_map_read(map);
	map->read_ms = monotonic_ms();
	map->cost_ms = map->read_ms - now;
}

const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *ret_start)
{
	for (size_t i = map->count; i-- > 0;) {
		const struct entry *entry = &map->entries[i];

		if (address < entry->start || address >= entry->end)
			continue;
		*ret_start = entry->start;
		return map->pool + map->names[i];
	}
	return NULL;
}

bool perf_map_is_cut(const struct perf_map *map)
{
	return map->cut;
}
