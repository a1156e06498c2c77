/* What one hit of a probe costs on this machine. */
#ifndef RSP_OVERHEAD_TRAP_COST_H
#define RSP_OVERHEAD_TRAP_COST_H

#include <math.h>

#include "err.h"

/* Nanoseconds that a call takes longer with a probe whose program does nothing. NAN: not measured.
 */
struct trap_cost {
	double emulated_ns;	   /* on an instruction that the kernel emulates */
	double stepped_ns;	   /* on one that it executes out of line, single-stepped */
	double emulated_return_ns; /* the function's return is probed, too */
	double stepped_return_ns;
	double clock_ns; /* a reading of the clock: what a program is timed to take has one in it */
	double set_ms;	 /* that the kernel took to set the probes: it waits until all CPUs have passed */
	double took_ms;	 /* to measure all this beside that */
};

/* Nothing of it is measured. */
#define TRAP_COST_UNKNOWN ((struct trap_cost){NAN, NAN, NAN, NAN, NAN, NAN, NAN})

/* What is measured with is still there. */
struct trap_probes;

/*
 * Measures them in a child of our own, which takes some 5 ms; that the kernel takes to set the probes, 5 to 30,
 * comes to that, and it is never longer than some seconds. 0, or -errno with one line and NANs:
 * EXIT_NOT_PERMITTED without CAP_BPF and CAP_PERFMON. `ret_cost` is always written, and *ret_probes, which is
 * to be freed: NULL, or what the kernel takes longer to take out than it was needed for.
 */
int trap_cost_measure(struct trap_cost *ret_cost, struct trap_probes **ret_probes, struct err *err);

/* Takes them out, which takes some tens of milliseconds. NULL is allowed. */
void trap_probes_free(struct trap_probes *probes);

#endif
