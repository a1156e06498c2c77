/*
 * A perf map that grows: half of the bytes are there at first. The first eight are an address. The names
 * are then taken apart.
 */
#include "config.h"

#include "symbol/jit_name.h"
#include "symbol/perf_map.h"

#include "fuzz.h"

static void take_apart(const char *name)
{
	struct jit_name parts;

	touch_text(name);
	if (!name || !jit_name_parse(name, &parts))
		return;
	touch_text(parts.function);
	touch_text(parts.file);
	MUST(parts.function[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t address, start;
	struct perf_map *map;
	int fd;

	if (size < sizeof(address))
		return 0;
	memcpy(&address, data, sizeof(address));
	data += sizeof(address);
	size -= sizeof(address);
	fd = file_of(data, size / 2);
	map = perf_map_new(dup(fd));
	perf_map_read(map);
	take_apart(perf_map_find(map, address, &start));
	MUST(pwrite(fd, data + size / 2, size - size / 2, (off_t)(size / 2)) >= 0);
	perf_map_read(map);
	for (uint64_t at = 0; at < 64; at++) {
		const char *name = perf_map_find(map, at * 0x400, &start);

		take_apart(name);
		MUST(!name || start <= at * 0x400);
	}
	touch_text(perf_map_find(map, address, &start));
	perf_map_free(map);
	close(fd);
	return 0;
}
