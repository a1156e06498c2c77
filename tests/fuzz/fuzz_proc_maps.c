/* The text of a maps file, for both of its readers. */
#include "config.h"

#include <stdio.h>

#include "target/maps.h"
#include "target/memory_map.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_map *memory = memory_map_new(getpid());
	char *text = text_of(data, size);
	struct maps *maps = NULL;
	FILE *file;

	if (size) {
		file = fmemopen(text, size, "r");
		MUST(file);
		if (maps_parse(&maps, file) == 0) {
			const struct mapping *mapping = NULL;

			for (uint64_t at = 0; (mapping = maps_after(maps, at)); at = mapping->end) {
				MUST(mapping->start < mapping->end && mapping->end > at);
				touch_text(mapping->path);
			}
			maps_free(maps);
		}
		(void)fclose(file);
		file = fmemopen(text, size, "r");
		MUST(file);
		memory_map_parse(memory, file);
		(void)fclose(file);
		for (uint64_t at = 0; at < 64; at++)
			(void)memory_map_kind(memory, at << 36);
		(void)memory_map_brk_bytes(memory);
	}
	memory_map_free(memory);
	free(text);
	return 0;
}
