/*
 * demo [SECONDS]: a small server to look at. It prints its pid and then handles requests that it
 * makes itself, 200 a second, until it is killed or SECONDS are over.
 *
 *   demo_hash_block     about 70 per cent of one core
 *   demo_leak_session   forgets 1 KiB a request: 200 KiB/s for ever
 *   demo_cache_store    a healthy cache: it grows to 4096 entries and no further
 *   demo_parse_request  churn: allocated and freed within the request
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

enum {
	WORKERS = 3,
	REQUESTS_PER_S = 200,
	HASH_NS = 3500000, /* of CPU time for each request: 70 per cent of a core in all */
	SESSION_BYTES = 1024,
	CACHE_ENTRIES = 4096,
	BODY_BYTES = 4096,
	QUEUE_LENGTH = 64,
};

struct request {
	uint64_t number;
};

struct cache {
	pthread_mutex_t lock;
	char *entries[CACHE_ENTRIES];
	size_t next;
};

/* Numbers of requests that no worker has taken yet. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct request requests[QUEUE_LENGTH];
	size_t head, count;
};

static struct cache cache = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct queue queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
			      .filled = PTHREAD_COND_INITIALIZER };
static unsigned blocks_per_request;

static void *must(void *pointer)
{
	if (!pointer) {
		perror("demo");
		_exit(1);
	}
	return pointer;
}

OWN_FUNCTION uint64_t demo_hash_block(const unsigned char *block, size_t size, uint64_t hash)
{
	size_t i;

	for (i = 0; i < size; i++) {
		hash ^= block[i];
		hash *= 1099511628211u;
		hash ^= hash >> 31;
	}
	return hash;
}

OWN_FUNCTION uint64_t demo_hash_body(const unsigned char *body, uint64_t number)
{
	uint64_t hash = number;
	unsigned i;

	for (i = 0; i < blocks_per_request; i++)
		hash = demo_hash_block(body, BODY_BYTES, hash);
	return hash;
}

/* The bug: a session for each request, and nobody who ends one. */
OWN_FUNCTION void demo_leak_session(uint64_t number)
{
	char *session = must(malloc(SESSION_BYTES));

	memset(session, (int)(number & 0xff), SESSION_BYTES);
	USED(session);
}

OWN_FUNCTION void demo_cache_store(uint64_t hash)
{
	size_t size = 256 + hash % 512;
	char *entry = must(malloc(size)), *oldest;

	memset(entry, 1, size);
	pthread_mutex_lock(&cache.lock);
	oldest = cache.entries[cache.next];
	cache.entries[cache.next] = entry;
	cache.next = (cache.next + 1) % CACHE_ENTRIES;
	pthread_mutex_unlock(&cache.lock);
	free(oldest);
	NO_TAIL_CALL();
}

OWN_FUNCTION unsigned char *demo_parse_request(const struct request *request)
{
	unsigned char *body = must(malloc(BODY_BYTES));
	char *field;
	int i;

	for (i = 0; i < 20; i++) {
		field = must(malloc(64));
		snprintf(field, 64, "field-%d: %llu", i, (unsigned long long)request->number);
		memcpy(body + i * 64, field, 64);
		free(field);
	}
	memset(body + 20 * 64, (int)(request->number & 0xff), BODY_BYTES - 20 * 64);
	return body;
}

OWN_FUNCTION void demo_handle_request(const struct request *request)
{
	unsigned char *body = demo_parse_request(request);
	uint64_t hash = demo_hash_body(body, request->number);

	demo_leak_session(request->number);
	demo_cache_store(hash);
	free(body);
	NO_TAIL_CALL();
}

static struct request queue_take(void)
{
	struct request request;

	pthread_mutex_lock(&queue.lock);
	while (queue.count == 0)
		pthread_cond_wait(&queue.filled, &queue.lock);
	request = queue.requests[queue.head];
	queue.head = (queue.head + 1) % QUEUE_LENGTH;
	queue.count--;
	pthread_mutex_unlock(&queue.lock);
	return request;
}

/* A full queue turns the request away, as a busy server would. */
static void queue_put(uint64_t number)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.count < QUEUE_LENGTH) {
		queue.requests[(queue.head + queue.count) % QUEUE_LENGTH].number = number;
		queue.count++;
		pthread_cond_signal(&queue.filled);
	}
	pthread_mutex_unlock(&queue.lock);
}

OWN_FUNCTION void demo_serve(void)
{
	struct request request;

	for (;;) {
		request = queue_take();
		demo_handle_request(&request);
	}
}

static void *worker_main(void *argument)
{
	demo_serve();
	NO_TAIL_CALL();
	return argument;
}

/* How many blocks this machine hashes in the time that a request shall take: the best of a few. */
static void calibrate(void)
{
	static unsigned char body[BODY_BYTES];
	uint64_t best_ns = UINT64_MAX, hash = 0;
	int turn, i;

	for (turn = 0; turn < 5; turn++) {
		uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), ns;

		for (i = 0; i < 50; i++)
			hash = demo_hash_block(body, BODY_BYTES, hash);
		ns = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 50;
		if (ns > 0 && ns < best_ns)
			best_ns = ns;
	}
	USED(hash);
	blocks_per_request = (unsigned)(HASH_NS / best_ns) + 1;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	uint64_t start_ns, number;
	pthread_t worker;
	int i;

	printf("%d\n", (int)getpid());
	fflush(stdout);
	calibrate();
	for (i = 0; i < WORKERS; i++)
		if (pthread_create(&worker, NULL, worker_main, NULL) != 0)
			return 1;
	start_ns = clock_ns(CLOCK_MONOTONIC);
	for (number = 0; seconds <= 0 || (double)number < seconds * REQUESTS_PER_S; number++) {
		uint64_t due_ns = start_ns + number * (1000000000u / REQUESTS_PER_S);
		struct timespec due = { (time_t)(due_ns / 1000000000u),
					(long)(due_ns % 1000000000u) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		queue_put(number);
	}
	return 0;
}
