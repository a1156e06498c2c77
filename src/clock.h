/*
 * Times of a clock as one number. The clocks used here exist on every kernel that has what else is needed,
 * so reading one does not fail; that of a process that is gone, or any other that does, is 0.
 */
#ifndef RSP_CLOCK_H
#define RSP_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double clock_s(clockid_t clock)
{
	return (double)clock_ns(clock) * 1e-9;
}

/* Of CLOCK_MONOTONIC, which nobody sets. */
static inline uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline double monotonic_ms(void)
{
	return (double)monotonic_ns() * 1e-6;
}

static inline double monotonic_s(void)
{
	return (double)monotonic_ns() * 1e-9;
}

#endif
