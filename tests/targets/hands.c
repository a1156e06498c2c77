/*
 * hands [SECONDS]: at a SIGUSR1 two threads, "left" and "right", allocate in one function: the one keeps 3000
 * objects of 1000 bytes, the other 1000 of them. Twenty threads that are short-lived allocate 100 each there, and
 * free them. Then the second one frees 500 of the first one's.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "target.h"

enum { BYTES = 1000, LEFT = 3000, RIGHT = 1000, SHORT = 100, SHORT_THREADS = 20, HANDED = 500 };

struct side {
	pthread_t thread;
	sem_t begin, done;
	size_t count;
	void **objects;
	void **gift; /* HANDED objects to free; NULL: none */
};

OWN_FUNCTION void hands_take(void **objects, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		objects[i] = malloc(BYTES);
		if (!objects[i])
			abort();
		USED(objects[i]);
	}
	NO_TAIL_CALL();
}

static void *take_and_free(void *argument)
{
	struct side *side = argument;

	for (;;) {
		while (sem_wait(&side->begin) != 0)
			;
		if (!side->gift)
			hands_take(side->objects, side->count);
		for (size_t i = 0; side->gift && i < HANDED; i++)
			free(side->gift[i]);
		(void)sem_post(&side->done);
	}
	return NULL;
}

static void *short_lived(void *argument)
{
	void *objects[SHORT];

	hands_take(objects, SHORT);
	for (size_t i = 0; i < SHORT; i++)
		free(objects[i]);
	return argument;
}

static void let(struct side *side)
{
	(void)sem_post(&side->begin);
	while (sem_wait(&side->done) != 0)
		;
}

static void start(struct side *side, const char *name, size_t count)
{
	side->count = count;
	side->objects = calloc(count, sizeof(*side->objects));
	if (!side->objects || sem_init(&side->begin, 0, 0) || sem_init(&side->done, 0, 0) ||
	    pthread_create(&side->thread, NULL, take_and_free, side))
		abort();
	(void)pthread_setname_np(side->thread, name);
}

int main(int argc, char **argv)
{
	const struct timespec most = {.tv_sec = argc > 1 ? (time_t)atof(argv[1]) : 30};
	static struct side left, right;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return 1;
	start(&left, "left", LEFT);
	start(&right, "right", RIGHT);
	if (sigtimedwait(&set, NULL, &most) != SIGUSR1)
		return 0;
	let(&left);
	let(&right);
	for (int i = 0; i < SHORT_THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, short_lived, NULL) || pthread_join(thread, NULL))
			return 1;
	}
	right.gift = left.objects;
	let(&right);
	(void)sigtimedwait(&set, NULL, &most);
	return 0;
}
