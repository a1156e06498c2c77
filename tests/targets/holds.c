/*
 * holds SECONDS OBJECTS FILE: allocates so many objects from 1024 call paths, keeps them all and
 * then sleeps. FILE, of eight bytes, has the number of objects once all are there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

enum { LEVELS = 10, SIZE = 64 };

OWN_FUNCTION uint64_t holds_some(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		void *object = malloc(SIZE);

		if (!object)
			exit(1);
		USED(object);
	}
	return count;
}

/* Each level calls the next from two places. */
OWN_FUNCTION uint64_t holds_by_path(int level, uint64_t each)
{
	uint64_t held;

	if (!level)
		held = holds_some(each);
	else {
		held = holds_by_path(level - 1, each);
		NO_TAIL_CALL();
		held += holds_by_path(level - 1, each);
	}
	NO_TAIL_CALL();
	return held;
}

int main(int argc, char **argv)
{
	volatile uint64_t *held;
	int fd = argc > 3 ? open(argv[3], O_RDWR) : -1;

	if (fd < 0)
		return 2;
	held = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (held == MAP_FAILED)
		return 1;
	*held = holds_by_path(LEVELS, strtoul(argv[2], NULL, 0) >> LEVELS);
	sleep((unsigned)atoi(argv[1]));
	return 0;
}
