/* The scenarios that leak all that they allocate: it is never given back. */
#include "leaks.h"

SITE(steady_alloc)
static void steady(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.05);
		steady_alloc(256);
	}
}

SITE(small_alloc)
static void small(void)
{
	struct pace pace = {0, 0};
	int i;

	for (;;) {
		pace_turn(&pace, 0.1);
		for (i = 0; i < 20; i++)
			small_alloc(16);
	}
}

SITE(large_alloc)
static void large(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 1.1);
		large_alloc(1 << 20);
	}
}

SITE(bursts_alloc)
static void bursts(void)
{
	struct pace pace = {0, 0};
	int i;

	for (;;) {
		pace_turn(&pace, 4);
		for (i = 0; i < 50; i++)
			bursts_alloc(100);
	}
}

struct cache_entry {
	struct cache_entry *next;
	uint32_t key;
	char value[100];
};

SITE(unbounded_cache_alloc)
static void unbounded_cache(void)
{
	static struct cache_entry *table[1024];
	struct pace pace = {0, 0};
	uint32_t random = 5;

	for (;;) {
		uint32_t key = leaks_random(&random);
		struct cache_entry *entry = table[key % 1024];

		pace_turn(&pace, 0.03);
		while (entry && entry->key != key)
			entry = entry->next;
		if (entry)
			continue;
		entry = unbounded_cache_alloc(sizeof(*entry));
		entry->key = key;
		entry->next = table[key % 1024];
		table[key % 1024] = entry;
	}
}

/* Each request registers a listener, and none takes it away. */
SITE(callbacks_alloc)
static void callbacks(void)
{
	static struct bag listeners;
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.1);
		bag_put(&listeners, callbacks_alloc(48));
	}
}

/* Two objects that hold each other: neither count ever gets to zero. */
struct counted {
	int references;
	struct counted *other;
};

SITE(cycle_alloc)
static void cycle(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		struct counted *one, *other;

		pace_turn(&pace, 0.08);
		one = cycle_alloc(sizeof(*one));
		other = cycle_alloc(sizeof(*other));
		one->references = other->references = 2;
		one->other = other;
		other->other = one;
		if (--one->references == 0)
			free(one);
		if (--other->references == 0)
			free(other);
	}
}

SITE(config_strings_alloc)
static void config_strings(void)
{
	struct pace pace = {0, 0};
	int i;

	for (;;) {
		pace_turn(&pace, 2);
		for (i = 0; i < 10; i++)
			config_strings_alloc(24 + (size_t)i);
	}
}

SITE(log_lines_alloc)
static void log_lines(void)
{
	struct cache_entry *lines = NULL;
	struct pace pace = {0, 0};

	for (;;) {
		struct cache_entry *line;

		pace_turn(&pace, 0.2);
		line = log_lines_alloc(sizeof(*line));
		line->next = lines;
		lines = line;
		USED(lines);
	}
}

static OWN_FUNCTION void *matrix_alloc(size_t count, size_t size)
{
	return leaks_must(calloc(count, size));
}

static void matrix(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.5);
		matrix_alloc(64, 64);
	}
}

SITE(sizes_alloc)
static void sizes(void)
{
	struct pace pace = {0, 0};
	uint32_t random = 17;

	for (;;) {
		pace_turn(&pace, 0.04);
		sizes_alloc(16 + leaks_random(&random) % 4000);
	}
}

SITE(faster_alloc)
static void faster(void)
{
	struct pace pace = {0, 0};
	double due = 0;

	for (;;) {
		double now_s = pace_turn(&pace, 0.05);

		for (due += 0.01 * now_s; due >= 1; due--)
			faster_alloc(80);
	}
}

SITE(after_table_alloc)
static void after_table(void)
{
	struct pace pace = {0, 0};

	USED(after_table_alloc(1 << 20));
	for (;;) {
		pace_turn(&pace, 0.1);
		after_table_alloc(100);
	}
}

static OWN_FUNCTION void *aligned_alloc_one(void)
{
	void *pointer = NULL;

	return posix_memalign(&pointer, 64, 192) == 0 ? leaks_must(pointer) : NULL;
}

static void aligned(void)
{
	struct pace pace = {0, 0};

	for (;;) {
		pace_turn(&pace, 0.15);
		aligned_alloc_one();
	}
}

const struct scenario leaking[] = {
	{"steady", steady},
	{"small", small},
	{"large", large},
	{"bursts", bursts},
	{"unbounded_cache", unbounded_cache},
	{"callbacks", callbacks},
	{"cycle", cycle},
	{"config_strings", config_strings},
	{"log_lines", log_lines},
	{"matrix", matrix},
	{"sizes", sizes},
	{"faster", faster},
	{"after_table", after_table},
	{"aligned", aligned},
};
const size_t leaking_count = sizeof(leaking) / sizeof(leaking[0]);
