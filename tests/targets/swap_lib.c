/*
 * A library that is loaded and unloaded: its name, WHO, is in its functions, and the two that are made
 * of this have them at the same places.
 */
#include <stdlib.h>

#include "target.h"

#define JOIN2(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN2(a, b, c)

enum { OBJECT_BYTES = 1000, SPIN_ROUNDS = 1000000 };

OWN_FUNCTION void JOIN(swap_, WHO, _hot)(void)
{
	for (unsigned i = 0; i < SPIN_ROUNDS; i++)
		__asm__ volatile("");
}

OWN_FUNCTION void *JOIN(site_swap_, WHO, )(void)
{
	void *object = malloc(OBJECT_BYTES);

	USED(object);
	return object;
}

static void spin(unsigned milliseconds)
{
	uint64_t end = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + milliseconds * 1000000ull;

	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		JOIN(swap_, WHO, _hot)();
}

/* Uses so much CPU time, and allocates at the begin and in the middle, to keep it or to free it. */
void swap_run(unsigned milliseconds, int keep)
{
	for (int half = 0; half < 2; half++) {
		void *object = JOIN(site_swap_, WHO, )();

		spin(milliseconds / 2);
		if (!keep)
			free(object);
	}
}
