/*
 * How many bytes apart allocations are sampled in automatic mode: every one while that is cheap, and so
 * rarely that about as many are tracked as are enough to see by, where the target allocates much or the
 * map of live objects fills. Where stacks come faster than they are read the interval has been raised
 * already (bpf/copy.bpf.h): once their rules are known it goes back to that.
 */
#ifndef RSP_OVERHEAD_SAMPLING_PACE_H
#define RSP_OVERHEAD_SAMPLING_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* The smallest interval but none: below it most objects would be tracked anyway. */
#define SAMPLING_INTERVAL_LEAST 4096
#define SAMPLING_INTERVAL_MOST (UINT64_C(1) << 30)

struct sampling_pace {
	double calm_s;	/* for so long there has been room for more samples; begins as 0 */
	bool raised;	/* it is higher than it need be once that is over; begins as false */
};

/* What happened since the last look. */
struct sampling_facts {
	double seconds;
	uint64_t interval;	/* bytes; 0: every allocation was tracked */
	bool raised;		/* by the programs */
	uint64_t calls;		/* of allocator functions that return memory */
	uint64_t tracked;	/* allocations */
	double bytes;		/* allocated, or an estimate */
	double live_fill;	/* of the map of live objects, 0 to 1 */
};

/* The interval to go on with. */
uint64_t sampling_pace_next(struct sampling_pace *pace, const struct sampling_facts *facts);

/* The next finer (finer: true) or coarser interval, for a person to step through. */
uint64_t sampling_step(uint64_t interval, bool finer);

#endif
