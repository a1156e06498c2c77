/*
 * What the ledger targets in C and C++ share: their options, the books of what each site function
 * has asked for and given back, and the report.
 *
 *     ledger_X [--wait] [--signals] [--threads N] [--rounds N] [--load N] [--seconds N] [--out FILE]
 *
 * --wait     do nothing until SIGUSR1 or a line on standard input arrives
 * --threads  threads that allocate and free across each other (default 4)
 * --rounds   turns of each of them (default 20000)
 * --load     let them go on for so many seconds instead (only ledger_c)
 * --signals  interrupt them all the time with a signal that has a handler (only ledger_c)
 * --seconds  how long to live on after the report (default 30), if its file is not taken away before
 * --out      where the report goes (default standard output)
 *
 * The report is a line `site <function> <live bytes> <live objects> <allocated bytes> <allocated
 * objects>` for each site function, in sizes as requested, and then `done`. A successful realloc
 * frees the old block and allocates the new one.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "target.h"

/* The truth about one site function. Changed by any thread, atomically. */
struct book {
	const char *function;
	uint64_t live_bytes, live_objects, alloc_bytes, alloc_objects;
};

struct ledger_options {
	int threads;
	int rounds;
	int load_seconds;
	int seconds;
	int wait;
	int signals;
	const char *out;
};

static inline void book_alloc(struct book *book, size_t size)
{
	__atomic_fetch_add(&book->live_bytes, size, __ATOMIC_RELAXED);
	__atomic_fetch_add(&book->live_objects, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&book->alloc_bytes, size, __ATOMIC_RELAXED);
	__atomic_fetch_add(&book->alloc_objects, 1, __ATOMIC_RELAXED);
}

static inline void book_free(struct book *book, size_t size)
{
	__atomic_fetch_sub(&book->live_bytes, size, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&book->live_objects, 1, __ATOMIC_RELAXED);
}

/* A target whose own allocation fails has no truth to tell. */
static inline void *ledger_must(void *pointer)
{
	if (!pointer) {
		perror("ledger: out of memory");
		_exit(1);
	}
	USED(pointer);
	*(volatile char *)pointer = 1;
	return pointer;
}

/* xorshift: the same sequence at each run. `state` starts as anything but zero. */
static inline uint32_t ledger_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Mostly small, now and then big enough for a mapping of its own. Never 0. */
static inline size_t ledger_random_size(uint32_t *state)
{
	uint32_t value = ledger_random(state);

	if (value % 1024 == 0)
		return 140000 + value % 100003;
	return 1 + (value >> 8) % (value % 8 == 0 ? 4096 : 256);
}

static inline int ledger_parse(struct ledger_options *options, int argc, char **argv)
{
	int i;

	options->threads = 4;
	options->rounds = 20000;
	options->seconds = 30;
	options->load_seconds = 0;
	options->wait = 0;
	options->signals = 0;
	options->out = NULL;
	for (i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--wait") == 0) {
			options->wait = 1;
			continue;
		}
		if (strcmp(name, "--signals") == 0) {
			options->signals = 1;
			continue;
		}
		if (i + 1 == argc)
			return -EINVAL;
		i++;
		if (strcmp(name, "--threads") == 0)
			options->threads = atoi(argv[i]);
		else if (strcmp(name, "--rounds") == 0)
			options->rounds = atoi(argv[i]);
		else if (strcmp(name, "--load") == 0)
			options->load_seconds = atoi(argv[i]);
		else if (strcmp(name, "--seconds") == 0)
			options->seconds = atoi(argv[i]);
		else if (strcmp(name, "--out") == 0)
			options->out = argv[i];
		else
			return -EINVAL;
	}
	return options->threads >= 1 && options->rounds >= 0 ? 0 : -EINVAL;
}

/* Until SIGUSR1 or a line on standard input; an end of input is no line. */
static inline void ledger_wait(void)
{
	struct pollfd fds[2];
	sigset_t mask;
	char line[64];

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fds[0].fd = signalfd(-1, &mask, SFD_CLOEXEC);
	fds[0].events = POLLIN;
	fds[1].fd = STDIN_FILENO;
	fds[1].events = POLLIN;
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents)
			break;
		if (fds[1].revents && read(STDIN_FILENO, line, sizeof(line)) > 0)
			break;
		if (fds[1].revents)
			fds[1].fd = -1;
	}
	close(fds[0].fd);
}

static inline void ledger_live_on(const struct ledger_options *options)
{
	const struct timespec part = {0, 50000000};
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)options->seconds * 1000000000u;

	while (clock_ns(CLOCK_MONOTONIC) < end_ns && (!options->out || access(options->out, F_OK) == 0))
		nanosleep(&part, NULL);
}

static inline int ledger_report(const struct ledger_options *options, const struct book *books,
				size_t count)
{
	FILE *out = options->out ? fopen(options->out, "w") : stdout;
	size_t i;

	if (!out) {
		perror(options->out);
		return 1;
	}
	for (i = 0; i < count; i++)
		fprintf(out, "site %s %llu %llu %llu %llu\n", books[i].function,
			(unsigned long long)books[i].live_bytes,
			(unsigned long long)books[i].live_objects,
			(unsigned long long)books[i].alloc_bytes,
			(unsigned long long)books[i].alloc_objects);
	fprintf(out, "done\n");
	fflush(out);
	ledger_live_on(options);
	return 0;
}

#endif
