/* heap_profile: from the kernel's books to sites, and what is remembered between refreshes. */
#include "config.h"

#include "profile/heap_profile.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/client.h"

static struct module libc = {.kind = MODULE_ELF, .name = "libc.so.6"};
static struct module program = {.kind = MODULE_ELF, .name = "program"};

static struct symbol_frame malloc_frames[] = {{.function = "malloc"}};
/* std::vector's code inlined into the user's. */
static struct symbol_frame inlined_frames[] = {
    {.function = "std::vector<int>::push_back", .file = "stl_vector.h", .line = 1, .inlined = true},
    {.function = "collect", .file = "collect.cc", .line = 20, .inlined = true},
    {.function = "run", .file = "run.cc", .line = 30}};
static struct symbol_frame read_frames[] = {{.function = "read_all", .file = "io.c", .line = 5}};
static struct symbol_frame main_frames[] = {{.function = "main", .file = "main.c", .line = 9}};

#define SYMBOL(where, of)                                                                       \
	{                                                                                       \
		.module = &(where), .frames = (of), .frame_count = sizeof(of) / sizeof((of)[0]) \
	}

static struct symbol malloc_symbol = SYMBOL(libc, malloc_frames);
static struct symbol inlined_symbol = SYMBOL(program, inlined_frames);
static struct symbol read_symbol = SYMBOL(program, read_frames);
static struct symbol main_symbol = SYMBOL(program, main_frames);

static const uint64_t addresses[] = {1, 2, 3};

#define STACK(number, ...)                                                                        \
	{                                                                                         \
		.id = (number), .frames = addresses, .symbols = (struct symbol *[]){__VA_ARGS__}, \
		.frame_count = sizeof((struct symbol *[]){__VA_ARGS__}) / sizeof(struct symbol *) \
	}

static struct stack collect_stack = STACK(11, &malloc_symbol, &inlined_symbol, &main_symbol);
static struct stack read_stack = STACK(12, &malloc_symbol, &read_symbol, &main_symbol);
/* The same place, reached in another way. */
static struct stack other_read_stack = STACK(13, &read_symbol, &read_symbol, &main_symbol);
static struct stack runtime_stack = STACK(14, &malloc_symbol);

static struct heap_profile *profile;
static struct snapshot *snapshot;
static double now_s;

static void set_up(void)
{
	profile = heap_profile_new();
	snapshot = calloc(1, sizeof(*snapshot));
	now_s = 1000;
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	heap_profile_free(profile);
}

TestSuite(profile_heap, .init = set_up, .fini = tear_down);

/* A refresh, a second after the one before. */
static void fill(bool with_stacks)
{
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cr_assert_not_null(snapshot);
	heap_profile_fill(profile, snapshot, now_s++);
	if (with_stacks)
		heap_profile_add_stacks(profile, snapshot);
}

/* Books of objects of ten bytes. */
static bool books_of(uint64_t id, const struct stack_key *of, uint64_t allocated, uint64_t freed)
{
	const struct heap_counts site = {.alloc_bytes = allocated * 10,
				       .alloc_objects = allocated << HEAP_OBJECTS_SHIFT,
				       .freed_bytes = freed * 10,
				       .freed_objects = freed << HEAP_OBJECTS_SHIFT};

	return heap_profile_read(profile, id, of, &site, now_s);
}

static bool books(uint64_t id, uint64_t allocated, uint64_t freed)
{
	return books_of(id, &(struct stack_key){.stack_id = id}, allocated, freed);
}

static const struct snapshot_site *site_of(const char *function)
{
	for (size_t i = 0; i < snapshot->site_count; i++)
		if (strcmp(snapshot->sites[i].function, function) == 0)
			return &snapshot->sites[i];
	cr_assert_fail("no site in %s", function);
	return NULL;
}

static void expect_totals(uint64_t allocated, uint64_t freed, uint64_t live)
{
	cr_expect_eq(snapshot->heap.alloc_objects, allocated);
	cr_expect_eq(snapshot->heap.alloc_bytes, allocated * 10);
	cr_expect_eq(snapshot->heap.freed_objects, freed);
	cr_expect_eq(snapshot->heap.freed_bytes, freed * 10);
	cr_expect_eq(snapshot->heap.live_objects, live);
	cr_expect_eq(snapshot->heap.live_bytes, live * 10);
}

