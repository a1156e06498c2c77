/*
 * The body of the shares targets in C and C++: three functions of equal shape which get 60, 30 and
 * 10 per cent of each thread's CPU time. A function works in chunks of pure arithmetic and looks at
 * the thread's CPU clock between two of them only: the clock's own time is not the function's. What
 * a chunk runs over is kept on account, so the shares hold over any number of turns.
 */
#ifndef SHARES_H
#define SHARES_H

#include "target.h"

#define SLICE_NS 1000000u	/* one part of ten; a turn is 6 + 3 + 1 parts */
#define CHUNK_STEPS 100000u	/* some 100 to 400 us */

/* What one function has used and may use, in thread CPU time. */
struct account {
	uint64_t used_ns;
	uint64_t budget_ns;
};

/*
 * Used as the body of a function, so that the arithmetic is the function's own. `factor` differs
 * from function to function.
 */
#define SHARES_SPIN(account, parts, factor)                                                        \
	do {                                                                                       \
		uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);                            \
                                                                                                   \
		(account)->budget_ns += (uint64_t)(parts) * SLICE_NS;                              \
		while ((account)->used_ns < (account)->budget_ns) {                                \
			uint64_t value = before_ns, now_ns;                                        \
			uint32_t step;                                                             \
                                                                                                   \
			for (step = 0; step < CHUNK_STEPS; step++) {                               \
				value = value * (factor) + 1442695040888963407u;                   \
				value ^= value >> 29;                                              \
			}                                                                          \
			USED(value);                                                               \
			now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);                                \
			(account)->used_ns += now_ns - before_ns;                                  \
			before_ns = now_ns;                                                        \
		}                                                                                  \
	} while (0)

#endif
