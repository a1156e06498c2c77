/*
 * The body of the shares targets in C and C++: three functions of equal shape which get 60, 30 and
 * 10 per cent of each thread's CPU time. A function works in chunks of pure arithmetic and looks at
 * the thread's CPU clock between two of them only: the clock's own time is not the function's. What
 * a chunk runs over is kept on account, so the shares hold over any number of turns.
 */
#ifndef SHARES_H
#define SHARES_H

#include "target.h"

#define CHUNK_STEPS 50000u /* some 100 us */

/* What one function has used and may use, in thread CPU time. */
struct account {
	uint64_t used_ns;
	uint64_t budget_ns;
};

/*
 * How long a part is in the next turn, which has 6 + 3 + 1 of them: 0.3 to 1.3 ms. Turns of one
 * length would be in step with samples of about the same one.
 */
static inline uint64_t shares_part_ns(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return 300000 + *random % 1000000;
}

#define SHARES_SEED 2463534242u

/*
 * Used as the body of a function, so that the arithmetic is the function's own. `factor` differs
 * from function to function.
 */
#define SHARES_SPIN(account, share_ns, factor)                                                     \
	do {                                                                                       \
		uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);                            \
                                                                                                   \
		(account)->budget_ns += (share_ns);                                                \
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