Test(profile_heap, free_of_null)
{
	heap_profile_free(NULL);
}

Test(profile_heap, empty)
{
	fill(true);
	cr_assert_eq(snapshot->site_count, 0);
	cr_assert_not_null(snapshot->sites);
	expect_totals(0, 0, 0);
}

Test(profile_heap, stacks_become_known)
{
	cr_assert_null(heap_profile_stack(profile, 11));
	cr_assert_not(books(11, 1, 0));
	cr_assert_null(heap_profile_stack(profile, 11));
	heap_profile_set_stack(profile, 11, &collect_stack);
	cr_assert_not_null(heap_profile_stack(profile, 11));
	cr_assert_null(heap_profile_stack(profile, 12));
}

/* Allocator and standard library are stepped over, inlined ones too. */
Test(profile_heap, site_is_the_innermost_user_frame)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 12, &read_stack);
	books(11, 5, 2);
	books(12, 4, 4);
	fill(false);
	cr_assert_eq(snapshot->site_count, 2);
	cr_assert_str_eq(snapshot->sites[0].function, "collect");
	cr_assert_str_eq(snapshot->sites[0].module, "program");
	cr_assert_str_eq(snapshot->sites[0].file, "collect.cc");
	cr_assert_eq(snapshot->sites[0].line, 20);
	cr_assert_eq(snapshot->sites[0].live_objects, 3);
	cr_assert_str_eq(snapshot->sites[1].function, "read_all");
	cr_assert_eq(snapshot->sites[1].live_bytes, 0);
	cr_assert_eq(snapshot->sites[1].alloc_objects, 4);
	expect_totals(9, 6, 3);
}

Test(profile_heap, site_without_user_frame_is_the_innermost_of_all)
{
	heap_profile_set_stack(profile, 14, &runtime_stack);
	books(14, 1, 0);
	fill(false);
	cr_assert_str_eq(snapshot->sites[0].function, "malloc");
	cr_assert_str_eq(snapshot->sites[0].module, "libc.so.6");
	cr_assert_null(snapshot->sites[0].file);
}

/* The last books of an id count, not their sum. */
Test(profile_heap, books_are_read_anew)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	books(11, 5, 1);
	books(11, 8, 2);
	fill(false);
	expect_totals(8, 2, 6);
}

Test(profile_heap, several_ids_of_one_stack)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 99, &collect_stack);
	heap_profile_set_stack(profile, 13, &other_read_stack);
	heap_profile_set_stack(profile, STACK_ID_PROVISIONAL | 5, &collect_stack);
	books(11, 5, 2);
	books(99, 3, 0);
	books(STACK_ID_PROVISIONAL | 5, 1, 0);
	books(12, 1, 0);
	fill(true);
	cr_assert_eq(snapshot->site_count, 2);
	cr_assert_eq(site_of("collect")->alloc_objects, 9);
	cr_assert_eq(site_of("collect")->live_objects, 7);
	cr_assert_eq(site_of("collect")->stack_count, 1);
	cr_assert_eq(site_of("collect")->stacks[0].live_bytes, 70);
	expect_totals(10, 2, 8);
}

/* A line that is known since has made another site of it; the snapshot's is still that of before. */
Test(profile_heap, stacks_are_added_to_the_sites_of_then)
{
	unsigned line = read_frames[0].line;

	heap_profile_set_stack(profile, 12, &read_stack);
	books(12, 4, 1);
	read_frames[0].line = 0;
	fill(false);
	read_frames[0].line = line;
	books(12, 5, 1);
	heap_profile_set_stack(profile, 99, &read_stack);
	heap_profile_add_stacks(profile, snapshot);
	cr_assert_eq(snapshot->site_count, 1);
	cr_assert_eq(snapshot->sites[0].stack_count, 1);
	cr_expect_eq(snapshot->sites[0].live_bytes, 30);
	cr_expect_eq(snapshot->sites[0].stacks[0].live_bytes, 40);
	fill(true);
	cr_assert_eq(snapshot->sites[0].stack_count, 1);
	cr_expect_eq(snapshot->sites[0].line, line);
}

