/* Coroutines that change stacks while they hold memory: with C libraries that have contexts. */
#include "storm.h"

#ifdef __GLIBC__

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { COROUTINES = 16, STACK_BYTES = 1 << 16, YIELDS = 30 };

static ucontext_t scheduler, contexts[COROUTINES];
static uint64_t results[COROUTINES];

static void run_coroutine(int number)
{
	uint64_t hash = (uint64_t)number;

	for (int i = 0; i < YIELDS; i++) {
		char *block = malloc(100 + (size_t)(number * 7 + i));

		storm_must(block != NULL, "malloc");
		memset(block, number + i, 100);
		storm_must(swapcontext(&contexts[number], &scheduler) == 0, "swapcontext");
		hash = storm_mix(hash, (unsigned char)block[99]);
		free(block);
	}
	results[number] = hash;
}

static uint64_t round_coroutines(void)
{
	static char stacks[COROUTINES][STACK_BYTES];
	volatile uint64_t hash = 3;

	for (volatile int i = 0; i < COROUTINES; i++) {
		storm_must(getcontext(&contexts[i]) == 0, "getcontext");
		/* Up and down the addresses in turn. */
		contexts[i].uc_stack.ss_sp = stacks[i * 7 % COROUTINES];
		contexts[i].uc_stack.ss_size = STACK_BYTES;
		contexts[i].uc_link = &scheduler;
		makecontext(&contexts[i], (void (*)(void))run_coroutine, 1, i);
	}
	for (int turn = 0; turn <= YIELDS; turn++)
		for (int i = 0; i < COROUTINES; i++)
			storm_must(swapcontext(&scheduler, &contexts[i]) == 0, "swapcontext");
	for (int i = 0; i < COROUTINES; i++)
		hash = storm_mix(hash, results[i]);
	return hash;
}

const struct storm storm_coroutines = {"coroutines", NULL, round_coroutines, false};

#endif
