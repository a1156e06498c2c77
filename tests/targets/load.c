/*
 * load SECONDS FILE KIB [SIZE [HELD]]: allocates SIZE bytes (default 64) and frees the oldest of HELD
 * objects (default 1), with work between, which reads and writes KIB of memory at random places. FILE is a struct
 * load_counters.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

enum { CALIBRATE_STEPS = 2000000, BATCH_NS = 200000, TURN_NS = 37000000 };

/* Two cache lines: what is told, and what may be asked for. */
struct load_counters {
	volatile uint64_t pairs;
	volatile uint64_t cpu_ns; /* that they have taken */
	uint8_t told[48];
	volatile uint64_t work_ns; /* for each pair; may be changed at any time */
	double steps_per_ns; /* of work; 0: is measured and put there */
	uint64_t turn; /* 1 or 2: works in the first or second half of every two turns; 0: always */
	uint8_t asked[40];
};

static uint64_t *memory;
static uint64_t words;
static uint64_t state = 88172645463325252u;

/* Every place is read and written; the next place does not depend on it, as in most programs. */
OWN_FUNCTION void load_work(uint64_t steps)
{
	for (uint64_t step = 0; step < steps; step++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memory[state % words] += state;
	}
}

OWN_FUNCTION void *load_allocate(size_t size)
{
	void *object = malloc(size);

	USED(object);
	return object;
}

static double steps_per_ns(void)
{
	uint64_t begin;

	load_work(CALIBRATE_STEPS);
	begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	load_work(CALIBRATE_STEPS);
	return CALIBRATE_STEPS / (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin);
}

/* Those who take turns share what happens to the machine, and it takes them no context switches but these. */
static void wait_for_turn(uint64_t turn, uint64_t now)
{
	uint64_t next = (now / TURN_NS + 1) * TURN_NS;
	struct timespec until = {(time_t)(next / 1000000000), (long)(next % 1000000000)};

	if (turn && now / TURN_NS % 2 != turn - 1)
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
	int fd = argc > 3 ? open(argv[2], O_RDWR) : -1;
	size_t size = argc > 4 ? strtoul(argv[4], NULL, 0) : 64;
	size_t held = argc > 5 ? strtoul(argv[5], NULL, 0) : 1, oldest = 0;
	void **objects;
	uint64_t now = clock_ns(CLOCK_MONOTONIC), end = now + (uint64_t)(atof(argv[1]) * 1e9);
	struct load_counters *counters;

	if (fd < 0)
		return 2;
	counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	words = strtoull(argv[3], NULL, 0) * 1024 / sizeof(*memory);
	memory = calloc(words, sizeof(*memory));
	objects = calloc(held, sizeof(*objects));
	if (counters == MAP_FAILED || !memory || !objects)
		return 1;
	if (!(counters->steps_per_ns > 0))
		counters->steps_per_ns = steps_per_ns();
	for (; now < end; now = clock_ns(CLOCK_MONOTONIC)) {
		uint64_t work_ns = counters->work_ns;
		uint64_t steps = (uint64_t)((double)work_ns * counters->steps_per_ns);
		uint64_t pairs = BATCH_NS / (work_ns + 50) + 1;

		for (uint64_t pair = 0; pair < pairs; pair++) {
			void *object = objects[oldest];

			objects[oldest] = load_allocate(size);
			load_work(steps);
			free(object);
			oldest = oldest + 1 < held ? oldest + 1 : 0;
		}
		counters->pairs += pairs;
		counters->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		wait_for_turn(counters->turn, now);
	}
	return 0;
}