/* One id has all allocations and the other all frees: together they are right. */
Test(profile_heap, frees_of_another_id_of_the_stack)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 99, &collect_stack);
	books(11, 5, 0);
	books(99, 0, 3);
	fill(false);
	expect_totals(5, 3, 2);
}

Test(profile_heap, live_is_never_negative)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	books(11, 1, 3);
	fill(true);
	expect_totals(1, 3, 0);
	cr_assert_eq(snapshot->sites[0].stacks[0].live_bytes, 0);
	cr_assert_eq(snapshot->sites[0].peak_bytes, 0);
}

Test(profile_heap, provisional_id_moves_when_its_object_is_gone)
{
	const uint64_t id = STACK_ID_PROVISIONAL | 5;

	heap_profile_set_stack(profile, id, &collect_stack);
	cr_assert_not(books(id, 1, 0), "it is alive");
	fill(false);
	expect_totals(1, 0, 1);
	cr_assert(books(id, 1, 1));
	cr_assert_null(heap_profile_stack(profile, id));
	cr_assert_not_null(heap_profile_stack(profile, collect_stack.id));
	fill(false);
	expect_totals(1, 1, 0);
	/* The stack's own books come later, and do not take the place of what was moved. */
	cr_assert_not(books(collect_stack.id, 4, 1));
	fill(false);
	cr_assert_eq(snapshot->site_count, 1);
	expect_totals(5, 2, 3);
}

Test(profile_heap, provisional_id_moves_when_its_object_has_another)
{
	const uint64_t id = STACK_ID_PROVISIONAL | 5, other_id = STACK_ID_PROVISIONAL | 6;

	now_s = 2000;
	heap_profile_set_stack(profile, id, &collect_stack);
	heap_profile_set_stack(profile, other_id, &collect_stack);
	cr_assert_not(books(id, 1, 0));
	cr_assert_not(books(other_id, 1, 0));
	heap_profile_settle(profile, id, 77, now_s);
	heap_profile_settle(profile, other_id, 77, now_s);
	cr_assert_eq(heap_profile_stack(profile, 77), &collect_stack);
	/* One was freed before it was settled and is booked only now, the other one afterwards. */
	now_s = 2001;
	cr_assert_not(books(id, 1, 1), "too early");
	cr_assert_not(books(other_id, 1, 0), "too early");
	cr_assert_not(books(77, 0, 1));
	fill(true);
	expect_totals(2, 2, 0);
	now_s = 2003;
	cr_assert(books(id, 1, 1));
	cr_assert(books(other_id, 1, 0));
	cr_assert_null(heap_profile_stack(profile, id));
	fill(true);
	expect_totals(2, 2, 0);
	cr_assert_eq(snapshot->sites[0].stack_count, 1);
}

Test(profile_heap, many_provisional_ids_add_up)
{
	books(collect_stack.id, 10, 10);
	heap_profile_set_stack(profile, collect_stack.id, &collect_stack);
	for (uint64_t i = 0; i < 100; i++) {
		heap_profile_set_stack(profile, STACK_ID_PROVISIONAL | i, &collect_stack);
		cr_assert_eq(books(STACK_ID_PROVISIONAL | i, 1, i % 2), i % 2);
	}
	fill(true);
	expect_totals(110, 60, 50);
	cr_assert_eq(snapshot->sites[0].stack_count, 1);
}

Test(profile_heap, what_must_not_move)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	cr_assert_not(books(11, 3, 3), "not provisional");
	cr_assert_not(books(STACK_ID_PROVISIONAL | 5, 1, 1), "stack not known");
	heap_profile_set_stack(profile, STACK_ID_PROVISIONAL | 6, &collect_stack);
	cr_assert_not(books(STACK_ID_PROVISIONAL | 6, 0, 0), "nothing booked yet");
	fill(false);
	expect_totals(4, 4, 0);
	heap_profile_set_stack(profile, STACK_ID_PROVISIONAL | 5, &collect_stack);
	cr_assert(books(STACK_ID_PROVISIONAL | 5, 1, 1));
	fill(false);
	expect_totals(4, 4, 0);
}

