/* Libraries that come and go, at addresses where others have been. */
#include "storm.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[PATH_MAX];

/* The libraries stand beside the program. */
static void begin(const char *program)
{
	char *end;

	storm_must(realpath(program, folder) != NULL, "realpath");
	end = strrchr(folder, '/');
	*end = '\0';
}

static uint64_t use(const char *name)
{
	char path[PATH_MAX + 32];
	void *library;
	uint64_t found = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	storm_must(library != NULL, "dlopen");
	found = dlsym(library, "malloc") != NULL;
	found = storm_mix(found, storm_work((uint32_t)strlen(name), 100, 3000));
	storm_must(dlclose(library) == 0, "dlclose");
	return found;
}

static uint64_t round_libraries(void)
{
	uint64_t hash = 4;

	for (int i = 0; i < 5; i++) {
		hash = storm_mix(hash, use("libswap_a.so"));
		hash = storm_mix(hash, use("libswap_b.so"));
	}
	return hash;
}

const struct storm storm_libraries = {"libraries", begin, round_libraries, false};
