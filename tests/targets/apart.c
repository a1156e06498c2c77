/*
 * apart [SECONDS]: two threads, "left" and "right", each of which spends its time in a function that
 * no other thread ever calls.
 */
#include <pthread.h>
#include <stdlib.h>

#include "target.h"

static uint64_t end_ns;

OWN_FUNCTION void use_the_cpu(void)
{
	uint64_t value = end_ns;
	uint32_t step;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		for (step = 0; step < 100000; step++) {
			value = value * 6364136223846793005u + 1442695040888963407u;
			USED(value);
		}
}

OWN_FUNCTION void *apart_left(void *argument)
{
	use_the_cpu();
	NO_TAIL_CALL();
	return argument;
}

OWN_FUNCTION void *apart_right(void *argument)
{
	use_the_cpu();
	NO_TAIL_CALL();
	return argument;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 30;
	pthread_t left, right;

	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	if (pthread_create(&left, NULL, apart_left, NULL) != 0 ||
	    pthread_create(&right, NULL, apart_right, NULL) != 0)
		return 1;
	(void)pthread_setname_np(left, "left");
	(void)pthread_setname_np(right, "right");
	pthread_join(left, NULL);
	pthread_join(right, NULL);
	return 0;
}
