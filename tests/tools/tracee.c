#include "config.h"

#include "tracee.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "err.h"

enum {
	THREADS_MAX = 256,
	PAGE_BYTES = 4096,
	PAGES_MAX = 32,
	POLL_NS = 20000,
	/* A thread in the kernel's uninterruptible sleep is given up after this. */
	STOP_TIMEOUT_MS = 5000,
};

struct tracee {
	pid_t pid;
	bool launched;
	bool ended;
	unsigned execs;
	pid_t threads[THREADS_MAX];
	size_t thread_count;
	pid_t held;	 /* 0: none is stopped */
	int held_signal; /* to be delivered when it goes on */
};

static const long trace_options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void short_pause(void)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};

	(void)nanosleep(&pause, NULL);
}

static bool has_thread(const struct tracee *tracee, pid_t tid)
{
	for (size_t i = 0; i < tracee->thread_count; i++)
		if (tracee->threads[i] == tid)
			return true;
	return false;
}

static void add_thread(struct tracee *tracee, pid_t tid)
{
	if (!has_thread(tracee, tid) && tracee->thread_count < THREADS_MAX)
		tracee->threads[tracee->thread_count++] = tid;
}

static void remove_thread(struct tracee *tracee, pid_t tid)
{
	for (size_t i = 0; i < tracee->thread_count; i++)
		if (tracee->threads[i] == tid)
			tracee->threads[i] = tracee->threads[--tracee->thread_count];
	if (tid == tracee->pid)
		tracee->ended = true;
	if (tid == tracee->held)
		tracee->held = 0;
}

static void resume(pid_t tid, int signal_number)
{
	/* ESRCH: it is being killed, of which waitpid() tells. */
	(void)ptrace(PTRACE_CONT, tid, NULL, (long)signal_number);
}

/* Takes note of what waitpid() said and lets the thread go on, but for the stop that was asked for.
 */
static bool is_wanted_stop(struct tracee *tracee, pid_t tid, int status, pid_t wanted)
{
	int event = status >> 16;

	if (!WIFSTOPPED(status)) {
		remove_thread(tracee, tid);
		return false;
	}
	add_thread(tracee, tid);
	if (event == PTRACE_EVENT_STOP && tid == wanted)
		return true;
	if (event == PTRACE_EVENT_EXEC) {
		tracee->execs++;
		tracee->thread_count = 0;
		add_thread(tracee, tid);
	}
	resume(tid, event ? 0 : WSTOPSIG(status));
	/* The kernel takes any stop for the one that was asked for (ptrace_stop()): ask again. */
	if (tid == wanted)
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return false;
}

/* Runs for a time; true at once when `wanted` has stopped, false at once when it has ended. */
static bool run(struct tracee *tracee, uint64_t delay_us, pid_t wanted)
{
	uint64_t end = now_us() + delay_us;

	while (!tracee->ended) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid > 0) {
			if (is_wanted_stop(tracee, tid, status, wanted))
				return true;
			continue;
		}
		if (tid < 0)
			tracee->ended = true;
		if (now_us() >= end || (wanted && !has_thread(tracee, wanted)))
			return false;
		short_pause();
	}
	return false;
}

pid_t tracee_stop(struct tracee *tracee, unsigned delay_us, unsigned choice)
{
	pid_t tid;

	if (tracee->held) {
		tid = tracee->held;
		tracee->held = 0;
		resume(tid, tracee->held_signal);
		tracee->held_signal = 0;
	}
	(void)run(tracee, delay_us, 0);
	while (!tracee->ended && tracee->thread_count) {
		tid = tracee->threads[choice % tracee->thread_count];
		if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0) {
			/* Just ended, and not yet waited for. */
			(void)run(tracee, 1000, 0);
			continue;
		}
		if (run(tracee, STOP_TIMEOUT_MS * 1000ULL, tid)) {
			tracee->held = tid;
			return tid;
		}
		if (tracee->ended)
			return 0;
	}
	return 0;
}

/* Whether the next thing it does is a system call, or one that was interrupted is to begin anew. */
static bool is_at_system_call(pid_t tid)
{
	enum { SYSCALL_INSTRUCTION = 0x050f, RESTART_FIRST = 512, RESTART_LAST = 516 };
	struct user_regs_struct regs;
	long restart, code;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) < 0)
		return true;
	restart = -(long)regs.rax;
	if ((long)regs.orig_rax >= 0 && restart >= RESTART_FIRST && restart <= RESTART_LAST)
		return true;
	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, tid, (void *)regs.rip, NULL);
	return errno == 0 && (code & 0xffff) == SYSCALL_INSTRUCTION;
}

