/*
 * The rule for leaks on simulated heaps, second by second over hours. A heap is cohorts of objects
 * of one size, by the second of their birth.
 */
#include "config.h"

#include "profile/leak.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 30 * 3600, SIZE = 100 };

struct heap {
	struct series series;
	uint32_t cohorts[SECONDS]; /* objects that live and may be freed, by birth */
	uint32_t leaked[SECONDS]; /* those that never are */
	int now;
	int oldest; /* no cohort before it has any */
	uint64_t live, kept, allocated, freed; /* `kept` of the live ones are leaked */
	double variance, older_frees_per_s;
	uint64_t size; /* of each object */
	int pass_s; /* time between two readings of the ages */
	struct leak_verdict verdict;
};

static struct heap heap;
static uint32_t random_state;

static void set_up(void)
{
	memset(&heap, 0, sizeof(heap));
	heap.size = SIZE;
	heap.pass_s = 15;
	random_state = 2463534242u;
}

TestSuite(leak, .init = set_up);

static uint32_t any(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

static void allocate(unsigned objects)
{
	heap.cohorts[heap.now] += objects;
	heap.live += objects;
	heap.allocated += objects;
}

static void leak(unsigned objects)
{
	heap.leaked[heap.now] += objects;
	heap.live += objects;
	heap.kept += objects;
	heap.allocated += objects;
}

static void free_of(int birth, unsigned objects)
{
	if (objects > heap.cohorts[birth])
		objects = heap.cohorts[birth];
	heap.cohorts[birth] -= objects;
	heap.live -= objects;
	heap.freed += objects;
}

/* The oldest go first, until so many live besides those that are leaked. */
static void free_to(uint64_t live)
{
	while (heap.live - heap.kept > live) {
		while (!heap.cohorts[heap.oldest])
			heap.oldest++;
		free_of(heap.oldest, (unsigned)(heap.live - heap.kept - live));
	}
}

static struct ages ages_now(void)
{
	struct ages ages = {.oldest_ns = 0};

	for (int birth = heap.kept ? 0 : heap.oldest; birth <= heap.now; birth++) {
		uint32_t objects = heap.cohorts[birth] + heap.leaked[birth];

		if (objects)
			ages_add(&ages, (uint64_t)birth * 1000000000u + 1,
				 (uint64_t)heap.now * 1000000000u + 1,
				 (double)(objects * heap.size), objects);
	}
	return ages;
}

static void judge(const struct ages *ages)
{
	const struct leak_evidence evidence = {
	    .series = &heap.series,
	    .now_s = heap.now,
	    .live_bytes = heap.live * heap.size,
	    .live_objects = heap.live,
	    .live_variance = heap.variance,
	    .ages_known = ages->oldest_ns > 0,
	    .ages = *ages,
	    .oldest_s = ages->oldest_ns ? heap.now - (double)ages->oldest_ns * 1e-9 : (double)NAN,
	    .older_frees_per_s = heap.older_frees_per_s,
	};

	heap.verdict = leak_judge(&evidence);
}

/* The end of a second. Ages, and so the verdict, are read anew now and then only. */
static void tick(void)
{
	static struct ages ages;
	struct series_sample sample = {.live_bytes = heap.live * heap.size,
				       .live_objects = heap.live,
				       .alloc_bytes = heap.allocated * heap.size,
				       .freed_bytes = heap.freed * heap.size};

	if (heap.now % heap.pass_s == 0 || heap.now < 120)
		ages = ages_now();
	for (enum series_scale scale = SERIES_MINUTE; scale < SERIES_SCALES; scale++)
		sample.old_bytes[scale] = (uint64_t)ages_bytes_from(&ages, leak_old_from(scale));
	series_add(&heap.series, heap.now, &sample);
	if (heap.now % heap.pass_s == 0 || heap.now < 120)
		judge(&ages);
	heap.now++;
}

/* Runs until `end`, with the highest level seen from `from` on. */
static enum leak_level run(int end, int from, void (*second)(void))
{
	enum leak_level highest = LEAK_NONE;

	while (heap.now < end) {
		second();
		tick();
		if (heap.now > from && heap.verdict.level > highest)
			highest = heap.verdict.level;
	}
	return highest;
}

#define EXPECT_LEVEL(wanted)                                                             \
	cr_expect_eq(heap.verdict.level, wanted, "%s: %s", leak_level_name(heap.verdict.level), \
		     heap.verdict.evidence)

/* --- what leaks ------------------------------------------------------------------------------- */

static void steady(void)
{
	leak(5);
}

Test(leak, steady_leak_is_sure_within_a_minute)
{
	cr_expect_leq(run(40, 0, steady), LEAK_MEDIUM, "not before it was seen for a while");
	run(60, 0, steady);
	EXPECT_LEVEL(LEAK_HIGH);
	cr_expect_float_eq(heap.verdict.slope_bytes_per_s, 500, 1);
	cr_expect_lt(heap.verdict.slope_half_width, 5);
	cr_expect_eq(heap.verdict.windows, 12);
	cr_expect_eq(heap.verdict.windows_grown, 12);
	cr_expect_not_null(strstr(heap.verdict.evidence, "grew in 12 of 12 windows"));
	cr_expect_not_null(strstr(heap.verdict.evidence, "no frees from this site"));
	run(4 * 3600, 0, steady);
	EXPECT_LEVEL(LEAK_HIGH);
}

/* Ten objects a minute, among hundreds that come and go each second. */
static void slow_under_churn(void)
{
	allocate(700);
	free_to(any(600));
	if (heap.now % 6 == 0)
		leak(1);
}

Test(leak, slow_leak_under_heavy_churn)
{
	heap.pass_s = 1;
	run(600, 0, slow_under_churn);
	cr_expect_geq(heap.verdict.level, LEAK_MEDIUM, "%s", heap.verdict.evidence);
	run(3600, 0, slow_under_churn);
	EXPECT_LEVEL(LEAK_HIGH);
	cr_expect_float_eq(heap.verdict.slope_bytes_per_s * 60, 10 * SIZE, 100);
	cr_expect_not_null(strstr(heap.verdict.evidence, "is freed"));
}

/* A full cache with replacement, and from the sixth hour on a leak beside it. */
static void starts_after_six_hours(void)
{
	allocate(20);
	if (heap.now >= 6 * 3600)
		leak(1);
	free_to(4000);
}

Test(leak, leak_that_starts_after_six_hours)
{
	run(600, 0, starts_after_six_hours);
	cr_expect_leq(run(6 * 3600, 600, starts_after_six_hours), LEAK_CONST);
	run(6 * 3600 + 600, 0, starts_after_six_hours);
	cr_expect_geq(heap.verdict.level, LEAK_MEDIUM, "%s", heap.verdict.evidence);
	run(6 * 3600 + 1800, 0, starts_after_six_hours);
	EXPECT_LEVEL(LEAK_HIGH);
}

static void every_ten_minutes(void)
{
	if (heap.now % 600 == 300)
		leak(1);
}

Test(leak, one_object_in_ten_minutes)
{
	run(12 * 3600, 0, every_ten_minutes);
	cr_expect_geq(heap.verdict.level, LEAK_MEDIUM, "%s", heap.verdict.evidence);
}

/* --- what does not ---------------------------------------------------------------------------- */

Test(leak, nothing_known)
{
	const struct leak_evidence evidence = {.series = &heap.series, .oldest_s = (double)NAN};
	struct leak_verdict verdict = leak_judge(&evidence);

	cr_expect_eq(verdict.level, LEAK_NONE);
	cr_expect(isnan(verdict.slope_bytes_per_s));
	cr_expect_str_eq(verdict.evidence, "");
	cr_expect_eq(verdict.score, 0);
}

/* Bounded, filled in an hour, then the oldest go. */
static void cache_of_an_hour(void)
{
	allocate(10);
	free_to(36000);
}

Test(leak, bounded_cache_that_fills_for_an_hour)
{
	run(3600, 0, cache_of_an_hour);
	cr_expect_leq(run(5400, 3600 + 300, cache_of_an_hour), LEAK_MEDIUM);
	cr_expect_leq(run(5 * 3600, 5400, cache_of_an_hour), LEAK_CONST);
	EXPECT_LEVEL(LEAK_CONST);
}

/* Keys at random: what is known already is not allocated again. */
static void cache_of_random_keys(void)
{
	for (int i = 0; i < 20; i++)
		if (any(24000) >= heap.live)
			allocate(1);
}

Test(leak, cache_of_random_keys_slows_down)
{
	run(2400, 0, cache_of_random_keys);
	cr_expect_leq(run(6 * 3600, 2400, cache_of_random_keys), LEAK_MEDIUM);
	EXPECT_LEVEL(LEAK_CONST);
}

static void saw_of_half_an_hour(void)
{
	allocate(3);
	if (heap.now % 1800 == 1799)
		free_to(0);
}

Test(leak, sawtooth_of_half_an_hour)
{
	run(1801, 0, saw_of_half_an_hour);
	cr_expect_leq(run(8 * 3600, 1801, saw_of_half_an_hour), LEAK_MEDIUM, "it fell before");
}

static void churn(void)
{
	allocate(500);
	free_to(any(300));
}

Test(leak, churn)
{
	cr_expect_leq(run(2 * 3600, 60, churn), LEAK_LOW);
}

/* Objects of two seconds, more and more of them. */
static void load_ramp(void)
{
	allocate(5 + (unsigned)heap.now / 10);
	if (heap.now > 2)
		free_of(heap.now - 2, UINT32_MAX);
	heap.oldest = heap.now > 3 ? heap.now - 3 : 0;
}

Test(leak, growing_load)
{
	cr_expect_leq(run(1200, 30, load_ramp), LEAK_LOW);
}

/* A table: the same number of objects, larger and larger. */
static void resized(void)
{
	if (heap.now == 0)
		allocate(1);
	heap.size += 64;
}

Test(leak, growing_table_is_not_sure)
{
	run(300, 0, resized);
	EXPECT_LEVEL(LEAK_MEDIUM);
	cr_expect_not_null(strstr(heap.verdict.evidence, "larger, not more"));
}

Test(leak, older_objects_that_are_still_freed)
{
	heap.older_frees_per_s = 5;
	run(120, 0, steady);
	EXPECT_LEVEL(LEAK_MEDIUM);
	cr_expect_not_null(strstr(heap.verdict.evidence, "older than the attachment"));
}

/* Estimates: as much growth as a few sampled objects may well be nothing. */
Test(leak, sampling_noise)
{
	heap.variance = 1e9;
	run(120, 0, steady);
	cr_expect_leq(heap.verdict.level, LEAK_LOW);
	cr_expect_not_null(strstr(heap.verdict.evidence, "sampling"));
	cr_expect_gt(heap.verdict.slope_half_width, heap.verdict.slope_bytes_per_s);
	heap.variance = 1e6;
	run(240, 0, steady);
	EXPECT_LEVEL(LEAK_HIGH);
}

/* Growth for sure, but as well of something that fills. */
Test(leak, too_few_samples_to_see_whether_it_slows)
{
	heap.variance = 1e8;
	run(120, 0, steady);
	EXPECT_LEVEL(LEAK_MEDIUM);
	cr_expect_not_null(strstr(heap.verdict.evidence, "so few samples"));
}

/* --- order and words -------------------------------------------------------------------------- */

Test(leak, score_is_by_level_then_by_slope)
{
	double sure, faster;

	run(90, 0, steady);
	sure = heap.verdict.score;
	set_up();
	heap.size = 10 * SIZE;
	run(90, 0, steady);
	faster = heap.verdict.score;
	cr_expect_gt(faster, sure);
	cr_expect_leq(faster, 100);
	set_up();
	heap.size = 1 << 20;
	run(25, 0, steady);
	cr_expect_eq(heap.verdict.level, LEAK_MEDIUM);
	cr_expect_lt(heap.verdict.score, sure, "however large");
}

Test(leak, names)
{
	cr_expect_str_eq(leak_level_name(LEAK_NONE), "none");
	cr_expect_str_eq(leak_level_name(LEAK_CONST), "const");
	cr_expect_str_eq(leak_level_name(LEAK_HIGH), "HIGH");
}
