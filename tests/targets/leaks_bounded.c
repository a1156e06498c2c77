/* The scenarios that do not leak: what they hold fills up to a bound. */
#include <math.h>
#include <pthread.h>

#include "leaks.h"

/* Entries that are replaced in turn: the least recently used one goes. */
SITE(lru_cache_alloc)
static void lru_cache(void)
{
	static struct fifo entries;
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.01);
		fifo_put(&entries, lru_cache_alloc(200));
		fifo_free_to(&entries, 500);
	}
}

/* Fills for twenty seconds, and then knows everything. */
SITE(filling_cache_alloc)
static void filling_cache(void)
{
	struct pace pace = {0, 0};
	int entries;

	for (entries = 0; entries < 1200; entries++) {
		pace_turn(&pace, 20.0 / 1200);
		filling_cache_alloc(150);
	}
}

/* Bounded by bytes, with entries of all sizes. */
SITE(size_cache_alloc)
static void size_cache(void)
{
	static struct fifo entries;
	static size_t sizes[FIFO_MAX];
	struct pace pace = {0, 0};
	uint32_t random = 23;
	size_t held = 0, put = 0, taken = 0;

	for (;;) {
		size_t size = 50 + leaks_random(&random) % 2000;

		pace_turn(&pace, 0.02);
		fifo_put(&entries, size_cache_alloc(size));
		held += sizes[put++ % FIFO_MAX] = size;
		while (held > 400000) {
			free(fifo_take(&entries));
			held -= sizes[taken++ % FIFO_MAX];
		}
	}
}

/* Keys come at random, and the more of them are known the fewer are new. */
SITE(key_cache_alloc)
static void key_cache(void)
{
	static void *values[800];
	struct pace pace = {0, 0};
	uint32_t random = 29;

	for (;;) {
		size_t key = leaks_random(&random) % 800;

		pace_turn(&pace, 0.02);
		if (!values[key])
			values[key] = key_cache_alloc(120);
	}
}

/* Objects are taken from the pool, which grows only when it is empty. */
SITE(pool_alloc)
static void pool(void)
{
	static struct fifo unused, used;
	struct pace pace = {0, 0};
	uint32_t random = 31;

	for (;;) {
		double now_s = pace_turn(&pace, 0.02);
		size_t wanted = leaks_random(&random) % (now_s < 10 ? 20 + (unsigned)now_s * 18 : 200);

		while (used.count < wanted)
			fifo_put(&used, unused.count ? fifo_take(&unused) : pool_alloc(256));
		while (used.count > wanted)
			fifo_put(&unused, fifo_take(&used));
	}
}

/* Chunks of doubling size. */
SITE(arena_alloc)
static void arena(void)
{
	struct pace pace = {0, 0};
	size_t size = 1 << 14;
	double next_s = 1;

	while (size <= 1 << 20) {
		if (pace_turn(&pace, 0.1) < next_s)
			continue;
		USED(arena_alloc(size));
		size *= 2;
		next_s *= 2;
	}
}

SITE(warm_up_alloc)
static void warm_up(void)
{
	struct pace pace = {0, 0};
	double held = 0;

	for (;;) {
		double now_s = pace_turn(&pace, 0.1);

		for (; held < 1000 * (1 - exp(-now_s / 5)) - 1; held++)
			warm_up_alloc(64);
	}
}

SITE(table_alloc)
static void table(void)
{
	struct pace pace = {0, 0};
	int i;

	pace_turn(&pace, 3);
	for (i = 0; i < 500; i++)
		table_alloc(100);
}

/* A table that is made anew at twice the size, for a set that is complete after twenty seconds. */
static OWN_FUNCTION void *hash_table_alloc(size_t size)
{
	return leaks_must(calloc(size, sizeof(void *)));
}

static void hash_table(void)
{
	struct pace pace = {0, 0};
	size_t size = 16, used;
	void *slots = hash_table_alloc(size);

	for (used = 0; used < 5000; used++) {
		pace_turn(&pace, 0.004);
		if (used < size)
			continue;
		free(slots);
		slots = hash_table_alloc(size *= 2);
	}
	USED(slots);
}

/* Each thread keeps the last fifty objects; the threads come one after the other. */
SITE(thread_caches_alloc)
static void *thread_caches_one(void *argument)
{
	struct fifo *kept = leaks_must(calloc(1, sizeof(*kept)));
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.02);
		fifo_put(kept, thread_caches_alloc(180));
		fifo_free_to(kept, 50);
	}
	return argument;
}

static void thread_caches(void)
{
	struct pace pace = {0, 0};
	pthread_t thread;
	int i;

	for (i = 0; i < 6; i++) {
		pace_turn(&pace, 2);
		if (pthread_create(&thread, NULL, thread_caches_one, NULL) != 0)
			_exit(1);
	}
}

/* Words of a language: some are common, and all are known in the end. */
SITE(interning_alloc)
static void interning(void)
{
	static void *words[400];
	struct pace pace = {0, 0};
	uint32_t random = 41;

	for (;;) {
		size_t a = leaks_random(&random) % 400, b = leaks_random(&random) % 400;
		size_t word = a < b ? a : b;

		pace_turn(&pace, 0.01);
		if (!words[word])
			words[word] = interning_alloc(8 + word % 16);
	}
}

/* A buffer that is as large as the largest message so far. */
static OWN_FUNCTION void *high_water_alloc(void *buffer, size_t size)
{
	return leaks_must(realloc(buffer, size));
}

static void high_water(void)
{
	struct pace pace = {0, 0};
	uint32_t random = 53;
	void *buffer = NULL;
	size_t size = 0;

	for (;;) {
		size_t message = 100 + leaks_random(&random) % 60000;

		pace_turn(&pace, 0.05);
		if (message > size)
			buffer = high_water_alloc(buffer, size = message);
	}
}

/* The last three hundred events, ten seconds of them. */
SITE(history_alloc)
static void history(void)
{
	static struct fifo events;
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 1.0 / 30);
		fifo_put(&events, history_alloc(110));
		fifo_free_to(&events, 300);
	}
}

/* Modules are loaded when they are used first, ever more rarely. */
SITE(modules_alloc)
static void modules(void)
{
	struct pace pace = {0, 0};
	double wait_s = 0.5;
	int i;

	for (i = 0; i < 9; i++) {
		pace_turn(&pace, wait_s);
		modules_alloc(20000 + (size_t)i * 3000);
		wait_s *= 1.5;
	}
}

const struct scenario bounded[] = {
	{"lru_cache", lru_cache},
	{"filling_cache", filling_cache},
	{"size_cache", size_cache},
	{"key_cache", key_cache},
	{"pool", pool},
	{"arena", arena},
	{"warm_up", warm_up},
	{"table", table},
	{"hash_table", hash_table},
	{"thread_caches", thread_caches},
	{"interning", interning},
	{"high_water", high_water},
	{"history", history},
	{"modules", modules},
};
const size_t bounded_count = sizeof(bounded) / sizeof(bounded[0]);
