/* What one CPU sample takes of a thread's time on this machine, beside the program that runs in it. */
#ifndef RSP_OVERHEAD_SAMPLE_COST_H
#define RSP_OVERHEAD_SAMPLE_COST_H

#include <stddef.h>
#include <stdint.h>

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

enum { SAMPLE_LOOKS = 5 };

/* Short measurements of interrupt_ns, the latest: on a virtual machine it changes with what its host does. */
struct sample_looks {
	int fd; /* a sampling event of this thread, owned, disabled between looks; -errno: there is none */
	uint64_t latest_ns[SAMPLE_LOOKS];
	size_t count;
};

/* Opens what looks need while there are rights for it; they need none. 0, or -errno, without the right to load a
 * program, too: then there are no looks. */
int sample_looks_open(struct sample_looks *looks);
void sample_looks_close(struct sample_looks *looks);

/* Looks, which takes 2 ms of the thread that has opened it, and corrects interrupt_ns, which was measured before. 0, or
 * -errno: -EAGAIN there were too few samples. */
int sample_looks_take(struct sample_looks *looks, double *interrupt_ns);

/* The median with one more look, as a single one may be far off; interrupt_ns stands for those that are missing yet. */
double sample_looks_add(struct sample_looks *looks, double interrupt_ns, uint64_t look_ns);

#endif
