/* Control that does not go from call to return: jumps, signal handlers. */
#include "storm.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* --- longjmp out of functions that are allocating -----------------------------------------------
 */

enum { DEPTH = 40, JUMPS = 50 };

static jmp_buf back;
static void *held[DEPTH];

__attribute__((noinline)) static void go_down(unsigned depth, unsigned until)
{
	char *block = malloc(64 + depth);

	storm_must(block != NULL, "malloc");
	memset(block, (int)depth, 64 + depth);
	held[depth] = block;
	if (depth == until)
		longjmp(back, (int)depth + 1);
	if (depth + 1 < DEPTH)
		go_down(depth + 1, until);
	/* Not a tail call, and never reached. */
	held[depth] = NULL;
}

static uint64_t round_jumps(void)
{
	volatile uint64_t hash = 1;

	for (volatile unsigned i = 0; i < JUMPS; i++) {
		unsigned until = i % DEPTH;
		int came = setjmp(back);

		if (came == 0)
			go_down(0, until);
		hash = storm_mix(hash, (uint64_t)came);
		for (unsigned depth = 0; depth <= i % DEPTH; depth++) {
			hash = storm_mix(hash, *(unsigned char *)held[depth]);
			free(held[depth]);
		}
	}
	return hash;
}

/* --- handlers all the time, on a stack of their own ----------------------------------------------
 */

static volatile uint64_t handled;

static void on_signal(int signal)
{
	handled += (uint64_t)signal;
}

static void begin_signals(const char *program)
{
	const struct sigaction action = {.sa_handler = on_signal,
					 .sa_flags = SA_RESTART | SA_ONSTACK};
	const struct itimerval often = {{0, 200}, {0, 200}};
	const stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};

	(void)program;
	storm_must(stack.ss_sp && sigaltstack(&stack, NULL) == 0, "sigaltstack");
	storm_must(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0,
		   "sigaction");
	storm_must(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
}

static uint64_t round_signals(void)
{
	uint64_t hash = 2;

	for (unsigned i = 0; i < 20; i++) {
		storm_must(raise(SIGUSR1) == 0, "raise");
		hash = storm_mix(hash, storm_work(i + 1, 200, 4000));
	}
	return hash;
}

const struct storm storm_jumps = {"jumps", NULL, round_jumps, false};
const struct storm storm_signals = {"signals", begin_signals, round_signals, false};
