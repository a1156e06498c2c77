/* The kernel's symbols. */
#include "config.h"

#include "symbol/kallsyms.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	struct kallsyms *kallsyms = NULL;

	if (kallsyms_read(&kallsyms, fd) == 0) {
		for (uint64_t at = 0; at < 256; at++) {
			uint64_t address = UINT64_C(0xffffffff81000000) + at * 0x40, start, end;
			const char *name = kallsyms_find(kallsyms, address, &start, &end);

			touch_text(name);
			MUST(!name || start <= address);
		}
		kallsyms_free(kallsyms);
	}
	close(fd);
	return 0;
}
