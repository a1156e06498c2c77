/*
 * The threads of a process as /proc/PID/task has them. Their names are the target's: any bytes.
 */
#ifndef RSP_TARGET_THREADS_H
#define RSP_TARGET_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS_MAX = 4096, THREAD_NAME = 64 };

struct thread {
	int tid;
	char state; /* as in /proc: R, S, D, T, t, Z, X, I; '?': unknown */
	char name[THREAD_NAME];
	uint64_t cpu_ticks;   /* user and system time since its start, in clock ticks */
	uint64_t start_ticks; /* when it started: tells a tid that is used again */
};

/*
 * Reads the threads into `ret_threads` (THREADS_MAX of them), by tid; those beyond are counted in
 * `ret_left_out`, one that ends meanwhile is not there. Returns how many, 0 when the process is
 * gone.
 */
size_t threads_read(int pid, struct thread *ret_threads, size_t *ret_left_out);

/* Reads one, of any process. False when it is gone. */
bool threads_read_one(int tid, struct thread *ret_thread);

/* Takes a line of a stat file apart; false when it makes no sense. */
bool threads_parse(const char *line, struct thread *ret_thread);

#endif
