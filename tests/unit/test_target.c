/* target: who can be profiled, who is refused and why, and the end of a process. */
#include "config.h"

#include "target/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TestSuite(target, .timeout = 60);

static void expect_refused(int pid, int code, enum exit_status status, const char *words)
{
	struct target *target = NULL;
	struct err err = {.status = EXIT_DONE};

	cr_assert_eq(target_open(&target, pid, &err), -code, "%s", err.text);
	cr_assert_null(target);
	cr_assert_eq(err.status, status);
	cr_assert_not_null(strstr(err.text, words), "'%s' is not in '%s'", words, err.text);
}

static struct target *open_target(int pid)
{
	struct target *target = NULL;
	struct err err;

	cr_assert_eq(target_open(&target, pid, &err), 0, "%s", err.text);
	return target;
}

/* A child that waits for a signal, with its name set. */
static pid_t start_child(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void wait_until_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&poll_fd, 1, 30000), 1);
}

Test(target, close_of_null)
{
	target_close(NULL);
}

Test(target, own_process)
{
	char comm[64] = "", exe[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	struct target *target = open_target(getpid());
	struct pollfd alive = {.fd = target->pidfd, .events = POLLIN};

	cr_assert_gt(length, 0);
	exe[length] = '\0';
	prctl(PR_GET_NAME, comm);
	cr_assert_eq(target->pid, getpid());
	cr_assert_str_eq(target->comm, comm);
	cr_assert_str_eq(target->exe, exe);
	cr_assert_geq(target->threads, 1);
	cr_assert_gt(target->memory.rss_bytes, 4096);
	cr_assert_not(target->child);
	cr_assert_not(target->exited);
	cr_assert_eq(target->exit_status, -1);
	cr_assert_eq(poll(&alive, 1, 0), 0, "readable only when it has exited");
	target_close(target);
	cr_assert_eq(fcntl(alive.fd, F_GETFD), -1, "the pidfd is closed");
}

Test(target, no_such_pid)
{
	expect_refused(INT_MAX, ESRCH, EXIT_NO_PROCESS, "no process has the PID 2147483647");
}

static int ids[2], hold[2];

static void *run_thread(void *unused)
{
	int id = (int)syscall(SYS_gettid);
	char byte;

	(void)!write(ids[1], &id, sizeof(id));
	(void)!read(hold[0], &byte, 1);
	return unused;
}

Test(target, id_of_a_thread)
{
	pthread_t thread;
	struct target *target;
	int id;

	cr_assert_eq(pipe(ids), 0);
	cr_assert_eq(pipe(hold), 0);
	cr_assert_eq(pthread_create(&thread, NULL, run_thread, NULL), 0);
	cr_assert_eq(read(ids[0], &id, sizeof(id)), sizeof(id));
	cr_assert_neq(id, getpid());
	{
		struct err err;

		cr_assert_lt(target_open(&target, id, &err), 0);
		cr_assert_eq(err.status, EXIT_FAILED);
		cr_assert_not_null(strstr(err.text, "is a thread, not a process"), "%s", err.text);
	}
	target = open_target(getpid());
	cr_assert_geq(target->threads, 2);
	target_close(target);
	close(hold[1]);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

Test(target, kernel_thread)
{
	FILE *file = fopen("/proc/2/comm", "re");
	char name[64] = "";

	if (file) {
		(void)!fgets(name, sizeof(name), file);
		(void)fclose(file);
	}
	if (strcmp(name, "kthreadd\n") != 0)
		cr_skip_test("process 2 is not a kernel thread here");
	expect_refused(2, EINVAL, EXIT_FAILED, "2 (kthreadd) is a kernel thread");
}

Test(target, zombie)
{
	pid_t pid = start_child("late");
	siginfo_t info;

	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	expect_refused(pid, ESRCH, EXIT_NO_PROCESS, "(late) is a zombie");
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	expect_refused(pid, ESRCH, EXIT_NO_PROCESS, "no process has the PID");
}

/* Refused in a process of its own, which gives up its rights for it. */
Test(target, not_permitted)
{
	char text[512] = "";
	int report[2];
	ssize_t size;
	pid_t victim, pid;

	if (geteuid() != 0)
		cr_skip_test("has no rights to give up");
	victim = start_child("victim");
	cr_assert_eq(pipe(report), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct target *target;
		struct err err = {.text = "was opened"};

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(99);
		(void)target_open(&target, victim, &err);
		(void)!write(report[1], err.text, strlen(err.text));
		_exit(err.status);
	}
	close(report[1]);
	size = read(report[0], text, sizeof(text) - 1);
	cr_assert_gt(size, 0);
	cr_assert_not_null(strstr(text, "not permitted to look into process"), "%s", text);
	cr_assert_not_null(strstr(text, "(victim)"), "%s", text);
	{
		int status;

		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFEXITED(status));
		cr_assert_eq(WEXITSTATUS(status), EXIT_NOT_PERMITTED);
	}
	kill(victim, SIGKILL);
	cr_assert_eq(waitpid(victim, NULL, 0), victim);
}

/* A name that looks like the fields behind it. */
Test(target, hostile_name)
{
	pid_t pid = start_child(") Z 1 2 (x) R");
	struct target *target = open_target(pid);

	cr_assert_str_eq(target->comm, ") Z 1 2 (x) R");
	cr_assert_eq(target->threads, 1);
	target->child = true;
	target_close(target);
}

Test(target, refresh_sees_a_new_name)
{
	struct target *target = open_target(getpid());

	prctl(PR_SET_NAME, "renamed");
	target->status_due_s = 0;
	target_refresh(target);
	cr_assert_str_eq(target->comm, "renamed");
	cr_assert_gt(target->status_due_s, 0);
	target_close(target);
}

static void *wait_for_byte(void *pipe)
{
	char byte;

	(void)!read(*(const int *)pipe, &byte, 1);
	return NULL;
}

/* Though the status, which has their number, is not read each time. */
Test(target, refresh_sees_threads_at_once)
{
	struct target *target = open_target(getpid());
	unsigned before = target->threads;
	pthread_t thread;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pthread_create(&thread, NULL, wait_for_byte, &ends[0]), 0);
	target_refresh(target);
	cr_expect_eq(target->threads, before + 1);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	target_refresh(target);
	cr_expect_leq(target->threads, before + 1);
	close(ends[0]);
	close(ends[1]);
	target_close(target);
}

