/*
 * shares_c SECONDS [THREADS]: a CPU profile that is known beforehand. Every thread spends 60, 30
 * and 10 per cent of its CPU time in hot_sixty, hot_thirty and hot_ten, each reached by
 * run -> level_a -> level_b. At the end it prints the shares that it measured itself:
 * `share <function> <per cent>`, summed over the threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "shares.h"

struct thread_state {
	pthread_t thread;
	uint64_t end_ns;
	uint32_t random;
	struct account sixty, thirty, ten;
};

OWN_FUNCTION void hot_sixty(struct account *account, uint64_t part_ns)
{
	SHARES_SPIN(account, 6 * part_ns, 6364136223846793005u);
}

OWN_FUNCTION void hot_thirty(struct account *account, uint64_t part_ns)
{
	SHARES_SPIN(account, 3 * part_ns, 3935559000370003845u);
}

OWN_FUNCTION void hot_ten(struct account *account, uint64_t part_ns)
{
	SHARES_SPIN(account, 1 * part_ns, 2862933555777941757u);
}

OWN_FUNCTION void level_b(struct thread_state *state)
{
	uint64_t part_ns = shares_part_ns(&state->random);

	hot_sixty(&state->sixty, part_ns);
	hot_thirty(&state->thirty, part_ns);
	hot_ten(&state->ten, part_ns);
	NO_TAIL_CALL();
}

OWN_FUNCTION void level_a(struct thread_state *state)
{
	level_b(state);
	NO_TAIL_CALL();
}

OWN_FUNCTION void run(struct thread_state *state)
{
	while (clock_ns(CLOCK_MONOTONIC) < state->end_ns)
		level_a(state);
	NO_TAIL_CALL();
}

static void *thread_main(void *argument)
{
	run(argument);
	NO_TAIL_CALL();
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	int count = argc > 2 ? atoi(argv[2]) : 1;
	struct thread_state *states;
	uint64_t end_ns, sixty = 0, thirty = 0, ten = 0;
	double all;
	int i;

	if (count < 1)
		return 2;
	states = calloc((size_t)count, sizeof(*states));
	if (!states)
		return 1;
	end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	for (i = 0; i < count; i++) {
		states[i].end_ns = end_ns;
		states[i].random = SHARES_SEED + (uint32_t)i;
	}
	for (i = 1; i < count; i++)
		if (pthread_create(&states[i].thread, NULL, thread_main, &states[i]) != 0)
			return 1;
	run(&states[0]);
	for (i = 1; i < count; i++)
		pthread_join(states[i].thread, NULL);
	for (i = 0; i < count; i++) {
		sixty += states[i].sixty.used_ns;
		thirty += states[i].thirty.used_ns;
		ten += states[i].ten.used_ns;
	}
	all = (double)(sixty + thirty + ten) / 100;
	printf("share hot_sixty %.2f\nshare hot_thirty %.2f\nshare hot_ten %.2f\n",
	       (double)sixty / all, (double)thirty / all, (double)ten / all);
	return 0;
}
