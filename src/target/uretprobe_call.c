#include "config.h"

#include "target/uretprobe_call.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/version.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* x86-64's number, which older headers do not have. */
enum { URETPROBE_NUMBER = 335 };

/* What the filter answers: no kernel says it of a system call that it does not know. */
enum { FILTER_ANSWER = EXDEV };

/* How a child has ended. */
enum outcome {
	OUTCOME_RAN,	/* the call reached the kernel's function, which does not like the caller */
	OUTCOME_DENIED, /* by our filter */
	OUTCOME_ABSENT, /* no such call */
	OUTCOME_UNKNOWN,
};

enum uretprobe_call uretprobe_call_of_version(uint32_t version)
{
	if (version < KERNEL_VERSION(6, 11, 0))
		return URETPROBE_CALL_NONE;
	if (version >= KERNEL_VERSION(6, 14, 0))
		return URETPROBE_CALL_PASSES;
	if (version >= KERNEL_VERSION(6, 13, 0))
		return version >= KERNEL_VERSION(6, 13, 3) ? URETPROBE_CALL_PASSES
							   : URETPROBE_CALL_FILTERED;
	return version >= KERNEL_VERSION(6, 12, 14) ? URETPROBE_CALL_PASSES
						    : URETPROBE_CALL_FILTERED;
}

static int forbid_call(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, URETPROBE_NUMBER, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | FILTER_ANSWER),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static void on_illegal(int signal)
{
	(void)signal;
	_exit(OUTCOME_RAN);
}

_Noreturn static void try_call(bool filtered)
{
	const struct sigaction action = {.sa_handler = on_illegal};

	if (sigaction(SIGILL, &action, NULL) < 0 || (filtered && forbid_call()))
		_exit(OUTCOME_UNKNOWN);
	if (syscall(URETPROBE_NUMBER) == 0)
		_exit(OUTCOME_UNKNOWN);
	_exit(errno == ENOSYS	       ? OUTCOME_ABSENT
	      : errno == FILTER_ANSWER ? OUTCOME_DENIED
				       : OUTCOME_UNKNOWN);
}

static enum outcome outcome_of(bool filtered)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		try_call(filtered);
	if (child < 0)
		return OUTCOME_UNKNOWN;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return OUTCOME_UNKNOWN;
	return WIFEXITED(status) && WEXITSTATUS(status) < OUTCOME_UNKNOWN
		   ? (enum outcome)WEXITSTATUS(status)
		   : OUTCOME_UNKNOWN;
}

enum uretprobe_call uretprobe_call_probe(uint32_t version)
{
	if (outcome_of(true) == OUTCOME_RAN)
		return URETPROBE_CALL_PASSES;
	if (prctl(PR_GET_SECCOMP) == 0) {
		enum outcome outcome = outcome_of(false);

		if (outcome == OUTCOME_RAN)
			return URETPROBE_CALL_FILTERED;
		if (outcome == OUTCOME_ABSENT)
			return URETPROBE_CALL_NONE;
	}
	return uretprobe_call_of_version(version);
}
