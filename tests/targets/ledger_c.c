/*
 * ledger_c: allocations whose books are known to the byte. Every function site_* calls the
 * allocator in one way and keeps its own book. The options and the report: ledger.h.
 *
 * The site_cross_* functions run in several threads: a block lives in a slot, whoever takes it out
 * may free it, realloc it or put it back. The lock covers the slot and never the allocator's call,
 * so an address that one thread gave back may be another's a moment later.
 */
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "ledger.h"

#define SLOTS 512

/* With arenas of threads that have ended the process has reserved some hundred megabytes before. */
#define LIMITED_SPACE ((rlim_t)4 << 30)
#define LIMITED_LARGE ((size_t)64 << 20)
#define LIMITED_SMALL ((size_t)300)
#define LIMITED_SEEDS 20

enum site {
	KEEP_MALLOC,
	KEEP_ZERO,
	KEEP_CALLOC,
	REALLOC_SEED,
	KEEP_REALLOC,
	REALLOC_FROM_NULL,
	KEEP_REALLOCARRAY,
	KEEP_POSIX_MEMALIGN,
	KEEP_ALIGNED_ALLOC,
	KEEP_MEMALIGN,
	KEEP_VALLOC,
	CHURN,
	FAILING_MALLOC,
	FAILING_CALLOC,
	FAILING_REALLOC,
	FAILING_REALLOCARRAY,
	FAILING_POSIX_MEMALIGN,
	REALLOC_TO_ZERO,
	CROSS_EVEN,
	CROSS_ODD,
	CROSS_REALLOC,
	CROSS_FAILING_REALLOC,
	LIMITED_SEED,
	LIMITED_MALLOC,
	LIMITED_REALLOC,
	SITES
};

static struct book books[SITES] = {
	[KEEP_MALLOC] = { .function = "site_keep_malloc" },
	[KEEP_ZERO] = { .function = "site_keep_zero" },
	[KEEP_CALLOC] = { .function = "site_keep_calloc" },
	[REALLOC_SEED] = { .function = "site_realloc_seed" },
	[KEEP_REALLOC] = { .function = "site_keep_realloc" },
	[REALLOC_FROM_NULL] = { .function = "site_realloc_from_null" },
	[KEEP_REALLOCARRAY] = { .function = "site_keep_reallocarray" },
	[KEEP_POSIX_MEMALIGN] = { .function = "site_keep_posix_memalign" },
	[KEEP_ALIGNED_ALLOC] = { .function = "site_keep_aligned_alloc" },
	[KEEP_MEMALIGN] = { .function = "site_keep_memalign" },
	[KEEP_VALLOC] = { .function = "site_keep_valloc" },
	[CHURN] = { .function = "site_churn" },
	[FAILING_MALLOC] = { .function = "site_failing_malloc" },
	[FAILING_CALLOC] = { .function = "site_failing_calloc" },
	[FAILING_REALLOC] = { .function = "site_failing_realloc" },
	[FAILING_REALLOCARRAY] = { .function = "site_failing_reallocarray" },
	[FAILING_POSIX_MEMALIGN] = { .function = "site_failing_posix_memalign" },
	[REALLOC_TO_ZERO] = { .function = "site_realloc_to_zero" },
	[CROSS_EVEN] = { .function = "site_cross_even" },
	[CROSS_ODD] = { .function = "site_cross_odd" },
	[CROSS_REALLOC] = { .function = "site_cross_realloc" },
	[CROSS_FAILING_REALLOC] = { .function = "site_cross_failing_realloc" },
	[LIMITED_SEED] = { .function = "site_limited_seed" },
	[LIMITED_MALLOC] = { .function = "site_limited_malloc" },
	[LIMITED_REALLOC] = { .function = "site_limited_realloc" },
};

/* A block and who asked for it; pointer NULL: no block. */
struct block {
	void *pointer;
	size_t size;
	enum site owner;
};

static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block slots[SLOTS];

/* Volatile, so that the compiler does not see that no allocator can give as much. */
static volatile size_t impossible = PTRDIFF_MAX / 2;
static volatile size_t zero;
static int broken;

/* What had to fail and did not: the report is then worth nothing. */
static void must_fail(const void *pointer)
{
	if (pointer) {
		fprintf(stderr, "ledger: an impossible allocation succeeded\n");
		broken = 1;
	}
}

