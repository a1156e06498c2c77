/*
 * What the scenarios of leaks.c are made of. Each runs in a thread of its own until the process is
 * killed, and allocates in functions that are called after it: NAME_alloc, or another suffix.
 */
#ifndef LEAKS_H
#define LEAKS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

struct scenario {
	const char *name;
	void (*run)(void);
};

/* Each in a file of its own: leaking and leaking_partly leak. */
extern const struct scenario leaking[], leaking_partly[], harmless[], bounded[];
extern const size_t leaking_count, leaking_partly_count, harmless_count, bounded_count;

static inline void *leaks_must(void *pointer)
{
	if (!pointer)
		_exit(1);
	USED(pointer);
	*(volatile char *)pointer = 1;
	return pointer;
}

/* An allocation site: a function of its own. */
#define SITE(name)                                      \
	static OWN_FUNCTION void *name(size_t size)     \
	{                                               \
		return leaks_must(malloc(size));        \
	}

struct pace {
	uint64_t start_ns, next_ns;
};

/* Waits for the next turn, `turn_s` after the last one; returns the seconds since the first. */
static inline double pace_turn(struct pace *pace, double turn_s)
{
	struct timespec until;

	if (!pace->start_ns)
		pace->start_ns = pace->next_ns = clock_ns(CLOCK_MONOTONIC);
	pace->next_ns += (uint64_t)(turn_s * 1e9);
	until.tv_sec = (time_t)(pace->next_ns / 1000000000u);
	until.tv_nsec = (long)(pace->next_ns % 1000000000u);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
	return (double)(pace->next_ns - pace->start_ns) * 1e-9;
}

/* xorshift: the same sequence at each run. `state` starts as anything but zero. */
static inline uint32_t leaks_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A first-in first-out list of pointers with room for as many as any scenario has. */
enum { FIFO_MAX = 8192 };

struct fifo {
	void *items[FIFO_MAX];
	size_t head, count;
};

static inline void fifo_put(struct fifo *fifo, void *item)
{
	if (fifo->count == FIFO_MAX)
		_exit(2);
	fifo->items[(fifo->head + fifo->count++) % FIFO_MAX] = item;
}

static inline void *fifo_take(struct fifo *fifo)
{
	void *item;

	if (fifo->count == 0)
		return NULL;
	item = fifo->items[fifo->head];
	fifo->head = (fifo->head + 1) % FIFO_MAX;
	fifo->count--;
	return item;
}

static inline void fifo_free_to(struct fifo *fifo, size_t count)
{
	while (fifo->count > count)
		free(fifo_take(fifo));
}

/* Pointers that are freed in any order. */
struct bag {
	void *items[FIFO_MAX];
	size_t count;
};

static inline void bag_put(struct bag *bag, void *item)
{
	if (bag->count == FIFO_MAX)
		_exit(2);
	bag->items[bag->count++] = item;
}

static inline void bag_free_one(struct bag *bag, uint32_t *random)
{
	size_t at;

	if (bag->count == 0)
		return;
	at = leaks_random(random) % bag->count;
	free(bag->items[at]);
	bag->items[at] = bag->items[--bag->count];
}

#endif
