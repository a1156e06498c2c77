/*
 * The order matters: changing the user clears the parent's death signal, and Landlock and seccomp
 * without privileges want no_new_privs.
 */
#include "config.h"

#include "symbol/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbol/sandbox_parts.h"

enum {
	/* With the process id added: above what distributions and containers give to anybody. */
	OWN_USER = 0x70000000,
	OVERFLOW_USER = 65534,
};

static bool has_capability(unsigned number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, sets) == 0 &&
	       sets[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int become(unsigned user)
{
	return setresgid(user, user, user) || setresuid(user, user, user) ? -errno : 0;
}

/*
 * A user that no other process has. Only where the parent could still end it: it needs CAP_KILL for
 * that, which it has if this process, its child, has it. A user namespace may have no such user.
 */
static int leave_root(void)
{
	int code;

	if (geteuid() != 0 || !has_capability(CAP_SETUID) || !has_capability(CAP_SETGID) ||
	    !has_capability(CAP_KILL))
		return 0;
	if (setgroups(0, NULL) && errno != EPERM)
		return -errno;
	code = become(OWN_USER + (unsigned)getpid());
	if (code == -EINVAL)
		code = become(OVERFLOW_USER);
	return code == -EINVAL ? 0 : code;
}

/* False: not set. Of what is not allowed more than that much, the limit may be lower already. */
static bool limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now))
		return false;
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit(resource, &now) == 0;
}

/* Memory is limited where its size is known: see memory.h. */
static int set_limits(enum sandbox_kind kind)
{
	static const rlim_t fetched_bytes_max = (rlim_t)8 << 30;
	bool done = limit(RLIMIT_CORE, 0) && limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_MEMLOCK, 0);

#ifndef __SANITIZE_ADDRESS__
	/* The sanitizer writes its report, and looks for leaks from a thread. */
	if (kind == SANDBOX_WORKER)
		done = done && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NPROC, 0);
#endif
	if (kind == SANDBOX_FETCHER)
		done = done && limit(RLIMIT_FSIZE, fetched_bytes_max);
	return done ? 0 : -errno;
}

/* Not dumpable: the sanitizer's search for leaks looks into this process. */
static int close_process(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
#ifndef __SANITIZE_ADDRESS__
	if (prctl(PR_SET_DUMPABLE, 0))
		return -errno;
#endif
	return 0;
}

static int failed(struct err *err, int code, const char *layer)
{
	return err_set(err, -code, EXIT_KERNEL_LACKS,
		       "a process that reads other people's files cannot be confined: %s: %s; "
		       "names and heap tracking need that",
		       layer, strerror(-code));
}

int sandbox_enter(enum sandbox_kind kind, const char *folder, struct err *err)
{
	int code = set_limits(kind);

	if (code)
		return failed(err, code, "resource limits");
	if (kind == SANDBOX_WORKER)
		code = leave_root();
	if (code)
		return failed(err, code, "user");
	code = drop_capabilities();
	if (code)
		return failed(err, code, "capabilities");
	code = close_process();
	if (code)
		return failed(err, code, "no_new_privs");
	code = sandbox_close_files(kind, folder);
	if (code)
		return failed(err, code, "Landlock");
	code = sandbox_close_calls(kind);
	return code ? failed(err, code, "seccomp") : 0;
}
