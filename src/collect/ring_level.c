/*
 * The first page of a ring buffer's map has the consumer's position, the second the producer's
 * (kernel/bpf/ringbuf.c).
 */
#include "config.h"

#include "collect/ring_level.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"

struct ring_level {
	const uint64_t *consumer, *producer;
	size_t page;
};

struct ring_level *ring_level_open(int fd)
{
	struct ring_level *level = xcalloc(1, sizeof(*level));
	void *memory;

	level->page = (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, 2 * level->page, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		int code = errno;

		free(level);
		errno = code;
		return NULL;
	}
	level->consumer = memory;
	level->producer = level->consumer + level->page / sizeof(uint64_t);
	return level;
}

void ring_level_close(struct ring_level *level)
{
	if (!level)
		return;
	(void)munmap((void *)(uintptr_t)level->consumer, 2 * level->page);
	free(level);
}

uint64_t ring_level_bytes(const struct ring_level *level)
{
	uint64_t read, written;

	if (!level)
		return 0;
	read = __atomic_load_n(level->consumer, __ATOMIC_ACQUIRE);
	written = __atomic_load_n(level->producer, __ATOMIC_ACQUIRE);
	return written > read ? written - read : 0;
}
