/* What the hits of a probe have cost the target: traps, and the programs that run in them. Pure. */
#ifndef RSP_OVERHEAD_PROBE_COST_H
#define RSP_OVERHEAD_PROBE_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "overhead/trap_cost.h"

struct probe_facts {
	struct heap_hits now, before; /* as heap_source_hits() gives them */
	bool emulated;		      /* the kernel emulates what is probed */
	bool returns;		      /* the return of a hit that is booked is probed */
	bool all_returns;	      /* also that of the others */
	bool all_booked;	      /* a hit is booked whether it is sampled or not */
};

/* Nanoseconds. */
struct probe_cost {
	double entries_ns;	/* of hits that are not booked, and would be of the others */
	double sampled_ns;	/* what those that are booked have cost above that */
};

/*
 * What the hits between `before` and `now` have cost. Where few of them were timed, the times of all
 * hits so far are taken for theirs. NANs while the cost of a trap is not measured.
 */
struct probe_cost probe_cost_between(const struct probe_facts *facts, const struct trap_cost *trap);

#endif