Test(profile_heap, unknown_stacks)
{
	struct stack empty = {.id = 15};

	books(21, 3, 0);
	books(22, 2, 1);
	heap_profile_set_stack(profile, 15, &empty);
	books(15, 1, 0);
	fill(true);
	cr_assert_eq(snapshot->site_count, 1);
	cr_assert_str_eq(snapshot->sites[0].function, "[unknown]");
	cr_assert_str_eq(snapshot->sites[0].module, "[unknown]");
	cr_assert_null(snapshot->sites[0].file);
	cr_assert_eq(snapshot->sites[0].stack_count, 2);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(snapshot->sites[0].stacks[i].frame_count, 0);
	expect_totals(6, 1, 5);
}

Test(profile_heap, stacks_of_a_site)
{
	static const char *const functions[] = {"malloc", "std::vector<int>::push_back", "collect",
						"run", "main"};
	const struct snapshot_stack *stack;

	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 13, &other_read_stack);
	books(11, 1, 0);
	books(12, 3, 1);
	books(13, 7, 2);
	fill(false);
	cr_assert_eq(site_of("read_all")->stack_count, 0);
	fill(true);
	cr_assert_eq(snapshot->site_count, 2);
	cr_assert_eq(site_of("read_all")->stack_count, 2);
	cr_assert_eq(site_of("read_all")->live_objects, 7);
	cr_assert_eq(site_of("read_all")->stacks[0].live_objects, 5, "the largest comes first");
	cr_assert_eq(site_of("read_all")->stacks[1].live_objects, 2);
	stack = &site_of("collect")->stacks[0];
	cr_assert_eq(stack->frame_count, 5);
	for (size_t i = 0; i < 5; i++)
		cr_expect_str_eq(stack->frames[i].function, functions[i]);
	cr_expect(stack->frames[2].inlined);
	cr_expect_eq(stack->frames[2].line, 20);
	cr_expect_str_eq(stack->frames[0].module, "libc.so.6");
	cr_expect_not(stack->frames[3].inlined);
}

/* By live bytes, then by allocated ones. */
Test(profile_heap, order_of_sites)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 14, &runtime_stack);
	books(11, 9, 5);
	books(12, 4, 0);
	books(14, 5, 0);
	fill(false);
	cr_assert_eq(snapshot->site_count, 3);
	cr_expect_str_eq(snapshot->sites[0].function, "malloc");
	cr_expect_str_eq(snapshot->sites[1].function, "collect");
	cr_expect_str_eq(snapshot->sites[2].function, "read_all");
}

Test(profile_heap, peak_stays)
{
	static const struct {
		uint64_t allocated, freed, peak;
	} rows[] = {{5, 0, 5}, {8, 1, 7}, {9, 9, 7}, {15, 9, 7}, {30, 9, 21}};

	heap_profile_set_stack(profile, 11, &collect_stack);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		books(11, rows[i].allocated, rows[i].freed);
		fill(false);
		cr_expect_eq(snapshot->sites[0].peak_bytes, rows[i].peak * 10, "refresh %zu", i);
	}
}

/* Twenty bytes a second come and ten go, then nothing moves for longer than the window. */
Test(profile_heap, growth)
{
	heap_profile_begin(profile, now_s - 1);
	heap_profile_set_stack(profile, 11, &collect_stack);
	for (uint64_t i = 1; i <= 5; i++) {
		books(11, 2 * i, i);
		fill(false);
		cr_expect_float_eq(snapshot->sites[0].growth_bytes_per_s, 10, 1e-6);
		cr_expect_float_eq(snapshot->heap.growth_bytes_per_s, 10, 1e-6);
		cr_expect_float_eq(snapshot->heap.alloc_bytes_per_s, 20, 1e-6);
	}
	for (int i = 0; i < 15; i++)
		fill(false);
	cr_expect_float_eq(snapshot->sites[0].growth_bytes_per_s, 0, 1e-6);
	cr_expect_float_eq(snapshot->heap.alloc_bytes_per_s, 0, 1e-6);
	books(11, 10, 10);
	fill(false);
	cr_expect_lt(snapshot->sites[0].growth_bytes_per_s, 0);
	cr_expect_lt(snapshot->heap.growth_bytes_per_s, 0);
}

