/* The scenarios that do not leak: what they take is given back. */
#include <math.h>

#include "leaks.h"

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

const struct scenario harmless[] = {
	{"batch_arena", batch_arena},
	{"sawtooth", sawtooth},
	{"slow_sawtooth", slow_sawtooth},
	{"log_buffers", log_buffers},
	{"queue", queue},
	{"churn", churn},
	{"load_ramp", load_ramp},
	{"sessions", sessions},
	{"batch_job", batch_job},
	{"text", text},
	{"timers", timers},
	{"reload", reload},
	{"tides", tides},
};
const size_t harmless_count = sizeof(harmless) / sizeof(harmless[0]);