Test(target, cpu_time_grows)
{
	struct target *target = open_target(getpid());
	uint64_t before = target->cpu_ns;

	/* Three ticks of the clock that the kernel shows it in. */
	while (clock() * (1000000000 / CLOCKS_PER_SEC) < (clock_t)before + 30000000)
		;
	target_refresh(target);
	cr_assert_gt(target->cpu_ns, before);
	target_close(target);
}

Test(target, facts_stay_when_it_is_gone)
{
	pid_t pid = start_child("short");
	struct target *target = open_target(pid);
	uint64_t rss_bytes = target->memory.rss_bytes;
	siginfo_t info;

	kill(pid, SIGKILL);
	wait_until_readable(target->pidfd);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	for (int i = 0; i < 2; i++) {
		target_refresh(target);
		cr_assert_str_eq(target->comm, "short");
		cr_assert_not_null(target->exe);
		cr_assert_eq(target->threads, 1);
		cr_assert_eq(target->memory.rss_bytes, rss_bytes);
		/* And once more when not even the zombie is there. */
		(void)waitpid(pid, NULL, 0);
	}
	target_close(target);
}

Test(target, reap_of_a_child_learns_its_status)
{
	pid_t pid = start_child("child");
	struct target *target = open_target(pid);

	target->child = true;
	kill(pid, SIGKILL);
	wait_until_readable(target->pidfd);
	target_reap(target);
	cr_assert(target->exited);
	cr_assert(WIFSIGNALED(target->exit_status));
	cr_assert_eq(WTERMSIG(target->exit_status), SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, WNOHANG), -1, "it has been waited for");
	target_close(target);
}

/* The status of another's child is its parent's, and it is not waited for. */
Test(target, reap_of_a_foreign_process)
{
	pid_t pid = start_child("foreign");
	struct target *target = open_target(pid);

	kill(pid, SIGKILL);
	wait_until_readable(target->pidfd);
	target_reap(target);
	cr_assert(target->exited);
	cr_assert_eq(target->exit_status, -1);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	target_close(target);
}

Test(target, close_ends_a_child)
{
	pid_t pid = start_child("child");
	struct target *target = open_target(pid);
	int status, pidfd = dup(target->pidfd);
	pid_t waited;

	target->child = true;
	target_close(target);
	wait_until_readable(pidfd);
	waited = waitpid(pid, &status, 0);
	cr_assert(waited == pid || (waited == -1 && errno == ECHILD));
	if (waited == pid)
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(pidfd);
}

Test(target, close_leaves_a_foreign_process_alone)
{
	pid_t pid = start_child("foreign");
	int status;

	target_close(open_target(pid));
	cr_assert_eq(waitpid(pid, &status, WNOHANG), 0, "it runs");
	/* What came first would be what it died of. */
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(WTERMSIG(status), SIGKILL);
}
