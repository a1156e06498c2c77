/*
 * load SECONDS FILE KIB [SIZE [HELD]]: allocates SIZE bytes (default 64) and frees the oldest of HELD
 * objects (default 1), with work between, which reads and writes KIB of memory at random places. FILE has two counters of LOAD_SLOT
 * bytes: the pairs done, and the nanoseconds of work for each pair, which may be changed at any time.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

enum { LOAD_SLOT = 64, CALIBRATE_STEPS = 2000000, BATCH_NS = 200000 };

static uint64_t *memory;
static uint64_t words;
static uint64_t state = 88172645463325252u;

/* Every place is read and written; the next place does not depend on it, as in most programs. */
OWN_FUNCTION void load_work(uint64_t steps)
{
	for (uint64_t step = 0; step < steps; step++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memory[state % words] += state;
	}
}

OWN_FUNCTION void *load_allocate(size_t size)
{
	void *object = malloc(size);

	USED(object);
	return object;
}

static double steps_per_ns(void)
{
	uint64_t begin;

	load_work(CALIBRATE_STEPS);
	begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	load_work(CALIBRATE_STEPS);
	return CALIBRATE_STEPS / (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin);
}

int main(int argc, char **argv)
{
	int fd = argc > 3 ? open(argv[2], O_RDWR) : -1;
	size_t size = argc > 4 ? strtoul(argv[4], NULL, 0) : 64;
	size_t held = argc > 5 ? strtoul(argv[5], NULL, 0) : 1, oldest = 0;
	void **objects;
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9);
	double speed;
	char *slots;

	if (fd < 0)
		return 2;
	slots = mmap(NULL, 2 * LOAD_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	words = strtoull(argv[3], NULL, 0) * 1024 / sizeof(*memory);
	memory = calloc(words, sizeof(*memory));
	objects = calloc(held, sizeof(*objects));
	if (slots == MAP_FAILED || !memory || !objects)
		return 1;
	speed = steps_per_ns();
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		uint64_t work_ns = *(volatile uint64_t *)(slots + LOAD_SLOT);
		uint64_t steps = (uint64_t)((double)work_ns * speed);
		uint64_t pairs = BATCH_NS / (work_ns + 50) + 1;

		for (uint64_t pair = 0; pair < pairs; pair++) {
			void *object = objects[oldest];

			objects[oldest] = load_allocate(size);
			load_work(steps);
			free(object);
			oldest = oldest + 1 < held ? oldest + 1 : 0;
		}
		*(volatile uint64_t *)slots += pairs;
	}
	return 0;
}
