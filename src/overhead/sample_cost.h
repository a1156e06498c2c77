/* What one CPU sample takes of a thread's time on this machine, beside the program that runs in it. */
#ifndef RSP_OVERHEAD_SAMPLE_COST_H
#define RSP_OVERHEAD_SAMPLE_COST_H

#include <stdbool.h>

/* Nanoseconds. NAN: not measured. */
struct sample_cost {
	double interrupt_ns;	 /* the timer's interrupt, when nothing is written into a ring */
	double copy_ns_per_byte; /* of a stack that is copied into a ring, its record in it */
};

/*
 * Measures them by the gaps in a loop of this thread, which is sampled meanwhile; takes a tenth of
 * a second. 0, or -errno: -EACCES or -EPERM not permitted, -EAGAIN there were too few samples. Without
 * the right to load a program, every interrupt has a record, and interrupt_ns is that of an empty one.
 */
int sample_cost_measure(struct sample_cost *ret_cost);

#endif
