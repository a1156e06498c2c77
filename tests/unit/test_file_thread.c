/* file_thread: jobs are done one after another elsewhere, and each is given back or dropped once. */
#include "config.h"

#include "symbol/file_thread.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"

enum { JOBS = 100 };

struct number_job {
	struct file_job job;
	int number;
	int wait_fd; /* a byte is read from it first; -1: nothing */
	pthread_t thread;
};

static int taken[JOBS], taken_count, dropped_count, run_count;

static void run(struct file_job *job)
{
	struct number_job *number = (struct number_job *)job;
	char byte;

	if (number->wait_fd >= 0)
		cr_assert_eq(read(number->wait_fd, &byte, 1), 1);
	number->thread = pthread_self();
	run_count++;
}

static void take(void *context, struct file_job *job)
{
	struct number_job *number = (struct number_job *)job;

	cr_assert_eq(context, taken);
	cr_assert_not(pthread_equal(number->thread, pthread_self()));
	taken[taken_count++] = number->number;
	free(number);
}

static void drop(struct file_job *job)
{
	dropped_count++;
	free(job);
}

static const struct file_job_kind kind = {run, take, drop};
static struct file_thread *thread;

static void start(void)
{
	thread = file_thread_new();
}

TestSuite(file_thread, .init = start, .timeout = 60);

static void begin(int number, int wait_fd)
{
	struct number_job *job = xcalloc(1, sizeof(*job));

	job->job.kind = &kind;
	job->number = number;
	job->wait_fd = wait_fd;
	file_thread_begin(thread, &job->job);
}

static bool is_readable(int timeout_ms)
{
	struct pollfd ready = {.fd = file_thread_fd(thread), .events = POLLIN};

	return poll(&ready, 1, timeout_ms) > 0;
}

Test(file_thread, gives_back_in_order)
{
	for (int i = 0; i < JOBS; i++)
		begin(i, -1);
	while (file_thread_count(thread)) {
		cr_assert(is_readable(-1));
		file_thread_take(thread, taken);
	}
	cr_assert_eq(taken_count, JOBS);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(taken[i], i);
	cr_assert_not(is_readable(0), "nothing is left to take");
	file_thread_free(thread);
	cr_assert_eq(dropped_count, 0);
}

Test(file_thread, does_not_wait_for_a_job)
{
	int pipe_fds[2];

	cr_assert_eq(pipe(pipe_fds), 0);
	begin(0, pipe_fds[0]);
	begin(1, -1);
	file_thread_take(thread, taken);
	cr_assert_eq(taken_count, 0);
	cr_assert_eq(file_thread_count(thread), 2);
	cr_assert_not(is_readable(0));
	cr_assert_eq(write(pipe_fds[1], "x", 1), 1);
	while (file_thread_count(thread)) {
		cr_assert(is_readable(-1));
		file_thread_take(thread, taken);
	}
	cr_assert_eq(taken_count, 2);
	file_thread_free(thread);
}

/* One is done and not taken, one is under way, and one has not begun. */
Test(file_thread, drops_what_is_not_taken)
{
	int pipe_fds[2];

	cr_assert_eq(pipe(pipe_fds), 0);
	begin(0, -1);
	cr_assert(is_readable(-1));
	begin(1, pipe_fds[0]);
	begin(2, -1);
	cr_assert_eq(write(pipe_fds[1], "x", 1), 1);
	file_thread_free(thread);
	cr_assert_eq(dropped_count, 3);
	cr_assert_eq(taken_count, 0);
	cr_assert_geq(run_count, 1);
}

Test(file_thread, has_no_thread_without_jobs)
{
	cr_assert_eq(file_thread_count(thread), 0);
	file_thread_take(thread, taken);
	file_thread_free(thread);
	file_thread_free(NULL);
}
