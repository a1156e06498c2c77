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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "clock.h"
#include "target/authority.h"
#include "target/memory_facts.h"

/* PF_KTHREAD of the kernel's include/linux/sched.h, as field 9 of proc(5)'s stat shows it. */
#define KERNEL_THREAD_FLAG 0x00200000UL

enum {
	STATUS_SIZE = 8192, /* behind what has room nothing is wanted */
	STATM_SIZE = 256,
};

static const double status_interval_s = 5;

/* What is used of /proc/PID/stat, once. */
struct stat_line {
	char comm[64];
	char state;
	unsigned long flags;
	unsigned long long start_ticks; /* since boot */
};

static int open_proc(int pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_stat(int pid, struct stat_line *ret_line)
{
	char text[1024];
	const char *name, *behind_name;
	int code, fd = open_proc(pid, "stat");
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	code = size < 0 ? -errno : 0;
	close(fd);
	if (code)
		return code;
	text[size] = '\0';
	/* The name may itself have parentheses and spaces; the last one ends it. */
	name = strchr(text, '(');
	behind_name = strrchr(text, ')');
	if (!name || !behind_name || behind_name < name ||
	    sscanf(behind_name + 1,
		   " %c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*u %*d %llu",
		   &ret_line->state, &ret_line->flags, &ret_line->start_ticks) != 3)
		return -EBADMSG;
	(void)snprintf(ret_line->comm, sizeof(ret_line->comm), "%.*s", (int)(behind_name - name - 1),
		       name + 1);
	return 0;
}

/* What stands behind a key of the status; "": there is none. */
static const char *status_field(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found ? found + strlen(key) : "";
}

/* The name, in which a line's end and a backslash are escaped (proc(5)). Whether it is another one. */
static bool take_name(struct target *target, const char *text)
{
	char comm[sizeof(target->comm)];
	size_t length = 0;

	for (const char *from = status_field(text, "Name:\t");
	     *from && *from != '\n' && length < sizeof(comm) - 1; from++) {
		bool escaped = from[0] == '\\' && (from[1] == 'n' || from[1] == '\\');

		if (escaped)
			from++;
		comm[length++] = escaped && *from == 'n' ? '\n' : *from;
	}
	comm[length] = '\0';
	if (strcmp(target->comm, comm) == 0)
		return false;
	(void)strlcpy(target->comm, comm, sizeof(target->comm));
	return true;
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
	uint64_t used_ns;

	if (!target->cpu_clock && clock_getcpuclockid(target->pid, &target->cpu_clock) != 0)
		target->cpu_clock = 0;
	used_ns = !target->exited && target->cpu_clock ? clock_ns(target->cpu_clock) : 0;
	if (used_ns > 0)
		target->cpu_ns = used_ns;
	return target->cpu_ns;
}

static void read_status(struct target *target)
{
	char text[STATUS_SIZE];
	ssize_t size = pread(target->status_fd, text, sizeof(text) - 1, 0);
	char state;

	text[size > 0 ? size : 0] = '\0';
	state = *status_field(text, "\nState:\t");
	if (size <= 0 || state == 'Z' || state == 'X')
		return;
	target->threads = (unsigned)strtoul(status_field(text, "\nThreads:\t"), NULL, 10);
	target->memory.swap_bytes = memory_facts_field(text, "VmSwap");
	if (take_name(target, text) || !target->exe)
		read_exe(target);
}

/* The kernel makes the whole text of the status at each reading, which takes longer than all else here. */
static bool status_is_due(struct target *target, uint64_t anonymous_before)
{
	struct stat tasks;
	double time_s = monotonic_s();
	bool is_due;

	if (fstat(target->tasks_fd, &tasks) < 0)
		tasks.st_nlink = 0;
	/* What is no longer resident may have been swapped out. */
	is_due = time_s >= target->status_due_s || tasks.st_nlink != target->task_links ||
		 target->memory.swap_bytes != 0 || target->memory.anonymous_bytes < anonymous_before;
	if (is_due)
		target->status_due_s = time_s + status_interval_s;
	target->task_links = tasks.st_nlink;
	return is_due;
}

void target_refresh(struct target *target)
{
	uint64_t anonymous_before = target->memory.anonymous_bytes;
	char statm[STATM_SIZE];
	ssize_t size;

	if (target->exited)
		return;
	size = pread(target->statm_fd, statm, sizeof(statm) - 1, 0);
	statm[size > 0 ? size : 0] = '\0';
	if (!memory_counters_parse(&target->memory, statm))
		return;
	(void)target_cpu_ns(target);
	if (status_is_due(target, anonymous_before))
		read_status(target);
}

void target_executed(struct target *target)
{
	free(target->exe);
	target->exe = NULL;
	target->status_due_s = 0;
	target_refresh(target);
}

static int open_files(struct target *target)
{
	target->statm_fd = open_proc(target->pid, "statm");
	target->tasks_fd = open_proc(target->pid, "task");
	target->status_fd = open_proc(target->pid, "status");
	return target->statm_fd < 0 || target->tasks_fd < 0 || target->status_fd < 0 ? -errno : 0;
}

static int check_kind(struct target *target, struct err *err)
{
	struct stat_line line = {0};
	int code = read_stat(target->pid, &line);

	if (!code)
		code = open_files(target);
	if (code)
		return err_set(err, -code, EXIT_NO_PROCESS,
			       "process %d ended before it could be looked into", target->pid);
	(void)strlcpy(target->comm, line.comm, sizeof(target->comm));
	target->started_s = (double)line.start_ticks / (double)sysconf(_SC_CLK_TCK);
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
	target->statm_fd = target->tasks_fd = target->status_fd = -1;
	target->memory = (struct memory_counters){0, MEMORY_UNKNOWN, MEMORY_UNKNOWN};
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

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
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
	close_file(target->statm_fd);
	close_file(target->tasks_fd);
	close_file(target->status_fd);
	free(target->exe);
	free(target);
}
