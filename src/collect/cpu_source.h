/*
 * CPU samples: one perf event for each thread and CPU of the target, inherited by the threads it
 * makes later, with one mmap ring per CPU. Decodes nothing but the records; knows no names.
 */
#ifndef RSP_COLLECT_CPU_SOURCE_H
#define RSP_COLLECT_CPU_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/perf_ring.h"
#include "err.h"

struct cpu_source;

struct cpu_hooks {
	/* A sample of the target's own process, pointers valid for the call. */
	void (*sample)(void *context, const struct perf_record *record);
	/* The target has mapped executable memory, or made memory executable; valid for the call. */
	void (*mapped)(void *context, const struct perf_mmap *mmap);
	/* Records of any kind are lost: some mappings may not have been told. */
	void (*lost)(void *context);
	/* The target has executed another program. */
	void (*executed)(void *context);
	/* A thread has ended. */
	void (*thread_ended)(void *context, uint32_t tid);
	void *context;
};

struct cpu_options {
	int pid;
	unsigned frequency_hz;
	unsigned halvings;	/* of that: the period between samples is doubled so often */
	int program;		/* BPF program that counts samples in the kernel and leaves to the
				 * rings what needs a copy; -1: none */
};

struct cpu_facts {
	const char *event;	/* "cpu-clock" */
	unsigned frequency_hz;	/* in force: the kernel's maximum may be below what was asked for; halved */
	bool kernel;		/* kernel time is sampled too */
	uint64_t lost;		/* records that the kernel had no room for */
	uint64_t throttled;	/* throttle records */
	uint64_t corrupt;	/* records that made no sense */
	uint64_t threads_uncovered;
};

/*
 * Opens the events. Records flow from here on, samples only after cpu_source_start(). -EACCES
 * (EXIT_NOT_PERMITTED) and other -errno with one line in `err`.
 */
int cpu_source_open(struct cpu_source **ret_source, const struct cpu_options *options,
		    const struct cpu_hooks *hooks, struct err *err);
void cpu_source_close(struct cpu_source *source);

/* From now on samples are handed out; those taken before are not. */
void cpu_source_start(struct cpu_source *source);

/*
 * Varies the time between samples by up to a tenth: with one that is always the same, samples would beat with a
 * program that does the same again and again, and find it at the same few places for many seconds. To be called
 * now and then; does nothing until there have been some samples since the last time, as each change begins an
 * interval anew.
 */
void cpu_source_vary_period(struct cpu_source *source);

/* The rings to wait on. */
size_t cpu_source_fd_count(const struct cpu_source *source);
int cpu_source_fd(const struct cpu_source *source, size_t index);

/* Empties all rings. */
void cpu_source_drain(struct cpu_source *source);

/* Whether a mapping is in the rings that has not been handed out: then it is time to drain them. */
bool cpu_source_mapping_waits(struct cpu_source *source);

struct cpu_facts cpu_source_facts(const struct cpu_source *source);

#endif
