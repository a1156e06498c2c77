/*
 * lives SECONDS LIBRARY...: a process in which nothing stays: all the while it starts a thread that
 * loads one of the libraries (libswap_*.so), works in it, unloads it and ends, and frees what it had.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "target.h"

enum { WORK_MS = 20, THREADS = 2 };

OWN_FUNCTION void work_in(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void (*run)(unsigned milliseconds, int keep);

	if (!library)
		exit(1);
	*(void **)&run = dlsym(library, "swap_run");
	if (!run)
		exit(1);
	run(WORK_MS, 0);
	dlclose(library);
}

OWN_FUNCTION void *one_life(void *path)
{
	void *own = malloc(5000);

	USED(own);
	work_in(path);
	free(own);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t end_ns;
	int next = 2;

	if (argc < 3)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(atof(argv[1]) * 1e9);
	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		pthread_t threads[THREADS];

		for (int i = 0; i < THREADS; i++) {
			if (pthread_create(&threads[i], NULL, one_life, argv[next]))
				return 1;
			next = next + 1 < argc ? next + 1 : 2;
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}
