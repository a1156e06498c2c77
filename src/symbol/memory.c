#include "config.h"

#include "symbol/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* False when the kernel does not tell. */
static bool read_resident(int statm_fd, uint64_t *ret_private, uint64_t *ret_file)
{
	uint64_t resident, file, page = (uint64_t)sysconf(_SC_PAGESIZE);
	char text[128];
	ssize_t size = pread(statm_fd, text, sizeof(text) - 1, 0);

	if (size <= 0)
		return false;
	text[size] = '\0';
	if (sscanf(text, "%*u %" SCNu64 " %" SCNu64, &resident, &file) != 2 || file > resident)
		return false;
	*ret_private = (resident - file) * page;
	*ret_file = file * page;
	return true;
}

uint64_t memory_private_bytes(int statm_fd)
{
	uint64_t bytes, file;

	return read_resident(statm_fd, &bytes, &file) ? bytes : 0;
}

/* AddressSanitizer's shadow is more than any limit. */
int memory_open(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit limit = {MEMORY_DATA_MAX, MEMORY_DATA_MAX};

	(void)setrlimit(RLIMIT_DATA, &limit);
#endif
	return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

static bool has_indexes(const struct module *module)
{
	return module->dwfl || module->kallsyms;
}

/* The module to give something up: the least recently used that has lines, or else any index. */
static struct module *find_oldest(struct module **modules, size_t count,
				  const struct module *current, bool lines)
{
	struct module *oldest = NULL;

	for (size_t i = 0; i < count; i++) {
		struct module *module = modules[i];

		if (!module || module == current ||
		    !(lines ? module->lines != NULL : has_indexes(module)))
			continue;
		if (!oldest || module->used < oldest->used)
			oldest = module;
	}
	return oldest;
}

static bool drop_one(struct module **modules, size_t count, const struct module *current)
{
	struct module *module = find_oldest(modules, count, current, true);

	if (module) {
		module_drop_lines(module);
	} else {
		module = find_oldest(modules, count, current, false);
		if (!module)
			return false;
		module_drop_indexes(module);
	}
	(void)malloc_trim(0);
	return true;
}

void memory_trim(int statm_fd, struct module **modules, size_t count, const struct module *current)
{
	uint64_t bytes, file;

	if (!read_resident(statm_fd, &bytes, &file))
		return;
	for (size_t i = 0; file > MEMORY_FILE_MAX && i < count; i++)
		if (modules[i])
			module_release_pages(modules[i]);
	while (bytes > MEMORY_PRIVATE_MAX && drop_one(modules, count, current))
		if (!read_resident(statm_fd, &bytes, &file))
			return;
}
