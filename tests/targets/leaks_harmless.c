/* The scenarios that do not leak: what they hold has a bound, or is given back. */
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

/* An arena for each batch of work, released at its end. */
SITE(batch_arena_alloc)
static void batch_arena(void)
{
	static struct fifo chunks;
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.1);
		fifo_put(&chunks, batch_arena_alloc(4096));
		if (chunks.count == 30)
			fifo_free_to(&chunks, 0);
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

static void saw(void *(*allocate)(size_t), double rise_s)
{
	struct fifo *held = leaks_must(calloc(1, sizeof(*held)));
	struct pace pace = {0, 0};
	double fall_s = rise_s;

	for (;;) {
		double now_s = pace_turn(&pace, 0.05);

		fifo_put(held, allocate(250));
		if (now_s < fall_s)
			continue;
		fifo_free_to(held, 0);
		fall_s = now_s + rise_s;
	}
}

SITE(sawtooth_alloc)
static void sawtooth(void)
{
	saw(sawtooth_alloc, 8);
}

SITE(slow_sawtooth_alloc)
static void slow_sawtooth(void)
{
	saw(slow_sawtooth_alloc, 20);
}

/* Eight buffers; the oldest is freed when a new one is begun. */
SITE(log_buffers_alloc)
static void log_buffers(void)
{
	static struct fifo buffers;
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 2);
		fifo_put(&buffers, log_buffers_alloc(16384));
		fifo_free_to(&buffers, 8);
	}
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

SITE(queue_alloc)
static void queue(void)
{
	static struct fifo items;
	struct pace pace = {0, 0};
	uint32_t random = 37;

	for (;;) {
		pace_turn(&pace, 0.01);
		fifo_put(&items, queue_alloc(120));
		fifo_free_to(&items, 60 + leaks_random(&random) % 80);
	}
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

SITE(churn_alloc)
static void churn(void)
{
	static struct fifo held;
	struct pace pace = {0, 0};
	uint32_t random = 43;
	int i;

	for (;;) {
		pace_turn(&pace, 0.01);
		for (i = 0; i < 20; i++)
			fifo_put(&held, churn_alloc(16 + leaks_random(&random) % 500));
		fifo_free_to(&held, leaks_random(&random) % 100);
	}
}

/* More and more requests at a time, each done in half a second. */
SITE(load_ramp_alloc)
static void load_ramp(void)
{
	static struct fifo requests;
	struct pace pace = {0, 0};

	for (;;) {
		double now_s = pace_turn(&pace, 0.05);
		size_t in_flight = 10 + (size_t)(6 * (now_s < 60 ? now_s : 60));
		size_t i;

		for (i = 0; i < in_flight / 10; i++)
			fifo_put(&requests, load_ramp_alloc(300));
		fifo_free_to(&requests, in_flight);
	}
}

/* Sessions of all lengths, three seconds on average. */
SITE(sessions_alloc)
static void sessions(void)
{
	static struct bag open;
	struct pace pace = {0, 0};
	uint32_t random = 47;
	size_t i, ends;

	for (;;) {
		pace_turn(&pace, 0.025);
		bag_put(&open, sessions_alloc(350));
		for (i = ends = 0; i < open.count; i++)
			ends += leaks_random(&random) % 120 == 0;
		while (ends-- > 0)
			bag_free_one(&open, &random);
	}
}

SITE(batch_job_alloc)
static void batch_job(void)
{
	static struct fifo rows;
	struct pace pace = {0, 0};
	int i;

	for (;;) {
		pace_turn(&pace, 3);
		for (i = 0; i < 300; i++)
			fifo_put(&rows, batch_job_alloc(90));
		pace_turn(&pace, 2);
		fifo_free_to(&rows, 0);
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

/* A text that is put together, sent, and begun anew. */
static OWN_FUNCTION void *text_alloc(void *text, size_t size)
{
	return leaks_must(realloc(text, size));
}

static void text(void)
{
	struct pace pace = {0, 0};
	void *buffer = NULL;
	size_t size = 0;

	for (;;) {
		pace_turn(&pace, 0.1);
		buffer = text_alloc(buffer, size += 1000);
		if (size < 40000)
			continue;
		free(buffer);
		buffer = NULL;
		size = 0;
	}
}

SITE(timers_alloc)
static void timers(void)
{
	static void *armed[100];
	struct pace pace = {0, 0};
	uint32_t random = 59;

	for (;;) {
		size_t timer = leaks_random(&random) % 100;

		pace_turn(&pace, 0.02);
		free(armed[timer]);
		armed[timer] = timers_alloc(72);
	}
}

SITE(reload_alloc)
static void reload(void)
{
	static struct fifo config;
	struct pace pace = {0, 0};
	int i;

	for (;;) {
		pace_turn(&pace, 3);
		for (i = 0; i < 40; i++)
			fifo_put(&config, reload_alloc(60));
		fifo_free_to(&config, 40);
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

/* The load of days and nights, forty seconds long. */
SITE(tides_alloc)
static void tides(void)
{
	static struct fifo held;
	struct pace pace = {0, 0};

	for (;;) {
		double now_s = pace_turn(&pace, 0.05);
		size_t wanted = (size_t)(200 - 190 * cos(now_s * 6.2832 / 40));
		int i;

		for (i = 0; i < 10; i++)
			fifo_put(&held, tides_alloc(130));
		fifo_free_to(&held, wanted);
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

const struct scenario harmless[] = {
	{"lru_cache", lru_cache},
	{"filling_cache", filling_cache},
	{"size_cache", size_cache},
	{"key_cache", key_cache},
	{"pool", pool},
	{"arena", arena},
	{"batch_arena", batch_arena},
	{"warm_up", warm_up},
	{"table", table},
	{"sawtooth", sawtooth},
	{"slow_sawtooth", slow_sawtooth},
	{"log_buffers", log_buffers},
	{"hash_table", hash_table},
	{"queue", queue},
	{"thread_caches", thread_caches},
	{"interning", interning},
	{"churn", churn},
	{"load_ramp", load_ramp},
	{"sessions", sessions},
	{"batch_job", batch_job},
	{"high_water", high_water},
	{"text", text},
	{"timers", timers},
	{"reload", reload},
	{"history", history},
	{"tides", tides},
	{"modules", modules},
};
const size_t harmless_count = sizeof(harmless) / sizeof(harmless[0]);
