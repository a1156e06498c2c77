/*
 * deep [SECONDS [DEPTH]]: one thread busy at the bottom of DEPTH (default 25) frames of the same
 * function, without frame pointers. Each frame has a variable of its own on the stack.
 */
#include <stdlib.h>

#include "target.h"

OWN_FUNCTION uint64_t deep_spin(uint64_t end_ns)
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

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 30;
	int depth = argc > 2 ? atoi(argv[2]) : 25;
	uint64_t value = deep_recurse(depth, clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9));

	USED(value);
	return 0;
}
