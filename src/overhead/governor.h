/*
 * Keeps what we cost the target within a budget. Steps are taken in an order: samples of the heap
 * become rarer, then those of the CPU, then allocations are seen for a share of the time only, then what
 * is freed is not seen any more, and at last the heap's probes are taken out. Each step is undone when what
 * it saved would fit again, for some time. Pure.
 */
#ifndef RSP_OVERHEAD_GOVERNOR_H
#define RSP_OVERHEAD_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overhead/cost_window.h"

/* What costs less than this of one CPU is left alone, however little the target itself does. */
#define GOVERNOR_NEGLIGIBLE_CORES 0.01

/* How far each measure goes; all zero: nothing is held back. */
struct governor_setting {
	uint64_t interval_least; /* of the heap's sampling, bytes; 0: every allocation may be tracked */
	unsigned halvings;	 /* of the CPU sampling frequency */
	unsigned time_halvings;	 /* of the time for which allocations are seen */
	bool frees_out;		 /* the probes of what frees are taken out: allocations are only counted */
	bool heap_out;		 /* the probes are taken out */
};

/* What may be done. */
struct governor_limits {
	double budget_pct; /* of the target's CPU time; 0: no limit */
	bool heap;	   /* the heap is ours to sample and to give up */
	unsigned halvings_most;
	unsigned time_halvings_most;
	unsigned counted_halvings_most; /* the same with frees_out; 0: frees are not taken out alone */
};

struct governor {
	struct governor_setting setting;
	double over_s;	    /* for so long the cost has been above the budget */
	double calm_s;	    /* for so long the last step could have been undone */
	double out_s;	    /* since the probes were taken out */
	double retry_s;	    /* when they are to be tried again; doubles each time */
	double tried_s;	    /* since they were put back to be tried; 0: not on trial */
	double undo_after_s; /* of calm; grows when a step had to be taken again soon */
	double undone_s;    /* since a step was undone last */
	bool predicted;	    /* what the share of the time costs has not been compared with its prediction yet */
	double strained_s;  /* the same, with this setting as the mildest that helps */
	double cost_pct;    /* that the last step was taken for */
	double followed_pct; /* what seeing frees would have cost at the least, when that was given up */
};

struct governor_facts {
	double seconds;		  /* since the last look */
	struct cost_slice cost;	  /* of the last second, or since the last step if that is shorter; with
				   * time_halvings as cost_window_shared() has it */
	struct cost_slice latest; /* of the last slice: a load that has just risen. All zero where one
				   * slice says nothing */
	uint64_t interval;	  /* of the heap's sampling, bytes; 0: every allocation */
	double allocation_bytes;  /* mean size */
};

void governor_init(struct governor *governor);

/* Chooses the setting. True: it is another one than before. */
bool governor_next(struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts);

/* What the setting is and why, in one line of `size` bytes; "" while nothing is held back. */
void governor_text(const struct governor *governor, const struct governor_limits *limits, char *buf,
		   size_t size);

/* The last measure that is in force: "none", "interval", "frequency", "share", "counts", "out". */
const char *governor_level(const struct governor *governor);

#endif