Test(profile_heap, reset)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	books(11, 100, 0);
	books(21, 1, 0);
	fill(true);
	heap_profile_reset(profile);
	cr_assert_null(heap_profile_stack(profile, 11));
	fill(true);
	cr_assert_eq(snapshot->site_count, 0);
	expect_totals(0, 0, 0);
	cr_expect(isnan(snapshot->heap.growth_bytes_per_s));
	heap_profile_set_stack(profile, 11, &collect_stack);
	books(11, 2, 0);
	fill(false);
	cr_assert_eq(snapshot->sites[0].peak_bytes, 20);
	cr_assert(isnan(snapshot->sites[0].growth_bytes_per_s), "it is not known when the books began");
}

/* What was allocated stays when the books start anew for the same program, under its stack and with what it
 * counts since a reset. What is live then is what comes. */
Test(profile_heap, allocated_stays)
{
	const uint64_t nameless = 21, provisional = STACK_ID_PROVISIONAL | 5;

	heap_profile_begin(profile, now_s - 1);
	heap_profile_set_stack(profile, 2, &read_stack);
	heap_profile_set_stack(profile, provisional, &read_stack);
	books(2, 10, 4);
	books(provisional, 1, 0);
	books(nameless, 7, 0);
	fill(false);
	heap_profile_zero(profile);
	heap_profile_mark(profile);
	books(2, 15, 5);
	cr_expect_eq(heap_profile_mean_bytes(profile), 10);
	heap_profile_start_anew(profile, now_s++);
	cr_expect_null(heap_profile_stack(profile, 2), "ids are other ones now");
	cr_expect_null(heap_profile_stack(profile, provisional));
	cr_expect_not_null(heap_profile_stack(profile, read_stack.id));
	fill(false);
	expect_totals(23, 23, 0);
	cr_expect_eq(site_of("read_all")->since_alloc_bytes, 50);
	cr_expect_eq(site_of("read_all")->since_freed_bytes, 50);
	cr_expect(isnan(site_of("read_all")->change_bytes), "the baseline is gone");
	cr_expect_eq(snapshot->heap.alloc_bytes_per_s, 0, "nothing has come since");
	heap_profile_set_stack(profile, 3, &read_stack);
	heap_profile_set_stack(profile, nameless, &collect_stack);
	books(3, 4, 1);
	fill(false);
	expect_totals(27, 24, 3);
	cr_expect_eq(site_of("read_all")->alloc_objects, 20);
	cr_expect_eq(site_of("read_all")->live_objects, 3);
	cr_expect_eq(site_of("collect")->alloc_objects, 7);
	cr_expect_eq(site_of("read_all")->since_alloc_bytes, 90);
	cr_expect_gt(snapshot->heap.alloc_bytes_per_s, 0);
	cr_expect_eq(heap_profile_mean_bytes(profile), 10);
}

/* A site's name that has changed gives it no rate of what was booked under the old one. */
Test(profile_heap, rate_of_a_stack_that_is_named_later)
{
	heap_profile_begin(profile, now_s - 1);
	books(11, 2, 0);
	fill(false);
	cr_expect_float_eq(snapshot->sites[0].alloc_bytes_per_s, 20, 1e-6);
	heap_profile_set_stack(profile, 11, &collect_stack);
	fill(false);
	cr_expect(isnan(snapshot->sites[0].alloc_bytes_per_s));
	fill(false);
	cr_expect_float_eq(snapshot->sites[0].alloc_bytes_per_s, 0, 1e-6);
}