OWN_FUNCTION void site_keep_malloc(size_t size)
{
	ledger_must(malloc(size));
	book_alloc(&books[KEEP_MALLOC], size);
}

OWN_FUNCTION void site_keep_zero(void)
{
	void *pointer = malloc(zero);

	USED(pointer);
	if (pointer)
		book_alloc(&books[KEEP_ZERO], 0);
}

OWN_FUNCTION void site_keep_calloc(size_t count, size_t size)
{
	ledger_must(calloc(count, size));
	book_alloc(&books[KEEP_CALLOC], count * size);
}

OWN_FUNCTION void *site_realloc_seed(size_t size)
{
	void *pointer = ledger_must(malloc(size));

	book_alloc(&books[REALLOC_SEED], size);
	return pointer;
}

/* The block is the seed's until the first realloc, and this function's from then on. */
OWN_FUNCTION void site_keep_realloc(size_t size)
{
	void *pointer = site_realloc_seed(size);
	enum site owner = REALLOC_SEED;
	int turn;

	for (turn = 0; turn < 6; turn++) {
		pointer = ledger_must(realloc(pointer, size * 3));
		book_free(&books[owner], size);
		owner = KEEP_REALLOC;
		size *= 3;
		book_alloc(&books[owner], size);
	}
	pointer = ledger_must(realloc(pointer, size / 2));
	book_free(&books[owner], size);
	book_alloc(&books[owner], size / 2);
}

OWN_FUNCTION void site_realloc_from_null(size_t size)
{
	void *none = NULL;

	USED(&none);
	ledger_must(realloc(none, size));
	book_alloc(&books[REALLOC_FROM_NULL], size);
}

OWN_FUNCTION void site_keep_reallocarray(size_t count, size_t size)
{
	void *pointer = ledger_must(reallocarray(NULL, count, size));

	book_alloc(&books[KEEP_REALLOCARRAY], count * size);
	ledger_must(reallocarray(pointer, count * 2, size));
	book_free(&books[KEEP_REALLOCARRAY], count * size);
	book_alloc(&books[KEEP_REALLOCARRAY], count * 2 * size);
}

OWN_FUNCTION void site_keep_posix_memalign(size_t alignment, size_t size)
{
	void *pointer = NULL;

	if (posix_memalign(&pointer, alignment, size) != 0)
		pointer = NULL;
	ledger_must(pointer);
	book_alloc(&books[KEEP_POSIX_MEMALIGN], size);
}

OWN_FUNCTION void site_keep_aligned_alloc(size_t alignment, size_t size)
{
	ledger_must(aligned_alloc(alignment, size));
	book_alloc(&books[KEEP_ALIGNED_ALLOC], size);
}

OWN_FUNCTION void site_keep_memalign(size_t alignment, size_t size)
{
	ledger_must(memalign(alignment, size));
	book_alloc(&books[KEEP_MEMALIGN], size);
}

OWN_FUNCTION void site_keep_valloc(size_t size)
{
	ledger_must(valloc(size));
	book_alloc(&books[KEEP_VALLOC], size);
}

OWN_FUNCTION void site_churn(size_t size)
{
	void *pointer = ledger_must(malloc(size));

	book_alloc(&books[CHURN], size);
	free(pointer);
	book_free(&books[CHURN], size);
}

OWN_FUNCTION void site_failing_malloc(void)
{
	void *pointer = malloc(impossible);

	must_fail(pointer);
	USED(pointer);
}

OWN_FUNCTION void site_failing_calloc(void)
{
	void *pointer = calloc(impossible, 16);

	must_fail(pointer);
	USED(pointer);
}

/* The block of the malloc stays live. */
OWN_FUNCTION void site_failing_realloc(size_t size)
{
	void *pointer = ledger_must(malloc(size));

	book_alloc(&books[FAILING_REALLOC], size);
	must_fail(realloc(pointer, impossible));
	NO_TAIL_CALL();
}

OWN_FUNCTION void site_failing_reallocarray(size_t size)
{
	void *pointer = ledger_must(malloc(size));

	book_alloc(&books[FAILING_REALLOCARRAY], size);
	must_fail(reallocarray(pointer, impossible, 16));
	NO_TAIL_CALL();
}

