/*
 * threads [SECONDS]: threads that come and go all the time, none older than some 20 ms. Everything
 * the process does is done in late_thread_work, by a thread that is not there yet when a profiler
 * attaches; two of them live at once.
 */
#include <pthread.h>
#include <stdlib.h>

#include "target.h"

#define WORK_NS 20000000u

OWN_FUNCTION void late_thread_work(void)
{
	uint64_t end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + WORK_NS;
	uint64_t value = end_ns;
	uint32_t step;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		for (step = 0; step < 100000; step++) {
			value = value * 6364136223846793005u + 1442695040888963407u;
			USED(value);
		}
}

OWN_FUNCTION void *late_thread_main(void *argument)
{
	late_thread_work();
	NO_TAIL_CALL();
	return argument;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 30;
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	pthread_t pair[2];
	int i;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		for (i = 0; i < 2; i++)
			if (pthread_create(&pair[i], NULL, late_thread_main, NULL) != 0)
				return 1;
		for (i = 0; i < 2; i++)
			pthread_join(pair[i], NULL);
	}
	return 0;
}
