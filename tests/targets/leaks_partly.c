/* The scenarios that leak a part of what they allocate, and free the rest. */
#include <pthread.h>

#include "leaks.h"

/* Ten objects a minute among two thousand a second that live for up to 50 ms. */
SITE(slow_churn_alloc)
static void slow_churn(void)
{
	static struct fifo fifo;
	struct pace pace = {0, 0};
	uint32_t random = 1;
	double leak_s = 0;
	int i;

	for (;;) {
		double now_s = pace_turn(&pace, 0.01);

		for (i = 0; i < 20; i++)
			fifo_put(&fifo, slow_churn_alloc(64));
		fifo_free_to(&fifo, leaks_random(&random) % 100);
		if (now_s >= leak_s + 6) {
			slow_churn_alloc(64);
			leak_s = now_s;
		}
	}
}

/* The noise is larger than what leaks in many seconds. */
SITE(noisy_churn_alloc)
static void noisy_churn(void)
{
	static struct fifo fifo;
	struct pace pace = {0, 0};
	uint32_t random = 7;
	int i;

	for (;;) {
		pace_turn(&pace, 0.5);
		for (i = 0; i < 300; i++)
			fifo_put(&fifo, noisy_churn_alloc(100));
		fifo_free_to(&fifo, leaks_random(&random) % 300);
		noisy_churn_alloc(100);
	}
}

SITE(threads_alloc)
static void *threads_one(void *argument)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.2);
		threads_alloc(128);
		free(threads_alloc(128));
	}
	return argument;
}

static void threads(void)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, threads_one, NULL) != 0)
			_exit(1);
}

static OWN_FUNCTION void *realloc_list_alloc(void *list, size_t size)
{
	return leaks_must(realloc(list, size));
}

static void realloc_list(void)
{
	struct pace pace = {0, 0};
	void *list = NULL;
	size_t size = 0;

	for (;;) {
		pace_turn(&pace, 0.25);
		list = realloc_list_alloc(list, size += 512);
	}
}

SITE(starts_late_alloc)
static void starts_late(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		double now_s = pace_turn(&pace, 0.05);

		free(starts_late_alloc(200));
		if (now_s > 22)
			starts_late_alloc(200);
	}
}

SITE(error_path_alloc)
static void error_path(void)
{
	struct pace pace = {0, 0};
	uint32_t random = 3;

	for (;;) {
		void *request;

		pace_turn(&pace, 0.01);
		request = error_path_alloc(300);
		if (leaks_random(&random) % 20 != 0)
			free(request);
	}
}

/* Produced faster than consumed. */
SITE(forgotten_queue_alloc)
static void forgotten_queue(void)
{
	static struct fifo queue;
	struct pace pace = {0, 0};
	unsigned turn = 0;

	for (;;) {
		pace_turn(&pace, 0.02);
		fifo_put(&queue, forgotten_queue_alloc(150));
		if (turn++ % 5 < 3)
			free(fifo_take(&queue));
	}
}

/* Connections of all lengths; one in eight is closed without its state being freed. */
SITE(connections_alloc)
static void connections(void)
{
	static struct bag open;
	struct pace pace = {0, 0};
	uint32_t random = 11;

	for (;;) {
		pace_turn(&pace, 0.04);
		bag_put(&open, connections_alloc(500));
		if (open.count < 40)
			continue;
		if (leaks_random(&random) % 8 == 0)
			open.items[0] = open.items[--open.count];
		else
			bag_free_one(&open, &random);
	}
}

/* The entry is taken out of the table and its value forgotten. */
SITE(tombstones_alloc)
static void tombstones(void)
{
	static void *values[64];
	struct pace pace = {0, 0};
	uint32_t random = 13;

	for (;;) {
		size_t slot = leaks_random(&random) % 64;

		pace_turn(&pace, 0.06);
		values[slot] = values[slot] ? NULL : tombstones_alloc(90);
	}
}

/* Expired sessions are freed, those of guests are not found any more. */
SITE(expiry_alloc)
static void expiry(void)
{
	static struct fifo sessions;
	struct pace pace = {0, 0};
	unsigned turn = 0;

	for (;;) {
		void *session;

		pace_turn(&pace, 0.05);
		session = expiry_alloc(400);
		if (turn++ % 5 != 0)
			fifo_put(&sessions, session);
		fifo_free_to(&sessions, 80);
	}
}

/* The parent is freed, its child is not. */
SITE(child_alloc)
static OWN_FUNCTION void *child_parent(void)
{
	void **parent = leaks_must(malloc(64));

	*parent = child_alloc(32);
	return parent;
}

static void child(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.1);
		free(child_parent());
	}
}

/* Each job frees four parts in five of what it took. */
SITE(residue_alloc)
static void residue(void)
{
	static struct bag job;
	struct pace pace = {0, 0};
	uint32_t random = 19;
	int i;

	for (;;) {
		double now_s = pace_turn(&pace, 0.1);

		for (i = 0; i < 4; i++)
			bag_put(&job, residue_alloc(200));
		if ((int)(now_s * 10 + 0.5) % 40 != 0)
			continue;
		while (job.count > 32)
			bag_free_one(&job, &random);
		job.count = 0;
	}
}

const struct scenario leaking_partly[] = {
	{"slow_churn", slow_churn},
	{"noisy_churn", noisy_churn},
	{"threads", threads},
	{"realloc_list", realloc_list},
	{"starts_late", starts_late},
	{"error_path", error_path},
	{"forgotten_queue", forgotten_queue},
	{"connections", connections},
	{"tombstones", tombstones},
	{"expiry", expiry},
	{"child", child},
	{"residue", residue},
};
const size_t leaking_partly_count = sizeof(leaking_partly) / sizeof(leaking_partly[0]);
