/*
 * orphans SECONDS: the main thread ends at once, another one computes in orphan_work for so long, and
 * then ends the process.
 */
#include <pthread.h>
#include <stdlib.h>

#include "target.h"

OWN_FUNCTION uint64_t orphan_work(uint64_t end_ns)
{
	uint64_t value = end_ns;
	uint32_t step;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		for (step = 0; step < 1000000; step++) {
			value = value * 6364136223846793005u + 1442695040888963407u;
			USED(value);
		}
	return value;
}

static void *run(void *end)
{
	uint64_t value = orphan_work(*(uint64_t *)end);

	USED(value);
	exit(0);
}

int main(int argc, char **argv)
{
	static uint64_t end_ns;
	pthread_t thread;

	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)((argc > 1 ? atof(argv[1]) : 30) * 1e9);
	if (pthread_create(&thread, NULL, run, &end_ns))
		return 1;
	pthread_exit(NULL);
}
