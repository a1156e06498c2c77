#include "config.h"

#include "target/launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "permit/capabilities.h"
#include "permit/kernel_limits.h"

/* The dynamic loader of no program makes this many calls before it has mapped all libraries; a
 * program with a loader of its own kind is released then. */
enum { LOADER_CALLS_MAX = 20000 };
/* Instead of an errno: the command may not be traced. */
enum { REPORT_UNTRACED = -1 };

/* In the child. What goes wrong is told to the parent through the pipe that exec closes. */
_Noreturn static void run_command(char *const argv[], char **environment, bool quiet, int report_fd)
{
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (quiet) {
		int null_fd = open("/dev/null", O_RDWR);

		for (int fd = STDIN_FILENO; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
			(void)dup2(null_fd, fd);
	}
	if (environment)
		environ = environment;
	/* The kernel takes the tracer's rights to be those that the traced one has now. */
	code = getuid() == 0 ? 0 : -capabilities_keep(0, NULL);
	if (!code && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		code = REPORT_UNTRACED;
	if (!code) {
		execvp(argv[0], argv);
		code = errno;
	}
	if (write(report_fd, &code, sizeof(code)) != (ssize_t)sizeof(code))
		_exit(EXIT_FAILED);
	_exit(EXIT_FAILED);
}

/* Waits for the next stop. 0, or -ECHILD when the command has ended. */
static int wait_stop(pid_t pid, int *ret_signal)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFSTOPPED(status))
		return -ECHILD;
	*ret_signal = WSTOPSIG(status);
	return 0;
}

/* Whether the kernel mapped a dynamic loader for it (AT_BASE of its auxiliary vector). */
static bool has_loader(pid_t pid)
{
	char path[64];
	Elf64_auxv_t entry;
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fread(&entry, sizeof(entry), 1, file) == 1 && entry.a_type != AT_NULL)
		if (entry.a_type == AT_BASE && entry.a_un.a_val)
			found = true;
	(void)fclose(file);
	return found;
}

/*
 * Goes from system call to system call up to the first mprotect() to read-only. The loader maps all
 * libraries, for which it may have to close holes between their segments (PROT_NONE), then
 * relocates them and makes their relocated data read-only, and only then runs their constructors.
 */
static int run_loader(pid_t pid)
{
	int pass_on = 0;

	for (int calls = 0; calls < LOADER_CALLS_MAX; calls++) {
		struct ptrace_syscall_info info;
		int stopped_by, code;

		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(uintptr_t)pass_on) < 0)
			return -errno;
		code = wait_stop(pid, &stopped_by);
		if (code)
			return code;
		pass_on = 0;
		if (stopped_by != (SIGTRAP | 0x80)) {
			pass_on = stopped_by == SIGTRAP ? 0 : stopped_by;
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
			return -errno;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_mprotect &&
		    info.entry.args[2] == PROT_READ)
			return 0;
	}
	return 0;
}

static int hold(pid_t pid, const char *name, struct err *err)
{
	int stopped_by;
	int code = wait_stop(pid, &stopped_by);

	if (!code && ptrace(PTRACE_SETOPTIONS, pid, NULL,
			    (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		code = -errno;
	if (!code && has_loader(pid))
		code = run_loader(pid);
	if (code)
		return err_set(err, -code, EXIT_FAILED, "'%s' ended before it could be looked into",
			       name);
	return 0;
}

static int refuse_tracing(const char *name, struct err *err)
{
	struct kernel_limits limits;

	kernel_limits_read(&limits);
	if (limits.ptrace_scope >= 2)
		return err_set(err, EPERM, EXIT_NOT_PERMITTED,
			       "cannot hold '%s' at its start: kernel.yama.ptrace_scope is %d, %s%s",
			       name, limits.ptrace_scope,
			       kernel_limits_scope_text(limits.ptrace_scope),
			       limits.ptrace_scope == 3 ? "; start it first and give its PID" : "");
	return err_set(err, EPERM, EXIT_NOT_PERMITTED,
		       "cannot hold '%s' at its start: ptrace(2) is forbidden here, as by the seccomp "
		       "filter of a container; start it first and give its PID",
		       name);
}

int launch_start(pid_t *ret_pid, char *const argv[], char **environment, bool quiet,
		 struct err *err)
{
	int report[2], exec_code = 0;
	ssize_t size;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot start '%s': %s", argv[0],
			       strerror(errno));
	pid = fork();
	if (pid == 0)
		run_command(argv, environment, quiet, report[1]);
	close(report[1]);
	if (pid < 0) {
		exec_code = errno;
		close(report[0]);
		return err_set(err, exec_code, EXIT_FAILED, "cannot start '%s': %s", argv[0],
			       strerror(exec_code));
	}
	size = read(report[0], &exec_code, sizeof(exec_code));
	close(report[0]);
	if (size == (ssize_t)sizeof(exec_code)) {
		(void)waitpid(pid, NULL, 0);
		if (exec_code == REPORT_UNTRACED)
			return refuse_tracing(argv[0], err);
		return err_set(err, exec_code, EXIT_FAILED, "cannot run '%s': %s", argv[0],
			       strerror(exec_code));
	}
	*ret_pid = pid;
	return hold(pid, argv[0], err);
}

int launch_release(pid_t pid, struct err *err)
{
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		return err_set(err, errno, EXIT_FAILED,
			       "the command ended before it could be looked into");
	return 0;
}
