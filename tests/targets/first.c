/*
 * first: allocates as early as a program can, in a constructor and at the begin of main, keeps both,
 * and ends soon.
 */
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

OWN_FUNCTION void site_constructor(void)
{
	void *pointer = malloc(12345);

	USED(pointer);
	NO_TAIL_CALL();
}

OWN_FUNCTION void site_main(void)
{
	void *pointer = malloc(54321);

	USED(pointer);
	NO_TAIL_CALL();
}

__attribute__((constructor)) static void construct(void)
{
	site_constructor();
}

int main(void)
{
	site_main();
	sleep(1);
	return 0;
}
