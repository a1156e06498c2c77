/* permit: capabilities as masks and text, and why the kernel says no; what they do is tested live.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "permit/capabilities.h"
#include "permit/kernel_limits.h"
#include "permit/perf_trial.h"

Test(permit, text_of_a_mask)
{
	char buf[128], small[10];

	cr_expect_str_eq(capabilities_text(buf, sizeof(buf), 0), "none");
	cr_expect_str_eq(
	    capabilities_text(buf, sizeof(buf), CAPABILITY_BIT(CAP_BPF) | CAPABILITY_BIT(CAP_KILL)),
	    "cap_kill, cap_bpf");
	(void)capabilities_text(small, sizeof(small), ~UINT64_C(0));
	cr_expect_lt(strlen(small), sizeof(small));
}

Test(permit, what_is_given_up_is_gone)
{
	struct err err;

	cr_assert_eq(capabilities_keep(CAPABILITY_BIT(CAP_KILL), &err), 0, "%s", err.text);
	cr_expect_eq(capabilities_now() & ~CAPABILITY_BIT(CAP_KILL), 0);
	cr_assert_eq(capabilities_keep(~UINT64_C(0), &err), 0, "%s", err.text);
	cr_expect_eq(capabilities_now() & ~CAPABILITY_BIT(CAP_KILL), 0, "and does not come back");
}

Test(permit, later_less_is_needed)
{
	uint64_t least = capabilities_later(false, false, false);

	cr_expect(least & CAPABILITY_BIT(CAP_SYS_PTRACE));
	cr_expect_not(least & (CAPABILITY_BIT(CAP_BPF) | CAPABILITY_BIT(CAP_PERFMON) |
			       CAPABILITY_BIT(CAP_SYSLOG) | CAPABILITY_BIT(CAP_SYS_ADMIN)));
	cr_expect(capabilities_later(true, false, false) & CAPABILITY_BIT(CAP_BPF));
	cr_expect(capabilities_later(true, true, false) & CAPABILITY_BIT(CAP_PERFMON));
	cr_expect(capabilities_later(true, true, true) & CAPABILITY_BIT(CAP_SYS_ADMIN));
}

/* Whatever this kernel wants it for. */
Test(permit, admin_is_kept_only_where_it_is_needed)
{
	const uint64_t admin = CAPABILITY_BIT(CAP_SYS_ADMIN);
	uint64_t three = CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_BPF) | admin;
	bool has_all = (capabilities_now() & three) == three, kept;
	struct err err;

	cr_assert_eq(capabilities_begin(&err), 0, "%s", err.text);
	kept = capabilities_now() & admin;
	cr_assert_eq(capabilities_keep(capabilities_later(true, true, false), &err), 0);
	if (has_all)
		cr_expect_eq(perf_trial(), 0, "what remains is enough");
	cr_assert_eq(capabilities_keep(~admin, &err), 0);
	if (has_all)
		cr_expect_eq(kept, perf_trial() == -EACCES || perf_trial_probe() == -EACCES);
	cr_assert_eq(capabilities_keep(~CAPABILITY_BIT(CAP_BPF), &err), 0);
	cr_expect(capabilities_later(true, false, false) & admin, "it stands in");
}

static void drop_all(void)
{
	cr_assert_eq(capabilities_keep(0, NULL), 0);
}

/* 10.3.2: without privileges there is no heap, and what is missing is said. */
Test(permit, reasons_name_the_value, .init = drop_all)
{
	struct kernel_limits limits = {.perf_event_paranoid = 3};
	char buf[512];

	(void)kernel_limits_perf_reason(buf, sizeof(buf), &limits);
	cr_expect(strstr(buf, "kernel.perf_event_paranoid is 3") && strstr(buf, "setcap cap_"),
		  "%s", buf);
	cr_expect_not(strstr(buf, "CAP_SYS_ADMIN"), "%s", buf);
	limits.perf_event_paranoid = 1;
	(void)kernel_limits_perf_reason(buf, sizeof(buf), &limits);
	cr_expect(strstr(buf, "seccomp"), "%s", buf);
	(void)kernel_limits_bpf_reason(buf, sizeof(buf), &limits);
	cr_expect(strstr(buf, "CAP_BPF and CAP_PERFMON are missing"), "%s", buf);
	limits.lockdown = LOCKDOWN_CONFIDENTIALITY;
	(void)kernel_limits_bpf_reason(buf, sizeof(buf), &limits);
	cr_expect(strstr(buf, "lockdown"), "%s", buf);
}

Test(permit, eacces_is_the_verifiers_where_all_is_permitted)
{
	const struct kernel_limits limits = {.lockdown = LOCKDOWN_NONE};
	const struct kernel_limits locked = {.lockdown = LOCKDOWN_CONFIDENTIALITY};
	bool permitted = capabilities_have_bpf() && capabilities_have_perfmon();

	cr_expect_eq(kernel_limits_forbid_bpf(-EACCES, &limits), !permitted);
	cr_expect(kernel_limits_forbid_bpf(-EPERM, &limits));
	cr_expect(kernel_limits_forbid_bpf(-EINVAL, &locked));
	cr_expect_not(kernel_limits_forbid_bpf(-EINVAL, &limits));
	drop_all();
	cr_expect(kernel_limits_forbid_bpf(-EACCES, &limits));
}

/* 10.2.2 */
Test(permit, scopes)
{
	cr_expect(strstr(kernel_limits_scope_text(1), "parent"));
	cr_expect(strstr(kernel_limits_scope_text(2), "administrators"));
	cr_expect(strstr(kernel_limits_scope_text(3), "booted"));
	cr_expect(strlen(kernel_limits_scope_text(0)) && strlen(kernel_limits_scope_text(-1)));
}
