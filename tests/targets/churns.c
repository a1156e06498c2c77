/*
 * churns KIND SECONDS [FILE FILE]: maps and unmaps executable memory as fast as it can: at the
 * "same" place, at places that "wander", or parts of two "files" in turn at one place.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

enum { PAGE = 4096, WANDER_BYTES = 1 << 30 };

static char *map(char *place, int flags, int fd)
{
	return mmap(place, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | flags, fd, 0);
}

OWN_FUNCTION int churn_same(void)
{
	char *page = map(NULL, MAP_ANONYMOUS, -1);
	int code = page == MAP_FAILED ? -1 : munmap(page, PAGE);

	NO_TAIL_CALL();
	return code;
}

/* Every second page of an area, one after the other. */
OWN_FUNCTION int churn_wander(char *area, size_t round)
{
	char *place = area + round * 2 * PAGE % WANDER_BYTES;
	int code = map(place, MAP_ANONYMOUS | MAP_FIXED, -1) == MAP_FAILED ? -1
									    : munmap(place, PAGE);

	NO_TAIL_CALL();
	return code;
}

OWN_FUNCTION int churn_files(char *area, const int *fds, size_t round)
{
	int code = map(area, MAP_FIXED, fds[round % 2]) == MAP_FAILED ? -1 : 0;

	NO_TAIL_CALL();
	return code;
}

int main(int argc, char **argv)
{
	/* A place where nothing else comes to be. */
	char *area = mmap(NULL, WANDER_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2] = {-1, -1};
	uint64_t end;

	if (argc < 3 || area == MAP_FAILED || munmap(area, WANDER_BYTES))
		return 2;
	for (int i = 3; i < argc && i < 5; i++)
		fds[i - 3] = open(argv[i], O_RDONLY);
	end = clock_ns(CLOCK_MONOTONIC) + strtoull(argv[2], NULL, 10) * 1000000000u;
	for (size_t i = 0; clock_ns(CLOCK_MONOTONIC) < end; i++) {
		int code = strcmp(argv[1], "same") == 0	    ? churn_same()
			   : strcmp(argv[1], "wander") == 0 ? churn_wander(area, i)
							    : churn_files(area, fds, i);

		if (code)
			return 1;
	}
	return 0;
}
