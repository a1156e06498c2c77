/*
 * deep [SECONDS [DEPTH [FILE]]]: one thread busy at the bottom of DEPTH (default 25) frames of the
 * same function, without frame pointers. Each frame has a variable of its own on the stack. FILE, of
 * eight bytes, has the number of steps it has done. A small part of the time is the kernel's, as of all programs.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

static uint64_t own_steps;
static volatile uint64_t *steps = &own_steps;

OWN_FUNCTION uint64_t deep_spin(uint64_t end_ns)
{
	uint64_t value = end_ns;
	uint32_t step;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		for (step = 0; step < 1000000; step++) {
			value = value * 6364136223846793005u + 1442695040888963407u;
			USED(value);
		}
		*steps += step;
		sched_yield();
	}
	return value;
}

OWN_FUNCTION uint64_t deep_recurse(int depth, uint64_t end_ns)
{
	volatile uint64_t own[4] = { (uint64_t)depth, end_ns, 0, 0 };
	uint64_t value;

	if (depth <= 1)
		value = deep_spin(end_ns);
	else
		value = deep_recurse(depth - 1, end_ns);
	NO_TAIL_CALL();
	return value + own[0];
}

static void count_in(const char *path)
{
	int fd = open(path, O_RDWR);
	void *memory = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		exit(1);
	steps = memory;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 30;
	int depth = argc > 2 ? atoi(argv[2]) : 25;
	uint64_t value;

	if (argc > 3)
		count_in(argv[3]);
	value = deep_recurse(depth, clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9));
	USED(value);
	return 0;
}
