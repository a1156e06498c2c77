#include "config.h"

#include "target/authority.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "permit/capabilities.h"
#include "permit/kernel_limits.h"

/* What tells who owns a process, of /proc/PID/status. */
struct owner {
	unsigned users[4], groups[4]; /* real, effective, saved, file system */
	uint64_t capabilities;	      /* permitted */
};

/* --- asking the kernel ------------------------------------------------------------------------ */

/* The kernel checks when the file is opened, and when it is read. 0 or -errno. */
static int try_look(const struct target *target)
{
	char path[64];
	FILE *file;
	int code;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", target->pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	errno = 0;
	(void)fgetc(file);
	code = -errno;
	(void)fclose(file);
	return code;
}

/*
 * pidfd_getfd() is one of the calls that need the right to trace, and the right is looked at before
 * the descriptor, which cannot be there: nothing is done to the target.
 */
static int try_probe(const struct target *target)
{
	int code = try_look(target), fd;

	if (code || target->child)
		return code;
	fd = (int)syscall(SYS_pidfd_getfd, target->pidfd, INT_MAX, 0);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || errno == EBADF ? 0 : -errno;
}

typedef int (*try_fn)(const struct target *target);

/* The answer for a process of the same user without capabilities, as an exit status. */
_Noreturn static void answer(try_fn try, const struct target *target)
{
	int code = capabilities_keep(0, NULL);

	if (!code)
		code = try(target);
	_exit(-code <= 0xff ? -code : EIO);
}

static int ask_without_capabilities(try_fn try, const struct target *target)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		answer(try, target);
	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* As long as it has not ended its PID is not another one's. */
static bool has_ended(const struct target *target)
{
	struct pollfd end = {.fd = target->pidfd, .events = POLLIN};

	return poll(&end, 1, 0) != 0;
}

/* --- why it is not permitted ------------------------------------------------------------------ */

static int read_owner(int pid, struct owner *ret_owner)
{
	char path[64], line[512];
	unsigned found = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		unsigned *ids = strncmp(line, "Uid:", 4) == 0	? ret_owner->users
				: strncmp(line, "Gid:", 4) == 0 ? ret_owner->groups
								: NULL;

		if ((ids && sscanf(line + 4, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4) ||
		    sscanf(line, "CapPrm: %" SCNx64, &ret_owner->capabilities) == 1)
			found++;
	}
	(void)fclose(file);
	return found == 3 ? 0 : -EBADMSG;
}

static bool all_are(const unsigned ids[4], unsigned id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

/* What is known of a process and is not dumpable belongs to root. */
static bool looks_dumpable(int pid, unsigned user)
{
	struct stat found;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	return stat(path, &found) < 0 || found.st_uid == user;
}

static const char *refusal_of_look(const struct target *target, char *buf, size_t size)
{
	struct owner owner = {0};

	if (getuid() == 0)
		return capabilities_have_ptrace()
			   ? "the kernel or a security module forbids it"
			   : "root has no CAP_SYS_PTRACE here, as in a container: give it that";
	if (read_owner(target->pid, &owner))
		return "/proc hides it from you (hidepid): run as root";
	if (owner.users[0] != getuid()) {
		(void)snprintf(
		    buf, size,
		    "it belongs to user %u and you are user %u: run as root or as its owner",
		    owner.users[0], getuid());
		return buf;
	}
	if (!all_are(owner.users, getuid()) || !all_are(owner.groups, getgid()))
		return "its effective or saved user or group is another than yours, as of a "
		       "set-user-ID program: run as root";
	if (owner.capabilities)
		return "it has capabilities that you have not: run as root";
	if (!looks_dumpable(target->pid, getuid()))
		return "it is closed to others (not dumpable), as password agents and programs "
		       "that "
		       "may not be read are: run as root";
	return "the kernel or a security module forbids it: run as root";
}

static int refuse(const struct target *target, int code, const char *reason, struct err *err)
{
	if (code == -ESRCH)
		return err_set(err, ESRCH, EXIT_NO_PROCESS,
			       "process %d ended before it could be looked into", target->pid);
	return err_set(err, EPERM, EXIT_NOT_PERMITTED,
		       "not permitted to look into process %d (%s): %s", target->pid, target->comm,
		       reason);
}

/* --- the questions ---------------------------------------------------------------------------- */

static int ask(try_fn try, const struct target *target)
{
	int code = getuid() == 0 ? try_look(target) : ask_without_capabilities(try, target);

	return has_ended(target) ? -ESRCH : code;
}

int authority_look(const struct target *target, struct err *err)
{
	int code = ask(try_look, target);
	char buf[256];

	return code ? refuse(target, code, refusal_of_look(target, buf, sizeof(buf)), err) : 0;
}

int authority_probe(const struct target *target, struct err *err)
{
	struct kernel_limits limits;
	int code = ask(try_probe, target);

	if (!code)
		return 0;
	if (code == -ESRCH)
		return refuse(target, code, NULL, err);
	kernel_limits_read(&limits);
	if (limits.ptrace_scope > 0)
		return err_set(err, EPERM, EXIT_NOT_PERMITTED,
			       "no probes in process %d (%s): kernel.yama.ptrace_scope is %d, %s",
			       target->pid, target->comm, limits.ptrace_scope,
			       kernel_limits_scope_text(limits.ptrace_scope));
	return err_set(
	    err, EPERM, EXIT_NOT_PERMITTED,
	    "no probes in process %d (%s): a security module or a seccomp filter forbids "
	    "tracing it: run as root",
	    target->pid, target->comm);
}
