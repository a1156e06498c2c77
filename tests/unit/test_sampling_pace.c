/* sampling_pace: exact while that is cheap, coarser under load, finer when it has been calm. */
#include "config.h"

#include "overhead/sampling_pace.h"

#include <criterion/criterion.h>

static struct sampling_pace pace;

static uint64_t next(uint64_t interval, uint64_t calls, uint64_t tracked, double bytes, double fill)
{
	return sampling_pace_next(&pace, &(struct sampling_facts){.seconds = 1,
								  .interval = interval,
								  .calls = calls,
								  .tracked = tracked,
								  .bytes = bytes,
								  .live_fill = fill});
}

Test(sampling_pace, exact_while_it_is_cheap)
{
	cr_expect_eq(next(0, 9000, 9000, 9e5, 0.1), 0);
	cr_expect_eq(next(0, 0, 0, 0, 0), 0);
}

/* A million of 100 bytes a second: 2,000 samples a second want 50,000 bytes, of powers of two 65,536. */
Test(sampling_pace, coarser_at_once_under_load)
{
	cr_expect_eq(next(0, 1000000, 1000000, 1e8, 0.1), 65536);
	cr_expect_eq(next(65536, 1000000, 1500, 1e8, 0.1), 65536);
	cr_expect_eq(next(65536, 1000000, 9000, 6e8, 0.1), 524288);
}

Test(sampling_pace, seconds_count)
{
	const struct sampling_facts tenth = {
	    .seconds = 0.1, .calls = 2000, .tracked = 2000, .bytes = 1e6};

	cr_expect_eq(sampling_pace_next(&pace, &tenth), 8192);
}

Test(sampling_pace, coarser_when_the_map_fills)
{
	cr_expect_eq(next(0, 100, 100, 1e4, 0.8), SAMPLING_INTERVAL_LEAST);
	cr_expect_eq(next(8192, 100, 100, 1e4, 0.8), 16384);
	cr_expect_eq(next(SAMPLING_INTERVAL_MOST, 100, 100, 1e4, 0.8), SAMPLING_INTERVAL_MOST);
}

Test(sampling_pace, finer_only_after_calm)
{
	for (int second = 1; second < 10; second++)
		cr_expect_eq(next(65536, 100000, 100, 1e7, 0.1), 65536);
	cr_expect_eq(next(65536, 100000, 100, 1e7, 0.1), 32768);
	cr_expect_eq(next(32768, 100000, 100, 1e7, 0.1), 32768, "the calm begins anew");
}

Test(sampling_pace, a_busy_second_ends_the_calm)
{
	for (int second = 1; second < 10; second++)
		cr_expect_eq(next(65536, 100000, 100, 1e7, 0.1), 65536);
	cr_expect_eq(next(65536, 100000, 1800, 1e8, 0.1), 65536);
	cr_expect_eq(next(65536, 100000, 100, 1e7, 0.1), 65536);
}

/* Few calls: all of them can be tracked again, however large they are. */
Test(sampling_pace, exact_again_when_calls_are_few)
{
	for (int second = 1; second < 10; second++)
		cr_expect_eq(next(65536, 3000, 3000, 1e9, 0.1), 65536);
	cr_expect_eq(next(65536, 3000, 3000, 1e9, 0.1), 0);
}

static uint64_t after_raise(uint64_t interval, bool raised, uint64_t calls, double fill)
{
	return sampling_pace_next(&pace, &(struct sampling_facts){.seconds = 0.5,
								  .interval = interval,
								  .raised = raised,
								  .calls = calls,
								  .tracked = raised ? 100000 : 10,
								  .bytes = 100.0 * (double)calls,
								  .live_fill = fill});
}

/* A second after the last raise: of 10 million bytes a second 2,000 samples want 5,000, so 8,192. */
Test(sampling_pace, back_from_a_raise)
{
	cr_expect_eq(after_raise(65536, true, 50000, 0.1), 65536);
	cr_expect_eq(after_raise(65536, false, 50000, 0.1), 65536);
	cr_expect_eq(after_raise(524288, true, 50000, 0.1), 524288, "the wait begins anew");
	cr_expect_eq(after_raise(524288, false, 50000, 0.1), 524288);
	cr_expect_eq(after_raise(524288, false, 50000, 0.1), 8192);
	cr_expect_eq(after_raise(8192, false, 50000, 0.1), 8192, "it is over");
}

Test(sampling_pace, back_to_exact_from_a_raise)
{
	cr_expect_eq(after_raise(65536, true, 1000, 0.1), 65536);
	cr_expect_eq(after_raise(65536, false, 1000, 0.1), 65536);
	cr_expect_eq(after_raise(65536, false, 1000, 0.1), 0);
}

Test(sampling_pace, not_above_what_it_was_raised_to)
{
	cr_expect_eq(after_raise(65536, true, 10000000, 0.1), 65536);
	cr_expect_eq(after_raise(65536, false, 10000000, 0.1), 65536);
	cr_expect_eq(after_raise(65536, false, 10000000, 0.1), 65536);
}

Test(sampling_pace, full_map_counts_more_than_a_raise)
{
	cr_expect_eq(after_raise(65536, true, 1000, 0.8), 131072);
	cr_expect_eq(after_raise(65536, true, 1000, 0.6), 65536);
	for (int half = 1; half < 10; half++)
		cr_expect_eq(after_raise(65536, false, 1000, 0.6), 65536);
}

Test(sampling_pace, never_below_the_least)
{
	for (int second = 1; second < 10; second++)
		(void)next(SAMPLING_INTERVAL_LEAST, 100000, 10, 1e7, 0.1);
	cr_expect_eq(next(SAMPLING_INTERVAL_LEAST, 100000, 10, 1e7, 0.1), SAMPLING_INTERVAL_LEAST);
}

Test(sampling_pace, steps)
{
	cr_expect_eq(sampling_step(0, false), SAMPLING_INTERVAL_LEAST);
	cr_expect_eq(sampling_step(SAMPLING_INTERVAL_LEAST, true), 0);
	cr_expect_eq(sampling_step(0, true), 0);
	cr_expect_eq(sampling_step(524288, false), 1048576);
	cr_expect_eq(sampling_step(524288, true), 262144);
	cr_expect_eq(sampling_step(SAMPLING_INTERVAL_MOST, false), SAMPLING_INTERVAL_MOST);
}
