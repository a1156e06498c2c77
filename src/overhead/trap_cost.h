/* What one hit of a probe costs on this machine. */
#ifndef RSP_OVERHEAD_TRAP_COST_H
#define RSP_OVERHEAD_TRAP_COST_H

#include "err.h"

/* Nanoseconds that a call takes longer with a probe whose program does nothing. NAN: not measured.
 */
struct trap_cost {
	double emulated_ns;	   /* on an instruction that the kernel emulates */
	double stepped_ns;	   /* on one that it executes out of line, single-stepped */
	double emulated_return_ns; /* the function's return is probed, too */
	double stepped_return_ns;
	double clock_ns; /* a reading of the clock: what a program is timed to take has one in it */
};

/*
 * Measures them in a child of our own, which takes about a tenth of a second and never longer than
 * some seconds. 0, or -errno with one line and NANs: EXIT_NOT_PERMITTED without CAP_BPF and
 * CAP_PERFMON. `ret_cost` is always written.
 */
int trap_cost_measure(struct trap_cost *ret_cost, struct err *err);

#endif