/* Objects in fractions are rounded once a stack, and the interval is of the live ones' variance. */
Test(profile_heap, sampled_books)
{
	const struct heap_counts sampled = {
	    .alloc_bytes = 3000,
	    .alloc_objects = (5 << HEAP_OBJECTS_SHIFT) + (3 << HEAP_OBJECTS_SHIFT) / 4,
	    .alloc_variance = 125,
	    .freed_bytes = 1000,
	    .freed_objects = (1 << HEAP_OBJECTS_SHIFT) + (1 << HEAP_OBJECTS_SHIFT) / 4,
	    .freed_variance = 25,
	};
	const double interval = 1.96 * 2560; /* sqrt(100 * 65536) */

	heap_profile_set_stack(profile, 1, &read_stack);
	cr_assert_not(heap_profile_read(profile, 1, &(struct stack_key){.stack_id = 1}, &sampled, now_s));
	fill(false);
	cr_assert_eq(snapshot->site_count, 1);
	cr_expect_eq(snapshot->sites[0].live_bytes, 2000);
	cr_expect_eq(snapshot->sites[0].alloc_objects, 6);
	cr_expect_eq(snapshot->sites[0].freed_objects, 1);
	cr_expect_eq(snapshot->sites[0].live_objects, 5);
	cr_expect_float_eq(snapshot->sites[0].live_ci_bytes, interval, 1e-6);
	cr_expect_float_eq(snapshot->heap.live_ci_bytes, interval, 1e-6);
}

Test(profile_heap, exact_books_have_no_interval)
{
	heap_profile_set_stack(profile, 1, &read_stack);
	books(1, 3, 1);
	fill(false);
	cr_expect_eq(snapshot->heap.live_ci_bytes, 0);
}

static void set_ages(uint64_t id, uint64_t birth_s, double bytes)
{
	struct ages ages = {.oldest_ns = 0};
	struct sizes sizes = {{0}, {0}};

	sizes_add(&sizes, 100, bytes, 1);
	ages_add(&ages, birth_s * 1000000000, UINT64_C(1000000000000), bytes, 1);
	heap_profile_set_ages(profile, id, &ages, &sizes);
}

Test(profile_heap, ages_of_a_site_are_those_of_its_ids)
{
	const struct snapshot_site *site;

	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 13, &other_read_stack);
	books(12, 5, 2);
	books(13, 4, 1);
	fill(false);
	cr_expect(!site_of("read_all")->ages_known);
	cr_expect(isnan(site_of("read_all")->oldest_s));
	heap_profile_begin_ages(profile);
	set_ages(12, 995, 30);
	set_ages(13, 900, 20);
	set_ages(14, 1, 99);
	fill(false);
	site = site_of("read_all");
	cr_expect(site->ages_known);
	cr_expect_float_eq(site->oldest_s, 101, 1e-6);
	cr_expect_eq(site->ages.bytes[AGE_1S], 30);
	cr_expect_eq(site->ages.bytes[AGE_1MIN], 20);
	cr_expect_eq(site->sizes.bytes[1], 50);
	cr_expect_eq(site->sizes.objects[1], 2);
	/* The next pass has nothing of one of them any more. */
	heap_profile_begin_ages(profile);
	set_ages(12, 995, 30);
	fill(false);
	cr_expect_float_eq(site_of("read_all")->oldest_s, 7, 1e-6);
	heap_profile_begin_ages(profile);
	fill(false);
	cr_expect(!site_of("read_all")->ages_known);
	cr_expect_eq(snapshot->site_count, 1, "an id without books is no site");
}

Test(profile_heap, suspects_are_in_order)
{
	heap_profile_set_stack(profile, 11, &collect_stack);
	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 14, &runtime_stack);
	for (unsigned second = 1; second <= 60; second++) {
		books(11, 10 * second, 0);
		books(12, 90 * second, 0);
		books(14, 7, 0);
		fill(false);
	}
	cr_assert_eq(snapshot->suspect_count, 2);
	cr_expect_str_eq(snapshot->suspects[0]->function, "read_all");
	cr_expect_str_eq(snapshot->suspects[1]->function, "collect");
	cr_expect_eq(snapshot->suspects[0]->leak.level, LEAK_HIGH);
	cr_expect_eq(site_of("malloc")->leak.level, LEAK_CONST);
}

