/*
 * Page faults of the target by stack: a sample for every so many minor faults of each thread and
 * CPU, which needs neither BPF nor a probe. Memory that grows is touched for the first time, and
 * each first touch of a page is a fault, whatever the allocator is.
 *
 * What it costs the target is bounded however fast that faults: a CPU's ring holds some samples
 * only and is emptied at most every growth_source_interval_s(). What comes while it is full is
 * dropped by the kernel, which says how many it were; each sample stands for the same number of
 * faults, so nothing is lost of the sum.
 */
#ifndef RSP_COLLECT_GROWTH_SOURCE_H
#define RSP_COLLECT_GROWTH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/perf_ring.h"
#include "err.h"

/*
 * Faults that a sample stands for. Prime: programs touch memory in powers of two, and a period that
 * divides such a pattern would see always the same place of it.
 */
enum { GROWTH_FAULTS_PER_SAMPLE = 31 };

struct growth_source;

struct growth_source_hooks {
	/* A sample of the target's own process from a ring, pointers valid for the call. */
	void (*sample)(void *context, size_t ring, const struct perf_record *record);
	/* So many samples found no room in the ring behind those handed out last from it. */
	void (*lost)(void *context, size_t ring, uint64_t samples);
	/* The target has executed another program. */
	void (*executed)(void *context);
	void *context;
};

struct growth_source_facts {
	const char *event;  /* as perf calls it */
	bool kernel;	    /* what the kernel touches for the target is seen, too */
	uint64_t lost;	    /* samples without a stack; see the hook */
	uint64_t throttled; /* times that the kernel stopped counting for a moment */
	uint64_t corrupt;   /* records that made no sense */
	uint64_t threads_uncovered;
};

/* Opens the events; samples flow from here on. -errno with one line in `err`. */
int growth_source_open(struct growth_source **ret_source, int pid,
		       const struct growth_source_hooks *hooks, struct err *err);
void growth_source_close(struct growth_source *source);

/* A program, which stays the caller's, runs at each sample from now on. 0, or -errno. */
int growth_source_set_program(struct growth_source *source, int program);

size_t growth_source_ring_count(const struct growth_source *source);

/* Readable when the ring is half full. */
int growth_source_fd(const struct growth_source *source, size_t ring);

/* Empties all rings; not to be called more often than the interval says. */
void growth_source_drain(struct growth_source *source);
double growth_source_interval_s(void);

struct growth_source_facts growth_source_facts(const struct growth_source *source);

#endif
