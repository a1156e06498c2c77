/*
 * returns SECONDS FRAMES: goes down FRAMES frames of the same function, without frame pointers,
 * allocates and frees there, and comes back, again and again.
 */
#include <stdlib.h>

#include "target.h"

OWN_FUNCTION void returns_allocate(void)
{
	void *object = malloc(64);

	USED(object);
	free(object);
}

OWN_FUNCTION int returns_recurse(int depth)
{
	volatile int own[8] = {depth};

	if (depth <= 1)
		returns_allocate();
	else
		own[1] = returns_recurse(depth - 1);
	NO_TAIL_CALL();
	return own[0] + own[1];
}

int main(int argc, char **argv)
{
	uint64_t end_ns;

	if (argc < 3)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9);
	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		USED(returns_recurse(atoi(argv[2])));
	return 0;
}
