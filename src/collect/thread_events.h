/*
 * Perf events of one kind on a whole process: one for each of its threads and each CPU, inherited
 * by the threads that it makes later, with one mmap ring per CPU. Knows which threads are covered,
 * and nothing of what is measured. For cpu_source.c and growth_source.c.
 */
#ifndef RSP_COLLECT_THREAD_EVENTS_H
#define RSP_COLLECT_THREAD_EVENTS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/perf_ring.h"

/* A ring is never made smaller than this: locked memory that does not suffice is an error. */
enum { THREAD_EVENTS_RING_MIN = 64 << 10 };

struct thread_events;

struct thread_events_options {
	int pid;
	/*
	 * What to measure, copied: what and how often, what a sample has beside registers, how much stack,
	 * when to wake (of a smaller ring, at the same part of it). That threads to come are covered, and
	 * what each record has, is set here. Kernels that do not know PERF_FORMAT_LOST (before 6.0) are
	 * opened without.
	 */
	const struct perf_event_attr *attr;
	size_t
	    ring_bytes; /* per CPU, a power of two; less where the locked-memory limit demands it */
	int program;	/* BPF program to run at each sample, -1: none */
	/* A record of the ring with this index, valid for the call. Called from open on. */
	void (*record)(void *context, size_t ring, const struct perf_record *record);
	void *context;
};

struct thread_events_facts {
	bool kernel;		    /* what the kernel does for the threads is measured, too */
	uint64_t lost;		    /* records that the kernel had no room for */
	uint64_t throttled;	    /* throttle records */
	uint64_t corrupt;	    /* records that made no sense */
	uint64_t threads_uncovered; /* for want of descriptors */
};

/* 0, or -errno: -EACCES or -EPERM not permitted, -ESRCH the process is gone. */
int thread_events_open(struct thread_events **ret_events,
		       const struct thread_events_options *options);
void thread_events_close(struct thread_events *events);

/* The same program for events that were opened without one. 0, or -errno. */
int thread_events_set_program(struct thread_events *events, int program);

/*
 * Another sampling period, for some events in turn at each call, so that one of thousands of events costs no
 * more than one of few. What threads have inherited keeps its period.
 */
void thread_events_set_period(struct thread_events *events, uint64_t period);

/* CPUs that the machine may have: what to divide memory by, before open. */
size_t thread_events_cpu_count(void);

/* The rings to wait on, by index. */
size_t thread_events_ring_count(const struct thread_events *events);
int thread_events_fd(const struct thread_events *events, size_t ring);

/* Hands out all records of all rings. */
void thread_events_drain(struct thread_events *events);

/*
 * Records of a ring that were lost since it was opened, as counted at the events: also those that no
 * LOST record tells of yet, which comes with the next record only. Looked at only when the ring was
 * nearly full at the last drain, as it costs a system call for each thread; else, and where the kernel
 * does not count (before 6.0, or no PERF_FORMAT_LOST in the attr), 0.
 */
uint64_t thread_events_read_lost(const struct thread_events *events, size_t ring);

/* Whether a mapping's record is in the rings that has not been handed out. */
bool thread_events_mapping_waits(struct thread_events *events);

struct thread_events_facts thread_events_facts(const struct thread_events *events);

#endif