bool tracee_step(struct tracee *tracee)
{
	pid_t tid = tracee->held;

	if (!tid || is_at_system_call(tid))
		return false;
	for (;;) {
		int status;

		if (ptrace(PTRACE_SINGLESTEP, tid, NULL, (long)tracee->held_signal) < 0)
			return false;
		tracee->held_signal = 0;
		if (waitpid(tid, &status, __WALL) < 0)
			return false;
		if (!WIFSTOPPED(status)) {
			remove_thread(tracee, tid);
			return false;
		}
		if (status >> 16)
			continue;
		if (WSTOPSIG(status) == SIGTRAP)
			return true;
		tracee->held_signal = WSTOPSIG(status);
	}
}

bool tracee_regs(const struct tracee *tracee, uint64_t regs[DWARF_REG_COUNT])
{
	struct user_regs_struct from;

	if (!tracee->held || ptrace(PTRACE_GETREGS, tracee->held, NULL, &from) < 0)
		return false;
	memcpy(regs,
	       (const uint64_t[DWARF_REG_COUNT]){from.rax, from.rdx, from.rcx, from.rbx, from.rsi,
						 from.rdi, from.rbp, from.rsp, from.r8, from.r9,
						 from.r10, from.r11, from.r12, from.r13, from.r14,
						 from.r15, from.rip},
	       sizeof(uint64_t[DWARF_REG_COUNT]));
	return true;
}

size_t tracee_read(pid_t pid, uint64_t address, void *buf, size_t size)
{
	struct iovec local = {.iov_base = buf, .iov_len = size}, remote[PAGES_MAX];
	size_t count = 0, at = 0;
	ssize_t copied;

	/* The kernel copies whole elements: with one a page, what is readable comes. */
	while (at < size && count < PAGES_MAX) {
		size_t part = PAGE_BYTES - (address + at) % PAGE_BYTES;

		if (part > size - at)
			part = size - at;
		remote[count++] =
		    (struct iovec){.iov_base = (void *)(address + at), .iov_len = part};
		at += part;
	}
	copied = process_vm_readv(pid, &local, 1, remote, count, 0);
	return copied < 0 ? 0 : (size_t)copied;
}

_Noreturn static void exec_command(char *const argv[], int go_fd)
{
	char go;

	if (read(go_fd, &go, 1) == 1)
		execvp(argv[0], argv);
	perror(argv[0]);
	_exit(EXIT_FAILED);
}

static struct tracee *tracee_new(pid_t pid, bool launched)
{
	struct tracee *tracee = xcalloc(1, sizeof(*tracee));

	tracee->pid = pid;
	tracee->launched = launched;
	add_thread(tracee, pid);
	return tracee;
}

struct tracee *tracee_launch(char *const argv[])
{
	struct tracee *tracee;
	int status = 0, go[2];
	pid_t pid;

	if (pipe(go) < 0 || (pid = fork()) < 0) {
		perror("fork");
		return NULL;
	}
	if (pid == 0) {
		close(go[1]);
		exec_command(argv, go[0]);
	}
	close(go[0]);
	tracee = tracee_new(pid, true);
	if (ptrace(PTRACE_SEIZE, pid, NULL, trace_options | PTRACE_O_EXITKILL) < 0 ||
	    write(go[1], "", 1) != 1 || waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status) ||
	    status >> 16 != PTRACE_EVENT_EXEC) {
		fprintf(stderr, "stops: cannot start and trace %s\n", argv[0]);
		close(go[1]);
		tracee_free(tracee);
		return NULL;
	}
	close(go[1]);
	tracee->held = pid;
	return tracee;
}

struct tracee *tracee_attach(pid_t pid)
{
	struct tracee *tracee = tracee_new(pid, false);
	char path[64];
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	if (folder) {
		const struct dirent *entry;

		while ((entry = readdir(folder))) {
			pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

			if (tid > 0 && !ptrace(PTRACE_SEIZE, tid, NULL, trace_options))
				add_thread(tracee, tid);
			else if (tid == pid)
				tracee->ended = true;
		}
		closedir(folder);
	}
	if (!folder || tracee->ended) {
		fprintf(stderr, "stops: cannot trace process %d\n", pid);
		free(tracee);
		return NULL;
	}
	return tracee;
}

void tracee_free(struct tracee *tracee)
{
	if (!tracee)
		return;
	if (tracee->launched && !tracee->ended) {
		int status;
		pid_t tid;

		kill(tracee->pid, SIGKILL);
		/* The first thread is told of last. */
		do
			tid = waitpid(-1, &status, __WALL);
		while (tid > 0 && (tid != tracee->pid || WIFSTOPPED(status)));
	}
	free(tracee);
}

pid_t tracee_pid(const struct tracee *tracee)
{
	return tracee->pid;
}

unsigned tracee_execs(const struct tracee *tracee)
{
	return tracee->execs;
}
