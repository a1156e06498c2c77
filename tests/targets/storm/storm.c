#include "storm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEPT = 16 };

struct object {
	unsigned char *bytes;
	uint32_t size;
};

static const struct storm *const storms[] = {
    &storm_threads, &storm_new_threads, &storm_forks,	  &storm_execs,
    &storm_spawns,  &storm_jumps,	&storm_signals,	  &storm_strict,
    &storm_filter,  &storm_libraries,
#ifdef __GLIBC__
    &storm_coroutines,
#endif
};

static volatile sig_atomic_t stopped;

static void on_term(int signal)
{
	(void)signal;
	stopped = 1;
}

void storm_must(bool success, const char *what)
{
	if (success)
		return;
	perror(what);
	_exit(111);
}

uint64_t storm_mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static uint64_t give_back(struct object *object)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < object->size; i++)
		hash = storm_mix(hash, object->bytes[i]);
	free(object->bytes);
	*object = (struct object){0};
	return hash;
}

static void resize(struct object *object, uint32_t size, unsigned char value)
{
	unsigned char *bytes = realloc(object->bytes, size);

	storm_must(bytes != NULL, "realloc");
	if (size > object->size)
		memset(bytes + object->size, value, size - object->size);
	*object = (struct object){bytes, size};
}

uint64_t storm_work(uint32_t seed, int objects, uint32_t most)
{
	struct object kept[KEPT] = {{0}};
	uint32_t state = seed * 2654435761u | 1;
	uint64_t hash = seed;

	for (int i = 0; i < objects; i++) {
		struct object *object = &kept[next(&state) % KEPT];

		if (object->bytes && next(&state) % 2)
			hash = storm_mix(hash, give_back(object));
		resize(object, 1 + next(&state) % most, (unsigned char)next(&state));
	}
	for (int i = 0; i < KEPT; i++)
		hash = storm_mix(hash, give_back(&kept[i]));
	return hash;
}

static const struct storm *find(const char *kind)
{
	for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++)
		if (strcmp(storms[i]->kind, kind) == 0)
			return storms[i];
	return NULL;
}

static void run(const struct storm *storm)
{
	uint64_t first = storm->round();
	unsigned different = 0;
	char line[128];
	int status = (int)(first % 100) + 1, length;

	while (!stopped)
		different += storm->round() != first;
	length = snprintf(line, sizeof(line), "%s %016llx %u\n", storm->kind,
			  (unsigned long long)first, different);
	storm_must(write(STDOUT_FILENO, line, (size_t)length) == length, "write");
	if (storm->only_exit)
		syscall(SYS_exit, status);
	exit(status);
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	const struct storm *storm;

	/* What a round of `execs` and `spawns` starts. */
	if (argc == 3)
		return (int)(storm_work((uint32_t)atoi(argv[2]), 100, 2000) % 64);
	storm = argc == 2 ? find(argv[1]) : NULL;
	storm_must(storm != NULL, "storms KIND");
	storm_must(sigaction(SIGTERM, &action, NULL) == 0, "sigaction");
	if (storm->begin)
		storm->begin(argv[0]);
	run(storm);
}
