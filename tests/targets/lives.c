/*
 * lives SECONDS keep|free LIBRARY...: a process in which nothing stays: all the while it starts a thread
 * that loads one of the libraries (libswap_*.so), works in it, unloads it and ends, and frees what it
 * had; with "keep" not what the library has allocated. After that it waits.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

enum { WORK_MS = 20, THREADS = 2, FIRST_LIBRARY = 3 };

struct life {
	const char *path;
	int keep;
};

OWN_FUNCTION void work_in(const char *path, int keep)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void (*run)(unsigned milliseconds, int keep);

	if (!library)
		exit(1);
	*(void **)&run = dlsym(library, "swap_run");
	if (!run)
		exit(1);
	run(WORK_MS, keep);
	dlclose(library);
}

OWN_FUNCTION void *one_life(void *argument)
{
	const struct life *life = argument;
	void *own = malloc(5000);

	USED(own);
	work_in(life->path, life->keep);
	free(own);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t end_ns;
	int next = FIRST_LIBRARY;

	if (argc <= FIRST_LIBRARY)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9);
	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		pthread_t threads[THREADS];
		struct life lives[THREADS];

		for (int i = 0; i < THREADS; i++) {
			lives[i] = (struct life){argv[next], strcmp(argv[2], "keep") == 0};
			if (pthread_create(&threads[i], NULL, one_life, &lives[i]))
				return 1;
			next = next + 1 < argc ? next + 1 : FIRST_LIBRARY;
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	pause();
	return 0;
}
