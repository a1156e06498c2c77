/*
 * pairs SECONDS THREADS FRAMES FILE [SIZE]: each thread allocates SIZE bytes (default 64) and frees
 * them again, all the time, at the bottom of a stack of FRAMES frames (at least 5) without frame
 * pointers. FILE, of PAIRS_SLOT bytes for each thread, has the number of pairs that each has done.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

/* A cache line or two for each counter; OTHERS are the frames beside pairs_recurse()'s:
 * pairs_loop(), pairs_thread() and the C library's two. */
enum { PAIRS_SLOT = 128, PAIRS_STEP = 1000, OTHERS = 4, THREADS_MAX = 64 };

struct work {
	pthread_t thread;
	volatile uint64_t *pairs;
	uint64_t end_ns;
	size_t size;
	int depth;
};

OWN_FUNCTION void pairs_loop(const struct work *work)
{
	while (clock_ns(CLOCK_MONOTONIC) < work->end_ns) {
		for (int step = 0; step < PAIRS_STEP; step++) {
			void *object = malloc(work->size);

			USED(object);
			free(object);
		}
		*work->pairs += PAIRS_STEP;
	}
}

OWN_FUNCTION int pairs_recurse(const struct work *work, int depth)
{
	volatile int own[8] = {depth};

	if (depth <= 1)
		pairs_loop(work);
	else
		own[1] = pairs_recurse(work, depth - 1);
	NO_TAIL_CALL();
	return own[0] + own[1];
}

OWN_FUNCTION void *pairs_thread(void *argument)
{
	const struct work *work = argument;
	int depth = pairs_recurse(work, work->depth);

	USED(depth);
	return NULL;
}

int main(int argc, char **argv)
{
	struct work works[THREADS_MAX];
	int threads = argc > 4 ? atoi(argv[2]) : 0;
	int fd = threads > 0 ? open(argv[4], O_RDWR) : -1;
	char *slots;

	if (fd < 0 || threads > THREADS_MAX)
		return 2;
	slots = mmap(NULL, (size_t)threads * PAIRS_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slots == MAP_FAILED)
		return 1;
	for (int i = 0; i < threads; i++) {
		works[i].pairs = (volatile uint64_t *)(slots + i * PAIRS_SLOT);
		works[i].end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9);
		works[i].size = argc > 5 ? strtoul(argv[5], NULL, 0) : 64;
		works[i].depth = atoi(argv[3]) - OTHERS;
		if (pthread_create(&works[i].thread, NULL, pairs_thread, &works[i]))
			return 1;
	}
	for (int i = 0; i < threads; i++)
		pthread_join(works[i].thread, NULL);
	return 0;
}
