#include "config.h"

#include "symbol/file_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utlist.h>

#include "err.h"
#include "permit/capabilities.h"

struct file_thread {
	pthread_t id;
	bool runs;
	size_t count; /* of jobs that are not taken */
	int fd;
	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t changed;
	struct file_job *waiting, *done;
	bool ends;
};

struct file_thread *file_thread_new(void)
{
	struct file_thread *thread = xcalloc(1, sizeof(*thread));

	thread->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_init(&thread->lock, NULL);
	(void)pthread_cond_init(&thread->changed, NULL);
	return thread;
}

/* The next job, or NULL at the end. */
static struct file_job *wait_for_job(struct file_thread *thread)
{
	struct file_job *job;

	(void)pthread_mutex_lock(&thread->lock);
	while (!thread->waiting && !thread->ends)
		(void)pthread_cond_wait(&thread->changed, &thread->lock);
	job = thread->ends ? NULL : thread->waiting;
	if (job)
		DL_DELETE(thread->waiting, job);
	(void)pthread_mutex_unlock(&thread->lock);
	return job;
}

static void finish(struct file_thread *thread, struct file_job *job)
{
	(void)pthread_mutex_lock(&thread->lock);
	DL_APPEND(thread->done, job);
	(void)eventfd_write(thread->fd, 1);
	(void)pthread_mutex_unlock(&thread->lock);
}

static void *run(void *context)
{
	struct file_thread *thread = context;
	struct file_job *job;
	struct err err;

	/* Each thread has its own, and what the program gives up later this one would keep. Giving up is
	 * never refused. */
	if (capabilities_keep(capabilities_later(false, false, false), &err))
		abort();
	while ((job = wait_for_job(thread))) {
		job->kind->run(job);
		finish(thread, job);
	}
	return NULL;
}

/* No signal of the program is handled in the thread. */
static bool start(struct file_thread *thread)
{
	sigset_t all, before;

	if (thread->fd < 0)
		return false;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	thread->runs = pthread_create(&thread->id, NULL, run, thread) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return thread->runs;
}

void file_thread_begin(struct file_thread *thread, struct file_job *job)
{
	thread->count++;
	if (!thread->runs && !start(thread)) {
		job->kind->run(job);
		finish(thread, job);
		return;
	}
	(void)pthread_mutex_lock(&thread->lock);
	DL_APPEND(thread->waiting, job);
	(void)pthread_cond_signal(&thread->changed);
	(void)pthread_mutex_unlock(&thread->lock);
}

void file_thread_take(struct file_thread *thread, void *context)
{
	struct file_job *jobs, *job, *next;
	eventfd_t number;

	if (!thread->count)
		return;
	(void)pthread_mutex_lock(&thread->lock);
	(void)eventfd_read(thread->fd, &number);
	jobs = thread->done;
	thread->done = NULL;
	(void)pthread_mutex_unlock(&thread->lock);
	DL_FOREACH_SAFE (jobs, job, next) {
		thread->count--;
		job->kind->take(context, job);
	}
}

static void drop_list(struct file_job *jobs)
{
	struct file_job *job, *next;

	DL_FOREACH_SAFE (jobs, job, next)
		job->kind->drop(job);
}

void file_thread_free(struct file_thread *thread)
{
	if (!thread)
		return;
	if (thread->runs) {
		(void)pthread_mutex_lock(&thread->lock);
		thread->ends = true;
		(void)pthread_cond_signal(&thread->changed);
		(void)pthread_mutex_unlock(&thread->lock);
		(void)pthread_join(thread->id, NULL);
	}
	drop_list(thread->waiting);
	drop_list(thread->done);
	(void)pthread_cond_destroy(&thread->changed);
	(void)pthread_mutex_destroy(&thread->lock);
	if (thread->fd >= 0)
		close(thread->fd);
	free(thread);
}

int file_thread_fd(const struct file_thread *thread)
{
	return thread->fd;
}

size_t file_thread_count(const struct file_thread *thread)
{
	return thread->count;
}
