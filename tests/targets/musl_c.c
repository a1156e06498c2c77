/*
 * musl_c SECONDS [THREADS]: a CPU profile that is known beforehand, of work that the C library
 * does. Every thread spends 40, 30, 20 and 10 per cent of its CPU time, with all that is called
 * from there, in part_sort, part_print, part_memory and part_signal, each reached by run ->
 * level_a -> level_b. A timer interrupts whatever it meets, for less than a tenth of the time.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "target.h"

#define TEXT_SIZE 20000
#define NUMBERS 500
#define PART_NS 173000
#define TIMER_US 2000

struct account {
	uint64_t used_ns;
	uint64_t budget_ns;
};

struct thread_state {
	pthread_t thread;
	uint64_t end_ns;
	uint32_t random;
	struct account sort, print, memory, signal;
	int numbers[NUMBERS];
	char text[256];
};

static char long_text[TEXT_SIZE];

OWN_FUNCTION size_t measure_text(int times)
{
	size_t sum = 0;

	while (times--) {
		sum += strlen(long_text);
		USED(&sum);
	}
	return sum;
}

OWN_FUNCTION void on_timer(int number)
{
	size_t sum = measure_text(10);

	USED(&sum);
	(void)number;
}

OWN_FUNCTION void on_raise(int number)
{
	size_t sum = measure_text(40);

	USED(&sum);
	(void)number;
}

OWN_FUNCTION int compare(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

/* The body of a part: does `work` until its budget is used up. */
#define PART(account, shares, work)                                                                \
	do {                                                                                       \
		uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), now_ns;                    \
                                                                                                   \
		(account)->budget_ns += (shares) * (uint64_t)PART_NS;                              \
		while ((account)->used_ns < (account)->budget_ns) {                                \
			work;                                                                      \
			now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);                                \
			(account)->used_ns += now_ns - before_ns;                                  \
			before_ns = now_ns;                                                        \
		}                                                                                  \
		NO_TAIL_CALL();                                                                    \
	} while (0)

static void sort_numbers(struct thread_state *state)
{
	for (int i = 0; i < NUMBERS; i++) {
		state->random = state->random * 1664525u + 1013904223u;
		state->numbers[i] = (int)(state->random >> 8);
	}
	qsort(state->numbers, NUMBERS, sizeof(state->numbers[0]), compare);
}

static void print_numbers(struct thread_state *state)
{
	for (int i = 0; i < 20; i++)
		snprintf(state->text, sizeof(state->text), "%d %s %g %*x", state->numbers[i], "text",
			 (double)state->numbers[i] / 3, 20, (unsigned)i);
	USED(state->text);
}

/*
 * Mostly strlen: all threads share the allocator's one lock, and waiting for it takes no CPU time.
 * What is small does not go back to the kernel.
 */
static void use_memory(void)
{
	char *pieces[20];

	for (size_t i = 0; i < 20; i++) {
		pieces[i] = malloc(100 + 60 * i);
		if (!pieces[i])
			abort();
		memset(pieces[i], 'x', 99 + 60 * i);
		pieces[i][99 + 60 * i] = '\0';
		USED(pieces[i]);
	}
	for (size_t i = 0; i < 20; i++) {
		for (int times = 0; times < 10; times++)
			USED(strlen(pieces[i]));
		free(pieces[i]);
	}
}

OWN_FUNCTION void part_sort(struct thread_state *state)
{
	PART(&state->sort, 4, sort_numbers(state));
}

OWN_FUNCTION void part_print(struct thread_state *state)
{
	PART(&state->print, 3, print_numbers(state));
}

OWN_FUNCTION void part_memory(struct thread_state *state)
{
	PART(&state->memory, 2, use_memory());
}

OWN_FUNCTION void part_signal(struct thread_state *state)
{
	PART(&state->signal, 1, raise(SIGUSR1));
}

OWN_FUNCTION void level_b(struct thread_state *state)
{
	part_sort(state);
	part_print(state);
	part_memory(state);
	part_signal(state);
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

OWN_FUNCTION void *thread_main(void *argument)
{
	run(argument);
	NO_TAIL_CALL();
	return NULL;
}

static int start_signals(void)
{
	struct itimerval timer = {{0, TIMER_US}, {0, TIMER_US}};
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_flags = SA_RESTART;
	action.sa_handler = on_timer;
	if (sigaction(SIGALRM, &action, NULL) != 0)
		return -1;
	action.sa_handler = on_raise;
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		return -1;
	return setitimer(ITIMER_REAL, &timer, NULL);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	int count = argc > 2 ? atoi(argv[2]) : 1;
	struct thread_state *states;
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	int i;

	if (count < 1)
		return 2;
	memset(long_text, 'x', TEXT_SIZE - 1);
	states = calloc((size_t)count, sizeof(*states));
	if (!states || start_signals() != 0)
		return 1;
	for (i = 0; i < count; i++) {
		states[i].end_ns = end_ns;
		states[i].random = (uint32_t)i;
	}
	for (i = 1; i < count; i++)
		if (pthread_create(&states[i].thread, NULL, thread_main, &states[i]) != 0)
			return 1;
	run(&states[0]);
	for (i = 1; i < count; i++)
		pthread_join(states[i].thread, NULL);
	return 0;
}
