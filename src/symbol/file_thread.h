/*
 * Looks into files, which may have to wait for a disk, in a thread of its own while the event loop goes on:
 * one job after another. What a job refers to is nobody else's from file_thread_begin() until it is taken back.
 */
#ifndef RSP_SYMBOL_FILE_THREAD_H
#define RSP_SYMBOL_FILE_THREAD_H

#include <stddef.h>

struct file_thread;
struct file_job;

struct file_job_kind {
	void (*run)(struct file_job *job);		   /* in the thread */
	void (*take)(void *context, struct file_job *job); /* by file_thread_take(); owns it from then on */
	void (*drop)(struct file_job *job);		   /* by file_thread_free(): frees what is never taken */
};

/* The first member of what belongs to a job. */
struct file_job {
	const struct file_job_kind *kind;
	struct file_job *next, *prev;
};

/* The thread begins with the first job. Where there can be none, jobs are done when they are begun. */
struct file_thread *file_thread_new(void);

/* Waits for the job under way. NULL is allowed. */
void file_thread_free(struct file_thread *thread);

/* A descriptor that is readable while a job is done and not taken, or -1. Borrowed. */
int file_thread_fd(const struct file_thread *thread);

void file_thread_begin(struct file_thread *thread, struct file_job *job);

/* Gives back every job that is done. Does not wait. */
void file_thread_take(struct file_thread *thread, void *context);

/* Jobs that are not taken yet. */
size_t file_thread_count(const struct file_thread *thread);

#endif