/* It fails for its alignment and leaves the address of a live block where a new one would be. */
OWN_FUNCTION void site_failing_posix_memalign(size_t size)
{
	void *pointer = ledger_must(malloc(size));
	size_t alignment = 24 + zero;

	book_alloc(&books[FAILING_POSIX_MEMALIGN], size);
	if (posix_memalign(&pointer, alignment, size * 2) == 0)
		must_fail(pointer);
	USED(pointer);
}

/* Some allocators only free, others give an object without bytes. */
OWN_FUNCTION void site_realloc_to_zero(size_t size)
{
	void *pointer = ledger_must(malloc(size));

	book_alloc(&books[REALLOC_TO_ZERO], size);
	pointer = realloc(pointer, zero);
	USED(pointer);
	book_free(&books[REALLOC_TO_ZERO], size);
	if (pointer)
		book_alloc(&books[REALLOC_TO_ZERO], 0);
}

OWN_FUNCTION void site_cross_even(struct block *block, size_t size)
{
	block->pointer = ledger_must(malloc(size));
	block->size = size;
	block->owner = CROSS_EVEN;
	book_alloc(&books[CROSS_EVEN], size);
}

OWN_FUNCTION void site_cross_odd(struct block *block, size_t size)
{
	block->pointer = ledger_must(calloc(1, size));
	block->size = size;
	block->owner = CROSS_ODD;
	book_alloc(&books[CROSS_ODD], size);
}

OWN_FUNCTION void site_cross_realloc(struct block *block, size_t size)
{
	block->pointer = ledger_must(realloc(block->pointer, size));
	book_free(&books[block->owner], block->size);
	block->size = size;
	block->owner = CROSS_REALLOC;
	book_alloc(&books[CROSS_REALLOC], size);
}

OWN_FUNCTION void site_cross_failing_realloc(const struct block *block)
{
	must_fail(realloc(block->pointer, impossible));
	NO_TAIL_CALL();
}

OWN_FUNCTION void drop_block(struct block *block)
{
	free(block->pointer);
	book_free(&books[block->owner], block->size);
	block->pointer = NULL;
}

static struct block take_block(uint32_t slot)
{
	struct block block;

	pthread_mutex_lock(&slots_lock);
	block = slots[slot];
	slots[slot].pointer = NULL;
	pthread_mutex_unlock(&slots_lock);
	return block;
}

/* Leaves the block in `block` when another thread has filled the slot. */
static void put_block(uint32_t slot, struct block *block)
{
	pthread_mutex_lock(&slots_lock);
	if (!slots[slot].pointer) {
		slots[slot] = *block;
		block->pointer = NULL;
	}
	pthread_mutex_unlock(&slots_lock);
}

/* What a thread does with the block that it took out of a slot, if there was one. */
static void handle_block(struct block *block, int thread, uint32_t *random)
{
	uint32_t choice = ledger_random(random) % 16;
	size_t size = ledger_random_size(random);

	if (!block->pointer && thread % 2 == 0)
		site_cross_even(block, size);
	else if (!block->pointer)
		site_cross_odd(block, size);
	else if (choice < 6)
		drop_block(block);
	else if (choice < 12)
		site_cross_realloc(block, size);
	else if (choice < 13)
		site_cross_failing_realloc(block);
}

struct cross_state {
	pthread_t thread;
	int number;
	int rounds;
	uint64_t until_ns; /* 0: so many rounds */
	pthread_barrier_t *start; /* all begin together, or the first is done before the last is made */
};

static int goes_on(const struct cross_state *state, int round)
{
	if (!state->until_ns)
		return round < state->rounds;
	return round % 64 || clock_ns(CLOCK_MONOTONIC) < state->until_ns;
}

static void *cross_thread(void *argument)
{
	const struct cross_state *state = argument;
	uint32_t random = 2463534242u + (uint32_t)state->number * 7919u;
	int round;

	pthread_barrier_wait(state->start);
	for (round = 0; goes_on(state, round); round = (round + 1) & INT_MAX) {
		uint32_t slot = ledger_random(&random) % SLOTS;
		struct block block = take_block(slot);

		handle_block(&block, state->number, &random);
		if (block.pointer)
			put_block(slot, &block);
		if (block.pointer)
			drop_block(&block);
		if (round % 4 == 0)
			site_churn(1 + (size_t)round % 500);
	}
	return NULL;
}

