/*
 * The target's calls of mmap(), mremap() and brk(), each with its stack, when they return: by the
 * tracepoints syscalls:sys_exit_*, without a probe in the target.
 *
 * While one of these is open, on whichever process, the kernel takes the longer way into and out of
 * every system call of every process on the machine.
 */
#ifndef RSP_COLLECT_MAPPING_SOURCE_H
#define RSP_COLLECT_MAPPING_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "collect/mapping_call.h"
#include "collect/perf_ring.h"
#include "err.h"

struct mapping_source;

struct mapping_source_hooks {
	/* A call of the target's own process has returned; pointers valid for the call. In the
	 * order of time only on each CPU. */
	void (*returned)(void *context, enum mapping_call call, const struct perf_record *record);
	/* The target has executed another program at this time of CLOCK_MONOTONIC. */
	void (*executed)(void *context, uint64_t time_ns);
	void *context;
};

struct mapping_source_facts {
	uint64_t lost[MAPPING_CALLS]; /* calls that the rings had no room for */
	uint64_t corrupt;	      /* records that made no sense */
	uint64_t threads_uncovered;   /* for want of descriptors */
};

/* 0, or -errno and `err` says why not. */
int mapping_source_open(struct mapping_source **ret_source, int pid,
			const struct mapping_source_hooks *hooks, struct err *err);
void mapping_source_close(struct mapping_source *source);

/* A BPF program to run before each call is handed out. 0, or -errno: it does not run for all of them. */
int mapping_source_set_program(struct mapping_source *source, int program);

/* The rings to wait on, by index over all calls. */
size_t mapping_source_ring_count(const struct mapping_source *source);
int mapping_source_fd(const struct mapping_source *source, size_t ring);

/* Hands out all records of all rings. */
void mapping_source_drain(struct mapping_source *source);

struct mapping_source_facts mapping_source_facts(const struct mapping_source *source);

#endif
