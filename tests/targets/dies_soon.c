/*
 * dies_soon [MILLISECONDS [STATUS]]: allocates and spins in brief_work for so long (default 10) and
 * exits with STATUS (default 0).
 */
#include <stdlib.h>

#include "target.h"

OWN_FUNCTION void brief_work(uint64_t end_ns)
{
	void *pointer;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		pointer = malloc(100);
		USED(pointer);
		free(pointer);
	}
}

int main(int argc, char **argv)
{
	double milliseconds = argc > 1 ? atof(argv[1]) : 10;
	int status = argc > 2 ? atoi(argv[2]) : 0;

	brief_work(clock_ns(CLOCK_MONOTONIC) + (uint64_t)(milliseconds * 1e6));
	return status;
}