Test(profile_heap, reset_and_baseline)
{
	heap_profile_set_stack(profile, 2, &read_stack);
	heap_profile_set_stack(profile, STACK_ID_PROVISIONAL | 5, &read_stack);
	books(2, 10, 4);
	books(STACK_ID_PROVISIONAL | 5, 1, 0);
	fill(false);
	cr_expect(isnan(site_of("read_all")->change_bytes), "no baseline");
	heap_profile_zero(profile);
	heap_profile_mark(profile);
	books(2, 15, 5);
	fill(false);
	cr_expect_eq(site_of("read_all")->since_alloc_bytes, 50);
	cr_expect_eq(site_of("read_all")->since_freed_bytes, 10);
	cr_expect_eq(site_of("read_all")->change_bytes, 40);
	cr_expect_eq(site_of("read_all")->alloc_bytes, 160, "since attachment");
	/* What a provisional id had at that time moves with its books. */
	cr_assert(books(STACK_ID_PROVISIONAL | 5, 1, 1));
	fill(false);
	cr_expect_eq(site_of("read_all")->since_alloc_bytes, 50);
	cr_expect_eq(site_of("read_all")->since_freed_bytes, 20);
	cr_expect_eq(site_of("read_all")->change_bytes, 30);
	heap_profile_undo_zero(profile);
	heap_profile_forget_mark(profile);
	fill(false);
	cr_expect_eq(site_of("read_all")->since_alloc_bytes, 160);
	cr_expect(isnan(site_of("read_all")->change_bytes));
}

static bool books_by(const struct stack *stack, uint64_t thread, uint64_t allocated, uint64_t freed)
{
	const struct stack_key of = {stack->id, thread};

	return books_of(heap_site_id(&of), &of, allocated, freed);
}

/* A refresh by thread. */
static void fill_threads(void)
{
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cr_assert_not_null(snapshot);
	snapshot->group = GROUP_THREAD;
	heap_profile_fill(profile, snapshot, now_s++);
}

static const struct snapshot_site *find_in(const char *function, int tid)
{
	for (size_t i = 0; i < snapshot->grouped_site_count; i++) {
		const struct snapshot_site *site = &snapshot->grouped_sites[i];

		if (strcmp(site->function, function) == 0 && site->tid == tid)
			return site;
	}
	return NULL;
}

static const struct snapshot_site *site_in(const char *function, int tid)
{
	static const struct snapshot_site none = {0};
	const struct snapshot_site *site = find_in(function, tid);

	cr_assert_not_null(site, "%s in %d", function, tid);
	return site ? site : &none;
}

static void expect_live_in(const char *function, int tid, uint64_t live)
{
	const struct snapshot_site *site = site_in(function, tid);

	cr_expect_eq(site->live_objects, live, "%s in %d: %ju", function, tid, (uintmax_t)site->live_objects);
}

/* Both stacks of a site, of two threads and of before; a stack is announced once, whoever allocates. */
Test(profile_heap, sites_by_thread)
{
	heap_profile_set_stack(profile, 12, &read_stack);
	heap_profile_set_stack(profile, 13, &other_read_stack);
	books(12, 5, 1);
	books_by(&read_stack, 17, 7, 2);
	books_by(&other_read_stack, 17, 3, 0);
	books_by(&read_stack, 18, 20, 0);
	fill_threads();
	cr_assert_eq(snapshot->site_count, 1);
	cr_expect_eq(site_of("read_all")->live_objects, 4 + 5 + 3 + 20);
	expect_totals(35, 3, 32);
	cr_assert_eq(snapshot->grouped_site_count, 3);
	expect_live_in("read_all", 0, 4);
	expect_live_in("read_all", 17, 8);
	expect_live_in("read_all", 18, 20);
	cr_expect_eq(snapshot->grouped_sites[0].tid, 18, "the largest");
	cr_expect_eq(site_in("read_all", 17)->site_id, snapshot->sites[0].id);
	cr_expect_neq(site_in("read_all", 17)->id, site_in("read_all", 18)->id);
	/* By another group there is one of all. */
	fill(true);
	cr_expect_eq(snapshot->grouped_site_count, 0);
	cr_assert_eq(snapshot->site_count, 1);
	cr_expect_eq(snapshot->sites[0].stack_count, 2);
	cr_expect_eq(snapshot->sites[0].stacks[0].live_objects, 4 + 5 + 20);
}

