/*
 * gaps SECONDS FILE: does again and again what needs the process's memory lock (maps, touches and unmaps
 * a page) and what an allocator's probe stops (malloc and free), and looks at the clock each time. FILE,
 * of eight bytes, has the longest time in nanoseconds that one turn took; it may be set to 0. Sleeps a
 * sixth of the time, so that it may run with a real-time priority.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

enum { PAGE_BYTES = 4096, SPIN_NS = 5000000, SLEEP_NS = 1000000 };

OWN_FUNCTION void gaps_turn(void)
{
	char *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *object = malloc(100);

	USED(object);
	free(object);
	if (page == MAP_FAILED)
		exit(1);
	*page = 1;
	(void)munmap(page, PAGE_BYTES);
}

/* The clock of the thread would not see it wait. */
OWN_FUNCTION void gaps_spin(volatile uint64_t *longest)
{
	uint64_t begin = clock_ns(CLOCK_MONOTONIC), last = begin;

	while (last - begin < SPIN_NS) {
		uint64_t now;

		gaps_turn();
		now = clock_ns(CLOCK_MONOTONIC);
		if (now - last > *longest)
			*longest = now - last;
		last = now;
	}
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = SLEEP_NS};
	int fd = argc > 2 ? open(argv[2], O_RDWR) : -1;
	uint64_t end = argc > 2 ? clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9) : 0;
	volatile uint64_t *longest;

	if (fd < 0)
		return 2;
	longest = mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (longest == MAP_FAILED)
		return 1;
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		gaps_spin(longest);
		nanosleep(&pause, NULL);
	}
	return 0;
}