static int cross(const struct ledger_options *options)
{
	struct cross_state *states = calloc((size_t)options->threads, sizeof(*states));
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	pthread_barrier_t start;
	int i;

	if (!states || pthread_barrier_init(&start, NULL, (unsigned)options->threads) != 0)
		return 1;
	for (i = 0; i < options->threads; i++) {
		states[i].start = &start;
		states[i].number = i;
		states[i].rounds = options->rounds;
		if (options->load_seconds)
			states[i].until_ns = begin + (uint64_t)options->load_seconds * 1000000000u;
		if (pthread_create(&states[i].thread, NULL, cross_thread, &states[i]) != 0)
			return 1;
	}
	for (i = 0; i < options->threads; i++)
		pthread_join(states[i].thread, NULL);
	free(states);
	return 0;
}

static void on_signal(int number)
{
	(void)number;
}

/* Whatever is being called at that moment is interrupted, now and then within the allocator. */
static int begin_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	const struct itimerval often = {{0, 500}, {0, 500}};

	return sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL);
}

static int end_signals(void)
{
	const struct itimerval never = {{0, 0}, {0, 0}};

	return setitimer(ITIMER_REAL, &never, NULL);
}

OWN_FUNCTION char *site_limited_seed(void)
{
	char *block = ledger_must(malloc(LIMITED_SMALL));

	book_alloc(&books[LIMITED_SEED], LIMITED_SMALL);
	return block;
}

OWN_FUNCTION int site_limited_malloc(void)
{
	void *block = malloc(LIMITED_LARGE);

	USED(block);
	if (!block)
		return 0;
	book_alloc(&books[LIMITED_MALLOC], LIMITED_LARGE);
	return 1;
}

OWN_FUNCTION void site_limited_realloc(char *seed)
{
	void *block = realloc(seed, LIMITED_LARGE);

	USED(block);
	if (!block)
		return;
	book_free(&books[LIMITED_SEED], LIMITED_SMALL);
	book_alloc(&books[LIMITED_REALLOC], LIMITED_LARGE);
}

/* Until the address space is full: what fails then is no fault of the sizes. */
static int fill_address_space(void)
{
	struct rlimit old, limit = {LIMITED_SPACE, LIMITED_SPACE};
	char *seeds[LIMITED_SEEDS];
	size_t i;

	if (getrlimit(RLIMIT_AS, &old) != 0)
		return 1;
	for (i = 0; i < LIMITED_SEEDS; i++)
		seeds[i] = site_limited_seed();
	limit.rlim_max = old.rlim_max;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 1;
	while (site_limited_malloc())
		;
	for (i = 0; i < LIMITED_SEEDS; i++)
		site_limited_realloc(seeds[i]);
	return setrlimit(RLIMIT_AS, &old);
}

static void keep(void)
{
	size_t i;

	for (i = 0; i < 50; i++) {
		site_keep_malloc(100 + i);
		site_keep_zero();
		site_keep_calloc(3 + i, 41);
		site_keep_realloc(10 + i);
		site_realloc_from_null(77 + i);
		site_keep_reallocarray(5 + i, 24);
		site_keep_posix_memalign(64, 130 + i);
		site_keep_aligned_alloc(128, 256 + 128 * i);
		site_keep_memalign(32, 99 + i);
		site_keep_valloc(1000 + i);
		site_churn(1 + i * 100);
		site_failing_malloc();
		site_failing_calloc();
		site_failing_realloc(60 + i);
		site_failing_reallocarray(70 + i);
		site_failing_posix_memalign(80 + i);
		site_realloc_to_zero(90 + i);
	}
	site_keep_malloc(3000000); /* a mapping of its own */
	site_keep_calloc(1000, 1000);
}

int main(int argc, char **argv)
{
	struct ledger_options options;

	if (ledger_parse(&options, argc, argv) < 0)
		return 2;
	if (options.wait)
		ledger_wait();
	keep();
	if (options.signals && begin_signals() != 0)
		return 1;
	if (cross(&options) != 0 || end_signals() != 0 || fill_address_space() != 0 || broken)
		return 1;
	return ledger_report(&options, books, SITES);
}
