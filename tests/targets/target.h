/*
 * What the C and C++ targets share: attributes that keep a function a function of its own, and
 * clocks. A target must show the same stacks whatever the compiler would like to merge, clone,
 * inline or turn into a jump.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdint.h>
#include <time.h>

/* Never inlined, cloned, merged with a function of equal body, or analysed across the call. */
#if defined(__clang__)
#define OWN_FUNCTION __attribute__((noinline))
#else
#define OWN_FUNCTION __attribute__((noipa))
#endif

/* After a call: the call was not the last thing in the function, so it is no tail call. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

/* The compiler must assume that `pointer` and what it points to are used. */
#define USED(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
