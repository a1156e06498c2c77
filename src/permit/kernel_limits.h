/* How the kernel is set up to limit a profiler: facts to explain a refusal by, none to decide by.
 */
#ifndef RSP_PERMIT_KERNEL_LIMITS_H
#define RSP_PERMIT_KERNEL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

enum { KERNEL_LIMIT_UNKNOWN = -1000 };

enum lockdown { LOCKDOWN_UNKNOWN, LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };

struct kernel_limits {
	/* Of /proc/sys/kernel; KERNEL_LIMIT_UNKNOWN: not there, or not readable. */
	int perf_event_paranoid;
	int ptrace_scope;
	int unprivileged_bpf_disabled;
	int kptr_restrict;
	int max_sample_rate; /* Hz */
	enum lockdown lockdown;
	bool has_btf; /* /sys/kernel/btf/vmlinux can be read */
};

void kernel_limits_read(struct kernel_limits *ret_limits);

/* What Yama's ptrace_scope means for a user without privileges, and the way out, in one line. */
const char *kernel_limits_scope_text(int ptrace_scope);

/*
 * Why this process may not sample the CPU, as one line with the value of perf_event_paranoid and
 * what to type. Returns `buf`.
 */
char *kernel_limits_perf_reason(char *buf, size_t size, const struct kernel_limits *limits);

/* Whether bpf(2) has failed by a lack of rights; without that EACCES is the verifier's word. */
bool kernel_limits_forbid_bpf(int code, const struct kernel_limits *limits);

/* The reason as above for BPF, and what unprivileged BPF would offer; or lockdown, if it is that.
 */
char *kernel_limits_bpf_reason(char *buf, size_t size, const struct kernel_limits *limits);

#endif