Test(profile_heap, growth_of_a_thread_is_its_own)
{
	heap_profile_begin(profile, now_s++);
	heap_profile_set_stack(profile, 12, &read_stack);
	for (uint64_t i = 1; i < 10; i++) {
		books_by(&read_stack, 17, 10 * i, 0);
		books_by(&read_stack, 18, 20 * i, 0);
		fill_threads();
	}
	cr_expect_float_eq(site_in("read_all", 17)->growth_bytes_per_s, 100, 1);
	cr_expect_float_eq(site_in("read_all", 18)->growth_bytes_per_s, 200, 1);
}

/* What came before is of no thread, so it cannot slow down what a thread does. */
Test(profile_heap, growth_of_a_thread_begins_when_it_is_told_apart)
{
	heap_profile_begin(profile, now_s);
	heap_profile_set_stack(profile, 12, &read_stack);
	for (uint64_t i = 1; i < 20; i++) {
		books(12, 10 * i, 0);
		fill(false);
	}
	heap_profile_begin_threads(profile, now_s - 1);
	for (uint64_t i = 1; i < 4; i++) {
		books_by(&read_stack, 17, 10 * i, 0);
		fill_threads();
		cr_expect_float_eq(site_in("read_all", 17)->growth_bytes_per_s, 100, 1, "%ju: %g", (uintmax_t)i,
				   site_in("read_all", 17)->growth_bytes_per_s);
	}
}

/* What it has left is still its own; when nothing is left, it is of no thread, and the kernel's entry goes. */
Test(profile_heap, threads_that_have_ended)
{
	const int there[] = {18, 40};

	heap_profile_set_stack(profile, 12, &read_stack);
	books_by(&read_stack, 17, 5, 1);
	books_by(&read_stack, 18, 3, 3);
	books_by(&read_stack, 19, 6, 6);
	heap_profile_keep_threads(profile, there, 2);
	cr_expect_not(books_by(&read_stack, 17, 5, 1), "it holds something");
	cr_expect_not(books_by(&read_stack, 18, 3, 3), "it is there");
	cr_expect(books_by(&read_stack, 19, 6, 6));
	fill_threads();
	expect_live_in("read_all", 17, 4);
	expect_live_in("read_all", 18, 0);
	cr_expect_null(find_in("read_all", 19));
	cr_expect_eq(site_in("read_all", 0)->alloc_objects, 6);
	expect_totals(14, 10, 4);
	/* A number that is used again begins with nothing. */
	books_by(&read_stack, 19, 2, 0);
	fill_threads();
	expect_live_in("read_all", 19, 2);
	expect_totals(16, 10, 6);
	/* No longer by thread: none is to be told apart. */
	heap_profile_keep_threads(profile, NULL, 0);
	cr_expect(books_by(&read_stack, 18, 3, 3));
	cr_expect(books_by(&read_stack, 17, 5, 5), "what it had left was freed");
}

/* An allocation whose stack was copied, of a thread: it goes home there, and from there when that ends. */
Test(profile_heap, provisional_ids_have_a_thread)
{
	uint64_t id = STACK_ID_PROVISIONAL | 5;
	const struct stack_key of = {id, 17};
	struct stack_key key;

	cr_expect_eq(heap_site_id(&of), id);
	cr_expect_not(heap_profile_key(profile, id, &key));
	heap_profile_set_stack(profile, id, &read_stack);
	cr_expect_not(heap_profile_key(profile, id, &key), "its thread is not known before its books are read");
	books_of(id, &of, 1, 0);
	cr_assert(heap_profile_key(profile, id, &key));
	cr_expect_eq(key.stack_id, read_stack.id);
	cr_expect_eq(key.thread, 17);
	fill_threads();
	expect_live_in("read_all", 17, 1);
	cr_expect(books_of(id, &of, 1, 1));
	fill_threads();
	expect_live_in("read_all", 17, 0);
	heap_profile_keep_threads(profile, NULL, 0);
	fill_threads();
	cr_expect_null(find_in("read_all", 17));
	cr_expect_eq(site_in("read_all", 0)->alloc_objects, 1);
	expect_totals(1, 1, 0);
}
