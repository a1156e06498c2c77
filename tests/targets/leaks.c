/*
 * leaks --list | --hold N | NAME...: programs with leaks and without, to be told apart. Each NAME is
 * a scenario that runs in a thread of its own; the process lives until it is killed. --list prints a
 * line `leaking NAME` or `harmless NAME` for each. Times are such that all phases are seen in a
 * minute. --hold just holds N objects of 32 bytes.
 */
#include <pthread.h>
#include <stdio.h>

#include "leaks.h"

static const struct scenario_set {
	const char *kind;
	const struct scenario *scenarios;
	const size_t *count;
} sets[] = {
	{"leaking", leaking, &leaking_count},
	{"leaking", leaking_partly, &leaking_partly_count},
	{"harmless", harmless, &harmless_count},
	{"harmless", bounded, &bounded_count},
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static void *thread_main(void *argument)
{
	const struct scenario *scenario = argument;

	scenario->run();
	NO_TAIL_CALL();
	return argument;
}

static const struct scenario *find(const char *name)
{
	size_t set, i;

	for (set = 0; set < SETS; set++)
		for (i = 0; i < *sets[set].count; i++)
			if (strcmp(sets[set].scenarios[i].name, name) == 0)
				return &sets[set].scenarios[i];
	return NULL;
}

static int start(const char *name)
{
	const struct scenario *scenario = find(name);
	pthread_t thread;

	if (!scenario) {
		fprintf(stderr, "leaks: no scenario %s\n", name);
		return 1;
	}
	return pthread_create(&thread, NULL, thread_main, (void *)scenario);
}

static int list(void)
{
	size_t set, i;

	for (set = 0; set < SETS; set++)
		for (i = 0; i < *sets[set].count; i++)
			printf("%s %s\n", sets[set].kind, sets[set].scenarios[i].name);
	return 0;
}

SITE(hold_alloc)
static void hold(long count)
{
	while (count-- > 0)
		hold_alloc(32);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc == 3 && strcmp(argv[1], "--hold") == 0)
		hold(atol(argv[2]));
	for (i = 1; i < argc; i++)
		if (start(argv[i]) != 0)
			return 1;
	for (;;)
		pause();
}
