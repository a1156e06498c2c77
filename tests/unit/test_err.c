/* err: the sentence, the status, and the end when memory is out. */
#include "config.h"

#include "err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(err, set_writes_sentence_and_status)
{
	struct err err;

	cr_assert_eq(err_set(&err, EACCES, EXIT_NOT_PERMITTED, "cannot read %s: %d", "x", 7),
		     -EACCES);
	cr_assert_eq(err.status, EXIT_NOT_PERMITTED);
	cr_assert_str_eq(err.text, "cannot read x: 7");
}

Test(err, set_allows_null)
{
	cr_assert_eq(err_set(NULL, ENOENT, EXIT_FAILED, "%s", "nothing"), -ENOENT);
}

Test(err, set_escapes_control_characters)
{
	struct err err;

	err_set(&err, EINVAL, EXIT_USAGE, "'%s' is bad", "\033[2J\n");
	cr_assert_str_eq(err.text, "'\\x1b[2J\\x0a' is bad");
}

Test(err, set_cuts_a_long_sentence)
{
	struct err err;
	char text[4000];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, EINVAL, EXIT_USAGE, "%s", text);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(err, set_cuts_at_a_whole_character)
{
	struct err err;
	char text[1024] = "a";

	while (strlen(text) < 1000)
		strcat(text, "\u00e4");
	err_set(&err, EINVAL, EXIT_USAGE, "%s", text);
	cr_assert_eq(strlen(err.text), 511);
	cr_assert_eq(strncmp(err.text, text, 511), 0);
}

Test(err, allocation_works)
{
	char *text = xstrdup("text");
	int *numbers = xcalloc(4, sizeof(*numbers));
	void *nothing = xcalloc(0, 8);

	cr_assert_str_eq(text, "text");
	cr_assert_eq(numbers[3], 0);
	numbers[3] = 9;
	numbers = xreallocarray(numbers, 100, sizeof(*numbers));
	cr_assert_eq(numbers[3], 9);
	numbers = xreallocarray(numbers, 0, sizeof(*numbers));
	cr_assert_not_null(numbers);
	cr_assert_not_null(nothing);
	free(text);
	free(numbers);
	free(nothing);
}

static void hook_writes(void)
{
	if (write(STDERR_FILENO, "hook\n", 5) != 5)
		_exit(99);
}

static void hook_recurses(void)
{
	hook_writes();
	out_of_memory();
}

static void overflow_calloc(void)
{
	free(xcalloc(SIZE_MAX / 2, 4));
}

static void overflow_realloc(void)
{
	free(xreallocarray(NULL, SIZE_MAX / 2, 4));
}

/* What a dying process writes, and in which order, can be read only from outside of it. */
static void expect_end(void (*hook)(void), void (*die)(void), const char *expected)
{
	char text[128] = "";
	size_t used = 0;
	ssize_t length;
	int ends[2];
	int status;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		err_set_oom_hook(hook);
		die();
		_exit(98);
	}
	close(ends[1]);
	while ((length = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)length;
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILED, "status %x", status);
	cr_expect_str_eq(text, expected);
}

static void die_plainly(void)
{
	out_of_memory();
}

Test(err, out_of_memory_exits)
{
	expect_end(NULL, die_plainly, "rsprof-top: out of memory\n");
}

Test(err, out_of_memory_runs_the_hook_first)
{
	expect_end(hook_writes, die_plainly, "hook\nrsprof-top: out of memory\n");
}

Test(err, out_of_memory_survives_a_hook_that_fails_too)
{
	expect_end(hook_recurses, die_plainly, "hook\nrsprof-top: out of memory\n");
}

Test(err, overflowing_product_is_out_of_memory)
{
	expect_end(hook_writes, overflow_calloc, "hook\nrsprof-top: out of memory\n");
	expect_end(hook_writes, overflow_realloc, "hook\nrsprof-top: out of memory\n");
}
