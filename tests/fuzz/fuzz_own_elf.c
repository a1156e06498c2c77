/* A file that the worker wants probed, as the program itself reads it. The first 16 bytes are two
 * offsets that are claimed to be functions. */
#include "config.h"

#include "symbol/own_elf.h"
#include "symbol/probe_check.h"
#include "symbol/probe_site.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply *answer = calloc(1, sizeof(*answer));
	uint64_t offsets[2];
	int fd;

	MUST(answer);
	if (size >= sizeof(offsets)) {
		memcpy(offsets, data, sizeof(offsets));
		fd = file_of(data + sizeof(offsets), size - sizeof(offsets));
		answer->found = 1;
		answer->text_size = 1;
		answer->allocator_count = 2;
		for (int i = 0; i < 2; i++) {
			answer->allocators[i].offset = offsets[i] >> 8;
			answer->allocators[i].delta = (uint16_t)(offsets[i] & PROBE_DELTA_MAX);
			answer->allocators[i].function = i ? 9 : 0;
		}
		(void)probe_check(answer, fd, fd);
		MUST(answer->allocator_count <= 2 && answer->stack_runtime <= STACK_RUNTIME_SPLIT);
		close(fd);
	}
	free(answer);
	return 0;
}
