/* Prints the CPU time of a malloc and its free, in nanoseconds, again and again. */
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

enum { PAIRS = 50000 };

int main(void)
{
	for (;;) {
		uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		for (int i = 0; i < PAIRS; i++) {
			void *block = malloc(100);

			USED(block);
			free(block);
		}
		printf("%.2f\n", (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin) / PAIRS);
		fflush(stdout);
	}
}
