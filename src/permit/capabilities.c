#include "config.h"

#include "permit/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "permit/perf_trial.h"

/*
 * Beside the three, which root has and a file need not: to read files that are another user's
 * (DAC_READ_SEARCH), also those that have been deleted (CHECKPOINT_RESTORE), to name kernel
 * functions (SYSLOG), for larger rings (IPC_LOCK), and to give the worker a user of its own and end
 * it again (SETUID, SETGID, KILL).
 */
static const uint64_t kept_later =
    CAPABILITY_BIT(CAP_SYS_PTRACE) | CAPABILITY_BIT(CAP_DAC_READ_SEARCH) |
    CAPABILITY_BIT(CAP_CHECKPOINT_RESTORE) | CAPABILITY_BIT(CAP_SETUID) |
    CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_KILL);
static const uint64_t kept_to_attach = CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_BPF) |
				       CAPABILITY_BIT(CAP_SYSLOG) | CAPABILITY_BIT(CAP_IPC_LOCK);

static uint64_t read_set(capng_type_t type)
{
	uint64_t mask = 0;

	if (capng_get_caps_process() < 0)
		return 0;
	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (capng_have_capability(type, capability) == 1)
			mask |= CAPABILITY_BIT(capability);
	return mask;
}

uint64_t capabilities_now(void)
{
	return read_set(CAPNG_EFFECTIVE);
}

int capabilities_keep(uint64_t mask, struct err *err)
{
	uint64_t kept = read_set(CAPNG_PERMITTED) & mask;

	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (kept & CAPABILITY_BIT(capability))
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
					   capability);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 || read_set(CAPNG_PERMITTED) != kept)
		return err_set(err, EPERM, EXIT_FAILED, "cannot give up capabilities: %s",
			       strerror(errno ? errno : EPERM));
	return 0;
}

/* Where there is no CAP_PERFMON or CAP_BPF, as in many containers, CAP_SYS_ADMIN stands for them. */
static bool lacks_either(uint64_t held)
{
	uint64_t both = CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_BPF);

	return (held & both) != both;
}

static bool switch_admin(capng_act_t act)
{
	return capng_update(act, CAPNG_EFFECTIVE, CAP_SYS_ADMIN) == 0 &&
	       capng_apply(CAPNG_SELECT_CAPS) == 0;
}

/* Whether what is tried is forbidden without CAP_SYS_ADMIN, and allowed with it. */
static bool wants_admin(int (*try)(void))
{
	bool denied;

	if (!(read_set(CAPNG_PERMITTED) & CAPABILITY_BIT(CAP_SYS_ADMIN)) || !switch_admin(CAPNG_DROP))
		return false;
	denied = try() == -EACCES;
	return switch_admin(CAPNG_ADD) && denied && try() == 0;
}

/* Kernels of Debian and Ubuntu want it for all perf events, whether CAP_PERFMON is there or not, where
 * kernel.perf_event_paranoid is above 2. */
static bool events_want_admin(void)
{
	return wants_admin(perf_trial);
}

int capabilities_begin(struct err *err)
{
	uint64_t held = read_set(CAPNG_PERMITTED), mask = kept_later | kept_to_attach;
	int code;

	if (geteuid() != getuid() || getegid() != getgid())
		return err_set(
		    err, EPERM, EXIT_NOT_PERMITTED,
		    "the program is set-user-ID or set-group-ID, which would give everybody "
		    "all of root's power: take that away with chmod and use setcap %s=ep",
		    CAPABILITIES_ADVISED);
	if (!held)
		return 0;
	if (lacks_either(held) || events_want_admin() || wants_admin(perf_trial_probe))
		mask |= CAPABILITY_BIT(CAP_SYS_ADMIN);
	code = capabilities_keep(mask, err);
	if (!code && prctl(PR_SET_DUMPABLE, 0) < 0)
		code = err_set(err, errno, EXIT_FAILED, "cannot close the process to others: %s",
			       strerror(errno));
	return code;
}

uint64_t capabilities_later(bool bpf, bool perf, bool perf_probes)
{
	uint64_t mask = kept_later;
	bool lacks = lacks_either(read_set(CAPNG_PERMITTED));

	if (bpf)
		mask |= CAPABILITY_BIT(CAP_BPF);
	if (perf)
		mask |= CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_IPC_LOCK);
	if (perf_probes || ((bpf || perf) && lacks) || (perf && events_want_admin()))
		mask |= CAPABILITY_BIT(CAP_SYS_ADMIN);
	return mask;
}

static bool has_any(uint64_t mask)
{
	return (capabilities_now() & mask) != 0;
}

bool capabilities_have_perfmon(void)
{
	return has_any(CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_SYS_ADMIN));
}

bool capabilities_have_bpf(void)
{
	return has_any(CAPABILITY_BIT(CAP_BPF) | CAPABILITY_BIT(CAP_SYS_ADMIN));
}

bool capabilities_have_ptrace(void)
{
	return has_any(CAPABILITY_BIT(CAP_SYS_PTRACE));
}

char *capabilities_text(char *buf, size_t size, uint64_t mask)
{
	size_t used = 0;

	(void)snprintf(buf, size, "none");
	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++) {
		const char *name = capng_capability_to_name(capability);
		int length;

		if (!(mask & CAPABILITY_BIT(capability)) || !name)
			continue;
		length = snprintf(buf + used, size - used, "%scap_%s", used ? ", " : "", name);
		if (length < 0 || (size_t)length >= size - used)
			break;
		used += (size_t)length;
	}
	return buf;
}

char *capabilities_setcap_line(char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[length > 0 ? length : 0] = '\0';
	(void)snprintf(buf, size, "setcap %s=ep %s", CAPABILITIES_ADVISED,
		       length > 0 ? path : PACKAGE_NAME);
	return buf;
}
