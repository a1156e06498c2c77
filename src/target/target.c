#include "config.h"

#include "target/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "target/authority.h"

/* PF_KTHREAD of the kernel's include/linux/sched.h, as field 9 of proc(5)'s stat shows it. */
#define KERNEL_THREAD_FLAG 0x00200000UL

/* What is used of /proc/PID/stat. */
struct stat_line {
	char comm[64];
	char state;
	unsigned long flags;
	unsigned threads;
	unsigned long long start_ticks; /* since boot */
	uint64_t rss_pages;
};

static int read_stat(int fd, struct stat_line *ret_line)
{
	char text[1024];
	const char *name, *behind_name;
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return -errno;
	text[size] = '\0';
	/* The name may itself have parentheses and spaces; the last one ends it. */
	name = strchr(text, '(');
	behind_name = strrchr(text, ')');
	if (!name || !behind_name || behind_name < name ||
	    sscanf(behind_name + 1,
		   " %c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u %*d %llu "
		   "%*u %" SCNu64,
		   &ret_line->state, &ret_line->flags, &ret_line->threads,
		   &ret_line->start_ticks, &ret_line->rss_pages) != 5)
		return -EBADMSG;
	(void)snprintf(ret_line->comm, sizeof(ret_line->comm), "%.*s", (int)(behind_name - name - 1),
		       name + 1);
	return 0;
}

static void read_exe(struct target *target)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", target->pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return;
	path[length] = '\0';
	free(target->exe);
	target->exe = xstrdup(path);
}

uint64_t target_cpu_ns(struct target *target)
{
	clockid_t clock;
	struct timespec used;

	if (!target->exited && clock_getcpuclockid(target->pid, &clock) == 0 &&
	    clock_gettime(clock, &used) == 0)
		target->cpu_ns = (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
	return target->cpu_ns;
}

void target_refresh(struct target *target)
{
	struct stat_line line = {0};

	if (target->exited || read_stat(target->stat_fd, &line) || line.state == 'Z' ||
	    line.state == 'X')
		return;
	target->threads = line.threads;
	target->started_s = (double)line.start_ticks / (double)sysconf(_SC_CLK_TCK);
	(void)target_cpu_ns(target);
	(void)strlcpy(target->comm, line.comm, sizeof(target->comm));
	target->rss_bytes = line.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	read_exe(target);
}

static int check_kind(struct target *target, struct err *err)
{
	struct stat_line line = {0};
	char path[64];
	int code;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", target->pid);
	target->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	code = target->stat_fd < 0 ? -errno : read_stat(target->stat_fd, &line);
	if (code)
		return err_set(err, -code, EXIT_NO_PROCESS,
			       "process %d ended before it could be looked into", target->pid);
	(void)strlcpy(target->comm, line.comm, sizeof(target->comm));
	if (line.flags & KERNEL_THREAD_FLAG)
		return err_set(err, EINVAL, EXIT_FAILED,
			       "%d (%s) is a kernel thread: it has no user code and no heap; use "
			       "'perf top' for the kernel",
			       target->pid, target->comm);
	if (line.state == 'Z' || line.state == 'X')
		return err_set(
		    err, ESRCH, EXIT_NO_PROCESS,
		    "process %d (%s) is a zombie: it has exited and only waits for its parent",
		    target->pid, target->comm);
	return 0;
}

/* Only the first bytes of the header are looked at here; all else of an ELF is the worker's. */
static int check_machine(const struct target *target, struct err *err)
{
	char path[64];
	Elf64_Half machine;
	unsigned char header[offsetof(Elf64_Ehdr, e_machine) + sizeof(machine)];
	ssize_t size;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	size = read(fd, header, sizeof(header));
	close(fd);
	if (size != (ssize_t)sizeof(header) || memcmp(header, ELFMAG, SELFMAG) != 0)
		return 0;
	memcpy(&machine, header + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	if (header[EI_CLASS] == ELFCLASS64 && machine == EM_X86_64)
		return 0;
	return err_set(
	    err, ENOEXEC, EXIT_FAILED,
	    "process %d (%s) is a %s program: only 64-bit x86-64 programs can be profiled",
	    target->pid, target->comm, header[EI_CLASS] == ELFCLASS32 ? "32-bit" : "foreign");
}

static int open_pidfd(struct target *target, struct err *err)
{
	target->pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	if (target->pidfd >= 0)
		return 0;
	if (errno == ESRCH)
		return err_set(err, ESRCH, EXIT_NO_PROCESS,
			       "no process has the PID %d; 'pgrep -l NAME' finds one", target->pid);
	if (errno == EINVAL || errno == ENOENT)
		return err_set(err, errno, EXIT_FAILED,
			       "%d is a thread, not a process: give the PID of its process (Tgid "
			       "in /proc/%d/status)",
			       target->pid, target->pid);
	return err_set(err, errno, EXIT_FAILED, "cannot open process %d: %s", target->pid,
		       strerror(errno));
}

int target_open(struct target **ret_target, int pid, struct err *err)
{
	struct target *target = xcalloc(1, sizeof(*target));
	int code;

	target->pid = pid;
	target->stat_fd = -1;
	target->exit_status = -1;
	code = open_pidfd(target, err);
	if (!code)
		code = check_kind(target, err);
	if (!code)
		code = authority_look(target, err);
	if (!code)
		code = check_machine(target, err);
	if (code) {
		target_close(target);
		return code;
	}
	target_refresh(target);
	*ret_target = target;
	return 0;
}

void target_reap(struct target *target)
{
	int status;

	target->exited = true;
	if (target->child && waitpid(target->pid, &status, WNOHANG) == target->pid)
		target->exit_status = status;
}

void target_close(struct target *target)
{
	if (!target)
		return;
	if (target->child && !target->exited) {
		(void)syscall(SYS_pidfd_send_signal, target->pidfd, SIGTERM, NULL, 0);
		/* A command that ignores SIGTERM is left to init rather than waited for. */
		(void)waitpid(target->pid, NULL, WNOHANG);
	}
	if (target->pidfd >= 0)
		close(target->pidfd);
	if (target->stat_fd >= 0)
		close(target->stat_fd);
	free(target->exe);
	free(target);
}
