/*
 * seccomp. A worker makes few calls, all known: any other ends it, for it can only come from code
 * that is not ours. Calls that look for a file are refused instead, since libdw makes them when
 * DWARF names one, and those names are the target's. The fetcher carries libraries that we do not
 * know in full: what is not listed is refused.
 */
#include "config.h"

#include "symbol/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int worker_calls[] = {
    SCMP_SYS(read),	    SCMP_SYS(pread64),	      SCMP_SYS(lseek),
    SCMP_SYS(recvmsg),	    SCMP_SYS(sendto),	      SCMP_SYS(poll),
    SCMP_SYS(close),	    SCMP_SYS(fstat),	      SCMP_SYS(munmap),
    SCMP_SYS(mremap),	    SCMP_SYS(madvise),	      SCMP_SYS(brk),
    SCMP_SYS(futex),	    SCMP_SYS(clock_gettime),  SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),    SCMP_SYS(getpid),	      SCMP_SYS(gettid),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit),	    SCMP_SYS(exit_group),     SCMP_SYS(restart_syscall),
};

static const int fetcher_calls[] = {
    SCMP_SYS(accept),	     SCMP_SYS(accept4),
    SCMP_SYS(access),	     SCMP_SYS(arch_prctl),
    SCMP_SYS(bind),	     SCMP_SYS(brk),
    SCMP_SYS(chmod),	     SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),	     SCMP_SYS(connect),
    SCMP_SYS(dup),	     SCMP_SYS(dup2),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),   SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),	     SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),    SCMP_SYS(fadvise64),
    SCMP_SYS(fchmod),	     SCMP_SYS(fchmodat),
    SCMP_SYS(fcntl),	     SCMP_SYS(flock),
    SCMP_SYS(fstat),	     SCMP_SYS(fstatfs),
    SCMP_SYS(fsync),	     SCMP_SYS(ftruncate),
    SCMP_SYS(futex),	     SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),	     SCMP_SYS(getgid),
    SCMP_SYS(getpeername),   SCMP_SYS(getpid),
    SCMP_SYS(getppid),	     SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),     SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),  SCMP_SYS(getuid),
    SCMP_SYS(ioctl),	     SCMP_SYS(lseek),
    SCMP_SYS(lstat),	     SCMP_SYS(madvise),
    SCMP_SYS(mkdir),	     SCMP_SYS(mkdirat),
    SCMP_SYS(mmap),	     SCMP_SYS(mprotect),
    SCMP_SYS(mremap),	     SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),     SCMP_SYS(newfstatat),
    SCMP_SYS(open),	     SCMP_SYS(openat),
    SCMP_SYS(pipe),	     SCMP_SYS(pipe2),
    SCMP_SYS(poll),	     SCMP_SYS(ppoll),
    SCMP_SYS(pread64),	     SCMP_SYS(pselect6),
    SCMP_SYS(pwrite64),	     SCMP_SYS(read),
    SCMP_SYS(readlink),	     SCMP_SYS(readlinkat),
    SCMP_SYS(readv),	     SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),	     SCMP_SYS(recvmsg),
    SCMP_SYS(rename),	     SCMP_SYS(renameat),
    SCMP_SYS(renameat2),     SCMP_SYS(restart_syscall),
    SCMP_SYS(rmdir),	     SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),   SCMP_SYS(select),
    SCMP_SYS(sendmmsg),	     SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),	     SCMP_SYS(set_robust_list),
    SCMP_SYS(setsockopt),    SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack),   SCMP_SYS(socket),
    SCMP_SYS(socketpair),    SCMP_SYS(stat),
    SCMP_SYS(statfs),	     SCMP_SYS(statx),
    SCMP_SYS(sysinfo),	     SCMP_SYS(umask),
    SCMP_SYS(uname),	     SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),	     SCMP_SYS(utimensat),
    SCMP_SYS(write),	     SCMP_SYS(writev),
};

#ifdef __SANITIZE_ADDRESS__
/* The report, and the search for leaks, which stops this process from a thread by ptrace(). */
static const int sanitizer_calls[] = {
    SCMP_SYS(write),
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(readlink),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(getdents64),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(wait4),
    SCMP_SYS(ptrace),
    SCMP_SYS(prctl),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getppid),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(tgkill),
    SCMP_SYS(kill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(dup2),
    SCMP_SYS(pipe2),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(fcntl),
    SCMP_SYS(pipe),
};
#endif

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int code = 0;

	for (size_t i = 0; i < count && !code; i++)
		code = seccomp_rule_add(filter, action, calls[i], 0);
	return code;
}

/* Signals go to this process only: others of its user are none of its business. */
static int allow_own_signals(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

#ifndef __SANITIZE_ADDRESS__
static const int refused_calls[] = {
    SCMP_SYS(open),	SCMP_SYS(openat),     SCMP_SYS(openat2),    SCMP_SYS(stat),
    SCMP_SYS(lstat),	SCMP_SYS(statx),      SCMP_SYS(access),	    SCMP_SYS(faccessat),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(faccessat2), SCMP_SYS(getcwd),
};

/* No memory becomes code, and none is shared: that would not count as data. */
static int allow_memory(scmp_filter_ctx filter)
{
	int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
				    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
				    SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE));

	return code ? code
		    : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* libelf asks for a descriptor's mode, we duplicate; fstat() is newfstatat() in some C libraries.
 */
static int allow_descriptors(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFL, F_SETFL, F_GETFD, F_DUPFD_CLOEXEC};
	int code = 0;

	for (size_t i = 0; i < COUNT(commands) && !code; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
					SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
	if (!code)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
					SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if (!code)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
					SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
	return code;
}

/* dup2() closes standard error once all is in place. */
static int fill_worker(scmp_filter_ctx filter)
{
	int code = add_all(filter, SCMP_ACT_ALLOW, worker_calls, COUNT(worker_calls));

	if (!code)
		code = add_all(filter, SCMP_ACT_ERRNO(EACCES), refused_calls, COUNT(refused_calls));
	if (!code)
		code = allow_own_signals(filter);
	if (!code)
		code = allow_memory(filter);
	if (!code)
		code = allow_descriptors(filter);
	return code ? code
		    : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(dup2), 1,
				       SCMP_A1(SCMP_CMP_EQ, STDERR_FILENO));
}
#else
static int fill_worker(scmp_filter_ctx filter)
{
	int code = add_all(filter, SCMP_ACT_ALLOW, worker_calls, COUNT(worker_calls));

	return code ? code
		    : add_all(filter, SCMP_ACT_ALLOW, sanitizer_calls, COUNT(sanitizer_calls));
}
#endif

/* Threads, which the resolver uses, and no processes. Nothing can look into clone3()'s arguments:
 * the C library falls back to clone(). */
static int fill_fetcher(scmp_filter_ctx filter)
{
	int code = add_all(filter, SCMP_ACT_ALLOW, fetcher_calls, COUNT(fetcher_calls));

	if (!code)
		code = allow_own_signals(filter);
	if (!code)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!code)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
#ifdef __SANITIZE_ADDRESS__
	if (!code)
		code = add_all(filter, SCMP_ACT_ALLOW, sanitizer_calls, COUNT(sanitizer_calls));
#endif
	return code;
}

int sandbox_close_calls(enum sandbox_kind kind)
{
	bool is_worker = kind == SANDBOX_WORKER;
	scmp_filter_ctx filter =
	    seccomp_init(is_worker ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int code;

	if (!filter)
		return -ENOMEM;
	code = is_worker ? fill_worker(filter) : fill_fetcher(filter);
	if (!code)
		code = seccomp_load(filter);
	seccomp_release(filter);
	return code;
}
