/*
 * swaps LIBRARY_A LIBRARY_B ROUNDS LEDGER [PATH]: loads the two libraries in turn, at the same
 * address, runs in each for a while and unloads it. With PATH both are loaded under that name,
 * which becomes the other file each time. Fails when the addresses are not the same. The ledger says
 * what the libraries have allocated; after that it waits.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

enum { RUN_MS = 250, OBJECTS_PER_RUN = 2, OBJECT_BYTES = 1000 };

/* Makes `path` a name of the file `library`, whatever it was before. */
static int replace(const char *library, const char *path)
{
	char fresh[4096];

	if (snprintf(fresh, sizeof(fresh), "%s.fresh", path) >= (int)sizeof(fresh))
		return -1;
	if (link(library, fresh))
		return -1;
	return rename(fresh, path);
}

OWN_FUNCTION uintptr_t run_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct link_map *map = NULL;
	void (*run)(unsigned milliseconds, int keep);
	uintptr_t base;

	if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map))
		return 0;
	base = map->l_addr;
	*(void **)&run = dlsym(library, "swap_run");
	if (!run)
		return 0;
	run(RUN_MS, 1);
	dlclose(library);
	return base;
}

static int write_ledger(const char *path, unsigned rounds)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		unsigned objects = (rounds + 1 - i) / 2 * OBJECTS_PER_RUN;

		fprintf(file, "site site_swap_%c %u %u %u %u\n", "ab"[i], objects * OBJECT_BYTES,
			objects, objects * OBJECT_BYTES, objects);
	}
	fprintf(file, "done\n");
	return fclose(file);
}

int main(int argc, char **argv)
{
	uintptr_t base = 0;
	unsigned rounds;

	if (argc < 5)
		return 2;
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	for (unsigned i = 0; i < rounds; i++) {
		const char *library = argv[1 + i % 2];
		uintptr_t place;

		if (argc > 5 && replace(library, argv[5]))
			return 1;
		place = run_library(argc > 5 ? argv[5] : library);
		if (!place || (base && place != base))
			return 3;
		base = place;
	}
	if (write_ledger(argv[4], rounds))
		return 1;
	for (;;)
		pause();
}
