/* loop: who is called back when, and what may be changed from inside of a callback. */
#include "config.h"

#include "loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIPES = 3 };

/* One pipe's end, and what its callback does. */
struct source {
	int fds[2];
	unsigned calls;
	void (*then)(struct source *source);
};

static struct loop *loop;
static struct source sources[PIPES];
static unsigned turns;
static unsigned turns_wanted;

static void make_pipe(struct source *source)
{
	cr_assert_eq(pipe2(source->fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void set_up(void)
{
	struct err err;

	cr_assert_eq(loop_new(&loop, &err), 0);
	for (size_t i = 0; i < PIPES; i++)
		make_pipe(&sources[i]);
	turns = 0;
	turns_wanted = 1;
}

static void tear_down(void)
{
	loop_free(loop);
}

TestSuite(loop, .init = set_up, .fini = tear_down, .timeout = 60);

static void on_readable(void *context)
{
	struct source *source = context;

	source->calls++;
	if (source->then)
		source->then(source);
}

static void on_turn(void *context)
{
	cr_assert_eq(context, &turns);
	if (++turns >= turns_wanted)
		loop_stop(loop);
}

static void add(struct source *source)
{
	cr_assert_eq(loop_add(loop, source->fds[0], on_readable, source), 0);
}

static void make_readable(const struct source *source)
{
	cr_assert_eq(write(source->fds[1], "x", 1), 1);
}

static void drain(struct source *source)
{
	char byte;

	cr_assert_eq(read(source->fds[0], &byte, 1), 1);
}

static void run(unsigned wanted)
{
	struct err err;

	turns = 0;
	turns_wanted = wanted;
	cr_assert_eq(loop_run(loop, on_turn, &turns, &err), 0);
}

Test(loop, free_of_null)
{
	loop_free(NULL);
}

Test(loop, calls_back_what_is_readable)
{
	for (size_t i = 0; i < PIPES; i++)
		add(&sources[i]);
	make_readable(&sources[1]);
	run(1);
	cr_assert_eq(sources[0].calls, 0);
	cr_assert_eq(sources[1].calls, 1);
	cr_assert_eq(sources[2].calls, 0);
	cr_assert_eq(turns, 1);
}

/* What has not been read is told of again, what has been read is not. */
Test(loop, as_long_as_it_is_readable)
{
	add(&sources[0]);
	add(&sources[1]);
	sources[1].then = drain;
	make_readable(&sources[0]);
	make_readable(&sources[1]);
	run(3);
	cr_assert_eq(sources[0].calls, 3);
	cr_assert_eq(sources[1].calls, 1);
	cr_assert_eq(turns, 3);
}

Test(loop, all_that_is_ready_in_one_turn)
{
	for (size_t i = 0; i < PIPES; i++) {
		add(&sources[i]);
		make_readable(&sources[i]);
	}
	run(1);
	for (size_t i = 0; i < PIPES; i++)
		cr_assert_eq(sources[i].calls, 1);
	cr_assert_eq(turns, 1);
}

Test(loop, hang_up_calls_back)
{
	add(&sources[0]);
	close(sources[0].fds[1]);
	run(1);
	cr_assert_eq(sources[0].calls, 1);
}

static void stop(struct source *source)
{
	(void)source;
	loop_stop(loop);
}

/* Nothing more is called back once it is stopped, but the turn has its end. */
Test(loop, stop_in_a_callback)
{
	for (size_t i = 0; i < PIPES; i++) {
		add(&sources[i]);
		sources[i].then = stop;
		make_readable(&sources[i]);
	}
	run(1000);
	cr_assert_eq(sources[0].calls + sources[1].calls + sources[2].calls, 1);
	cr_assert_eq(turns, 1);
}

Test(loop, runs_again_after_a_stop)
{
	add(&sources[0]);
	make_readable(&sources[0]);
	run(1);
	run(2);
	cr_assert_eq(sources[0].calls, 3);
}

static void remove_others(struct source *source)
{
	for (size_t i = 0; i < PIPES; i++)
		if (&sources[i] != source)
			loop_remove(loop, sources[i].fds[0]);
}

/* All are ready in the same turn: the first one called takes the others out. */
Test(loop, removed_ones_are_not_called_in_the_same_turn)
{
	for (size_t i = 0; i < PIPES; i++) {
		add(&sources[i]);
		sources[i].then = remove_others;
		make_readable(&sources[i]);
	}
	run(2);
	cr_assert_eq(sources[0].calls + sources[1].calls + sources[2].calls, 2);
	for (size_t i = 0; i < PIPES; i++)
		cr_assert(sources[i].calls == 0 || sources[i].calls == 2);
}

static void remove_itself_and_close(struct source *source)
{
	loop_remove(loop, source->fds[0]);
	close(source->fds[0]);
	close(source->fds[1]);
}

Test(loop, remove_itself)
{
	for (size_t i = 0; i < 2; i++) {
		add(&sources[i]);
		make_readable(&sources[i]);
	}
	sources[0].then = remove_itself_and_close;
	run(3);
	cr_assert_eq(sources[0].calls, 1);
	cr_assert_eq(sources[1].calls, 3);
}

/* The new descriptor has the old one's number, and the old one's event may still be to come. */
static void replace_second(struct source *source)
{
	int old_fd = sources[1].fds[0];

	source->then = NULL;
	if (sources[1].calls)
		return;
	loop_remove(loop, old_fd);
	close(old_fd);
	close(sources[1].fds[1]);
	make_pipe(&sources[2]);
	cr_assert_eq(sources[2].fds[0], old_fd);
	add(&sources[2]);
}

Test(loop, number_taken_again_in_a_callback)
{
	close(sources[2].fds[0]);
	close(sources[2].fds[1]);
	/* The pipe's read end takes the lowest free number: leave none below. */
	for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
		if (fd > sources[1].fds[1] && fd > sources[2].fds[1]) {
			close(fd);
			break;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		add(&sources[i]);
		make_readable(&sources[i]);
	}
	sources[0].then = replace_second;
	run(1);
	cr_assert_eq(sources[0].calls, 1);
	cr_assert_eq(sources[2].calls, 0, "the new one is not readable");
	if (sources[1].calls)
		return;
	make_readable(&sources[2]);
	run(1);
	cr_assert_eq(sources[1].calls, 0);
	cr_assert_eq(sources[2].calls, 1);
}

static void add_third(struct source *source)
{
	source->then = NULL;
	add(&sources[2]);
	make_readable(&sources[2]);
}

Test(loop, add_in_a_callback)
{
	add(&sources[0]);
	sources[0].then = add_third;
	make_readable(&sources[0]);
	run(2);
	cr_assert_eq(sources[0].calls, 2);
	cr_assert_eq(sources[2].calls, 1);
}

Test(loop, added_again_after_remove)
{
	add(&sources[0]);
	loop_remove(loop, sources[0].fds[0]);
	add(&sources[0]);
	make_readable(&sources[0]);
	run(1);
	cr_assert_eq(sources[0].calls, 1);
}

Test(loop, remove_what_is_not_there)
{
	loop_remove(loop, sources[0].fds[0]);
	loop_remove(loop, -1);
	add(&sources[0]);
	add(&sources[1]);
	close(sources[0].fds[0]);
	loop_remove(loop, sources[0].fds[0]);
	loop_remove(loop, sources[0].fds[0]);
	make_readable(&sources[1]);
	run(1);
	cr_assert_eq(sources[0].calls, 0);
	cr_assert_eq(sources[1].calls, 1);
}

Test(loop, add_fails)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	cr_assert_eq(loop_add(loop, -1, on_readable, NULL), -EBADF);
	cr_assert_eq(loop_add(loop, file, on_readable, NULL), -EPERM, "files are always readable");
	add(&sources[0]);
	cr_assert_eq(loop_add(loop, sources[0].fds[0], on_readable, NULL), -EEXIST);
	close(file);
}

/* More than the loop takes in one turn. */
Test(loop, many_descriptors)
{
	enum { MANY = 100 };
	static struct source many[MANY];
	unsigned calls = 0;

	for (size_t i = 0; i < MANY; i++) {
		make_pipe(&many[i]);
		many[i].then = drain;
		add(&many[i]);
		make_readable(&many[i]);
	}
	run(2);
	for (size_t i = 0; i < MANY; i++) {
		cr_expect_eq(many[i].calls, 1);
		calls += many[i].calls;
	}
	cr_assert_eq(calls, MANY);
}
