/* threads: lines of /proc/PID/task/TID/stat, which have a name of the target's in them, and our
 * own. */
#include "config.h"

#include "target/threads.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELDS \
	" S 1 2 3 4 -1 4194560 10 0 0 0 150 50 0 0 20 0 3 0 98765 1000 20 18446744073709551615"

Test(threads, line)
{
	struct thread thread;

	cr_assert(threads_parse("4127 (worker-1)" FIELDS, &thread));
	cr_expect_eq(thread.tid, 4127);
	cr_expect_str_eq(thread.name, "worker-1");
	cr_expect_eq(thread.state, 'S');
	cr_expect_eq(thread.cpu_ticks, 200);
	cr_expect_eq(thread.start_ticks, 98765);
}

Test(threads, names_may_have_anything)
{
	char line[512], longest[200];
	struct thread thread;

	cr_assert(threads_parse("7 () R 1 (x)" FIELDS, &thread));
	cr_expect_eq(thread.state, 'S', "the last bracket ends the name");
	cr_expect_str_eq(thread.name, ") R 1 (x");
	cr_assert(threads_parse("7 ()" FIELDS, &thread));
	cr_expect_str_eq(thread.name, "");
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	(void)snprintf(line, sizeof(line), "7 (%s)%s", longest, FIELDS);
	cr_assert(threads_parse(line, &thread));
	cr_expect_eq(strlen(thread.name), THREAD_NAME - 1);
}

Test(threads, no_sense)
{
	static const char *const lines[] = {"",
					    "7",
					    "7 (a",
					    "7 a) S 1",
					    "7 )a( S 1 2",
					    "7 (a)",
					    "7 (a) S 1 2 3",
					    "x (a)" FIELDS,
					    "-3 (a)" FIELDS};
	struct thread thread;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_not(threads_parse(lines[i], &thread), "%s", lines[i]);
}

static void *wait_for_byte(void *fd)
{
	char byte;

	return read(*(int *)fd, &byte, 1) == 1 ? fd : NULL;
}

Test(threads, of_this_process)
{
	struct thread *threads = calloc(THREADS_MAX, sizeof(*threads));
	size_t left_out, before, count;
	pthread_t other;
	int fds[2];

	cr_assert_not_null(threads);
	cr_assert_eq(pipe(fds), 0);
	before = threads_read(getpid(), threads, &left_out);
	cr_assert_eq(pthread_create(&other, NULL, wait_for_byte, &fds[0]), 0);
	count = threads_read(getpid(), threads, &left_out);
	cr_expect_eq(count, before + 1);
	cr_expect_eq(left_out, 0);
	for (size_t i = 1; i < count; i++)
		cr_expect_lt(threads[i - 1].tid, threads[i].tid);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	cr_assert_eq(pthread_join(other, NULL), 0);
	cr_expect_eq(threads_read(-1, threads, &left_out), 0);
	free(threads);
}
