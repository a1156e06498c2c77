#include "config.h"

#include "permit/kernel_limits.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "permit/capabilities.h"

enum { LINE_SIZE = 256 };

static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number = KERNEL_LIMIT_UNKNOWN;

	if (!file)
		return KERNEL_LIMIT_UNKNOWN;
	if (fscanf(file, "%9d", &number) != 1)
		number = KERNEL_LIMIT_UNKNOWN;
	(void)fclose(file);
	return number;
}

/* "none [integrity] confidentiality" */
static enum lockdown read_lockdown(void)
{
	static const char *const names[] = {[LOCKDOWN_NONE] = "[none]",
					    [LOCKDOWN_INTEGRITY] = "[integrity]",
					    [LOCKDOWN_CONFIDENTIALITY] = "[confidentiality]"};
	enum lockdown found = LOCKDOWN_UNKNOWN;
	char line[LINE_SIZE] = "";
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");

	if (!file)
		return LOCKDOWN_UNKNOWN;
	if (fgets(line, sizeof(line), file)) {
		for (int mode = LOCKDOWN_NONE; mode <= LOCKDOWN_CONFIDENTIALITY; mode++)
			if (strstr(line, names[mode]))
				found = (enum lockdown)mode;
	}
	(void)fclose(file);
	return found;
}

void kernel_limits_read(struct kernel_limits *ret_limits)
{
	*ret_limits = (struct kernel_limits){
	    .perf_event_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid"),
	    .ptrace_scope = read_number("/proc/sys/kernel/yama/ptrace_scope"),
	    .unprivileged_bpf_disabled = read_number("/proc/sys/kernel/unprivileged_bpf_disabled"),
	    .kptr_restrict = read_number("/proc/sys/kernel/kptr_restrict"),
	    .max_sample_rate = read_number("/proc/sys/kernel/perf_event_max_sample_rate"),
	    .lockdown = read_lockdown(),
	    .has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0,
	};
}

const char *kernel_limits_scope_text(int ptrace_scope)
{
	switch (ptrace_scope) {
	case 0:
		return "a user may trace own processes";
	case 1:
		return "only a parent may trace its children: start the program with 'rsprof-top "
		       "-- "
		       "COMMAND', run as root, or 'sysctl kernel.yama.ptrace_scope=0'";
	case 2:
		return "only administrators may trace: run as root, or 'sysctl "
		       "kernel.yama.ptrace_scope=0'";
	case 3:
		return "nobody may trace until the machine is booted anew, only root may probe: "
		       "run "
		       "as root";
	default:
		return "no such restriction";
	}
}

char *kernel_limits_perf_reason(char *buf, size_t size, const struct kernel_limits *limits)
{
	char setcap[PATH_MAX + LINE_SIZE], value[32] = "unknown";

	if (limits->perf_event_paranoid != KERNEL_LIMIT_UNKNOWN)
		(void)snprintf(value, sizeof(value), "%d", limits->perf_event_paranoid);
	if (capabilities_have_perfmon() && limits->perf_event_paranoid > 2 &&
	    !(capabilities_now() & CAPABILITY_BIT(CAP_SYS_ADMIN)))
		(void)snprintf(
		    buf, size,
		    "kernel.perf_event_paranoid is %s, where kernels as Debian's want CAP_SYS_ADMIN "
		    "whether CAP_PERFMON is there or not: 'sysctl kernel.perf_event_paranoid=2', or run "
		    "as root; or a security module or a seccomp filter forbids it",
		    value);
	else if (capabilities_have_perfmon())
		(void)snprintf(
		    buf, size,
		    "perf_event_open is denied although CAP_PERFMON is there: a security "
		    "module or a seccomp filter, as containers have one, forbids it");
	else if (limits->perf_event_paranoid <= 2 &&
		 limits->perf_event_paranoid != KERNEL_LIMIT_UNKNOWN)
		(void)snprintf(
		    buf, size,
		    "perf_event_open is denied although kernel.perf_event_paranoid is %s: "
		    "the target is not yours to look into, or a security module or a "
		    "seccomp filter, as containers have one, forbids it",
		    value);
	else
		(void)snprintf(
		    buf, size,
		    "kernel.perf_event_paranoid is %s and CAP_PERFMON is missing: run as "
		    "root, '%s', or 'sysctl kernel.perf_event_paranoid=2'",
		    value, capabilities_setcap_line(setcap, sizeof(setcap)));
	return buf;
}

bool kernel_limits_forbid_bpf(int code, const struct kernel_limits *limits)
{
	bool permitted = capabilities_have_bpf() && capabilities_have_perfmon();

	return code == -EPERM || (code == -EACCES && !permitted) ||
	       limits->lockdown == LOCKDOWN_CONFIDENTIALITY;
}

char *kernel_limits_bpf_reason(char *buf, size_t size, const struct kernel_limits *limits)
{
	char setcap[PATH_MAX + LINE_SIZE];
	bool bpf = capabilities_have_bpf(), perfmon = capabilities_have_perfmon();

	if (limits->lockdown == LOCKDOWN_CONFIDENTIALITY)
		(void)snprintf(
		    buf, size,
		    "the kernel is locked down (confidentiality), which forbids BPF programs "
		    "that trace: boot without lockdown=confidentiality");
	else if (bpf && perfmon)
		(void)snprintf(
		    buf, size,
		    "bpf(2) is denied although CAP_BPF and CAP_PERFMON are there: a "
		    "security module or a seccomp filter, as containers have one, forbids it");
	else
		(void)snprintf(buf, size,
			       "%s%s%s missing (unprivileged BPF cannot trace, whatever "
			       "kernel.unprivileged_bpf_disabled is): run as root, or '%s'",
			       bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
			       perfmon ? " is"
			       : bpf   ? "CAP_PERFMON is"
				       : "CAP_PERFMON are",
			       capabilities_setcap_line(setcap, sizeof(setcap)));
	return buf;
}
