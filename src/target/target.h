/*
 * Facts about the process that is looked into. Held by a pidfd, so a recycled PID is never mistaken
 * for it; nothing here changes the target.
 */
#ifndef RSP_TARGET_TARGET_H
#define RSP_TARGET_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "err.h"
#include "target/memory_facts.h"

struct target {
	int pid;
	int pidfd;		/* readable when the process has exited */
	/* Files of proc(5), of this process for ever: what changes at any time, and what is rarely read. */
	int statm_fd, tasks_fd, status_fd;
	uint64_t task_links;	/* of the folder of its threads, when the status was read */
	double status_due_s;	/* it is read anew then, on CLOCK_MONOTONIC */
	clockid_t cpu_clock;	/* 0: not known yet */
	struct memory_counters memory;
	char comm[64];
	char *exe;		/* owned; NULL: not readable */
	bool child;		/* started by us, so ours to wait for */
	bool exited;
	int exit_status;	/* wait status, -1: unknown */
	unsigned threads;
	double started_s;	/* on CLOCK_BOOTTIME; 0: unknown */
	uint64_t cpu_ns;	/* user and system time since its start */
};

/*
 * Opens a process that can be profiled. Refused with one line: no such process or a zombie
 * (EXIT_NO_PROCESS), a thread's id, a kernel thread, a program that is not x86-64 (EXIT_FAILED), and
 * one that we may not look into (EXIT_NOT_PERMITTED).
 */
int target_open(struct target **ret_target, int pid, struct err *err);

/* Kills a child that still runs, and frees. NULL is allowed. */
void target_close(struct target *target);

/* Reads the changing facts anew, the name and swapped memory every few seconds; keeps the last ones of a
 * process that is gone. */
void target_refresh(struct target *target);

/* Reads them anew when the process has executed another program. */
void target_executed(struct target *target);

/* User and system time since its start, now; the last one known of a process that is gone. */
uint64_t target_cpu_ns(struct target *target);

/* To be called when pidfd is readable: learns the exit status where the kernel tells it. */
void target_reap(struct target *target);

#endif
