/*
 * Holds objects of sizes from 16 bytes to 64 MiB, each size allocated by a function of its own, among
 * as much that is freed again at once. Writes what each function holds, as tests/targets/ledger.h does.
 *
 *   sizes --out FILE [--wait] [--rounds N]     --wait: begins when a line comes by standard input
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

/* Bytes that each function holds after a round; the largest sizes hold two objects. */
enum { HELD_BYTES = 8 << 20 };

static void **held;
static size_t held_count, held_room;

static void keep(void *object)
{
	if (!object)
		abort();
	if (held_count == held_room) {
		held_room = held_room ? 2 * held_room : 1 << 16;
		held = realloc(held, held_room * sizeof(*held));
		if (!held)
			abort();
	}
	held[held_count++] = object;
}

#define SITE(name, bytes)                                                                          \
	OWN_FUNCTION static void *name(void)                                                  \
	{                                                                                          \
		void *object = malloc(bytes);                                                      \
		USED(object);                                                                      \
		return object;                                                                     \
	}

#define SITES(each)                                                                                \
	each(site_16, 16) each(site_100, 100) each(site_1k, 1 << 10) each(site_5k, 5000)           \
	    each(site_16k, 16 << 10) each(site_100k, 100000) each(site_512k, 512 << 10)            \
		each(site_4m, 4 << 20) each(site_64m, 64 << 20)

SITES(SITE)

static size_t count_of(size_t bytes)
{
	return bytes > HELD_BYTES / 2 ? 2 : HELD_BYTES / bytes;
}

#define RUN(name, bytes)                                                                           \
	for (size_t i = 0; i < count_of(bytes); i++) {                                             \
		keep(name());                                                                      \
		free(name());                                                                      \
	}

#define REPORT(name, bytes)                                                                        \
	fprintf(out, "site %s %zu %zu %zu %zu\n", #name, rounds *count_of(bytes) * (bytes),  \
		rounds *count_of(bytes), 2 * rounds * count_of(bytes) * (bytes),                   \
		2 * rounds * count_of(bytes));

int main(int argc, char **argv)
{
	const char *path = NULL;
	size_t rounds = 1;
	FILE *out;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
			path = argv[++i];
		else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--wait") == 0)
			(void)getchar();
	}
	if (!path)
		return 2;
	for (size_t round = 0; round < rounds; round++) {
		SITES(RUN)
	}
	out = fopen(path, "w");
	if (!out)
		return 1;
	SITES(REPORT)
	fputs("done\n", out);
	fclose(out);
	for (;;)
		pause();
}
