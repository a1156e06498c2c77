/* Threads that free what others have allocated, and threads that do not live long. */
#include "storm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 64, SHORT_THREADS = 32, HANDED = 16, TURNS = 4 };

static pthread_barrier_t turn;
static char *handed[THREADS][HANDED];
static uint64_t sums[THREADS];

static void hand_over(unsigned self, unsigned turns)
{
	for (unsigned i = 0; i < HANDED; i++) {
		unsigned size = 16 + (self * 131 + i * 17 + turns * 7) % 3000;

		handed[self][i] = malloc(size);
		storm_must(handed[self][i] != NULL, "malloc");
		memset(handed[self][i], (int)(self + i + turns), size);
	}
}

static void take_over(unsigned self)
{
	char **from = handed[(self + 1) % THREADS];

	for (unsigned i = 0; i < HANDED; i++) {
		sums[self] = storm_mix(sums[self], (unsigned char)from[i][0]);
		if (i % 2)
			from[i] = realloc(from[i], 5000);
		sums[self] = storm_mix(sums[self], (unsigned char)from[i][1]);
		free(from[i]);
	}
}

static void *exchange(void *argument)
{
	unsigned self = (unsigned)(uintptr_t)argument;

	sums[self] = 0;
	for (unsigned i = 0; i < TURNS; i++) {
		hand_over(self, i);
		pthread_barrier_wait(&turn);
		take_over(self);
		pthread_barrier_wait(&turn);
	}
	return NULL;
}

static uint64_t run_threads(unsigned count, void *(*body)(void *))
{
	pthread_t threads[THREADS];
	uint64_t hash = 0;

	for (uintptr_t i = 0; i < count; i++)
		storm_must(pthread_create(&threads[i], NULL, body, (void *)i) == 0,
			   "pthread_create");
	for (unsigned i = 0; i < count; i++) {
		storm_must(pthread_join(threads[i], NULL) == 0, "pthread_join");
		hash = storm_mix(hash, sums[i]);
	}
	return hash;
}

static void begin_exchange(const char *program)
{
	(void)program;
	storm_must(pthread_barrier_init(&turn, NULL, THREADS) == 0, "pthread_barrier_init");
}

static uint64_t round_exchange(void)
{
	return run_threads(THREADS, exchange);
}

static void *work_shortly(void *argument)
{
	unsigned self = (unsigned)(uintptr_t)argument;

	sums[self] = storm_work(self + 1, 20, 500);
	return NULL;
}

static uint64_t round_short(void)
{
	return run_threads(SHORT_THREADS, work_shortly);
}

const struct storm storm_threads = {"threads", begin_exchange, round_exchange, false};
const struct storm storm_new_threads = {"new_threads", NULL, round_short, false};
