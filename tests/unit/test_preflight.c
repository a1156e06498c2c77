/* preflight: every case in which return probes are not safe, from facts that are given. */
#include "config.h"

#include "target/preflight.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct preflight_facts facts_of(const char *text)
{
	struct preflight_facts facts;
	struct err err = {0};

	cr_assert_eq(preflight_force(&facts, text, &err), 0, "%s: %s", text, err.text);
	cr_assert(facts.forced);
	return facts;
}

static void expect_permitted(const char *text, bool insists)
{
	struct preflight_facts facts = facts_of(text);
	struct err err = {0};

	cr_expect_eq(preflight_decide(&facts, insists, &err), 0, "%s: %s", text, err.text);
	cr_expect_eq(err.text[0], '\0');
}

static void expect_refused(const char *text, bool insists, enum exit_status status,
			   const char *word)
{
	struct preflight_facts facts = facts_of(text);
	struct err err = {0};

	cr_expect_eq(preflight_decide(&facts, insists, &err), -EPERM, "%s", text);
	cr_expect_eq(err.status, status, "%s", text);
	cr_expect_not_null(strstr(err.text, word), "%s: %s", text, err.text);
	cr_expect_not_null(strstr(err.text, "the heap is not tracked"), "%s", err.text);
	cr_expect_null(strchr(err.text, '\n'));
}

static void expect_refused_always(const char *text, enum exit_status status, const char *word)
{
	expect_refused(text, false, status, word);
	expect_refused(text, true, status, word);
}

Test(preflight, seccomp_where_the_call_is_filtered)
{
	expect_refused_always("kernel=6.11.0,seccomp=2", EXIT_KERNEL_LACKS, "on Linux 6.11.0 ");
	expect_refused_always("kernel=6.12.13,seccomp=2", EXIT_KERNEL_LACKS, "under seccomp");
	expect_refused_always("kernel=6.13.2,seccomp=2", EXIT_KERNEL_LACKS, "under seccomp");
	expect_refused_always("kernel=6.12.1,seccomp=1", EXIT_KERNEL_LACKS, "under seccomp");
}

Test(preflight, seccomp_where_it_is_not)
{
	static const char *const kernels[] = {"5.17.0", "6.1.170", "6.10.14", "6.12.14", "6.12.60",
					      "6.13.3", "6.14",	   "6.18.44", "7.0"};

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "kernel=%s,seccomp=2", kernels[i]);
		expect_permitted(text, false);
		expect_permitted(text, true);
	}
}

Test(preflight, seccomp_that_may_come_later)
{
	struct preflight_facts facts = facts_of("kernel=6.12.1");
	char text[256];

	expect_refused("kernel=6.12.1", false, EXIT_KERNEL_LACKS, "--heap exact");
	expect_permitted("kernel=6.12.1", true);
	cr_expect(preflight_caution(&facts, text, sizeof(text)));
	cr_expect_not_null(strstr(text, "under seccomp"));
}

Test(preflight, stacks_that_move)
{
	expect_refused_always("kernel=6.18.0,runtime=go", EXIT_FAILED, "Go");
	expect_refused_always("kernel=6.1.0,runtime=split", EXIT_FAILED, "split stacks");
	expect_permitted("kernel=6.18.0,runtime=plain", false);
}

Test(preflight, shadow_stack)
{
	expect_refused_always("kernel=6.10.14,shadow-stack=1", EXIT_KERNEL_LACKS, "shadow stack");
	expect_permitted("kernel=6.14.0,shadow-stack=1", false);
	expect_permitted("kernel=6.10.14,shadow-stack=0", false);
}

Test(preflight, tracer_is_only_told)
{
	struct preflight_facts facts = facts_of("kernel=6.18.0,tracer=77");
	char text[256];

	expect_permitted("kernel=6.18.0,tracer=77", false);
	cr_expect(preflight_caution(&facts, text, sizeof(text)));
	cr_expect_not_null(strstr(text, "process 77 traces the target"));
	cr_expect_lt(strlen(text), sizeof(text) - 1, "nothing is cut");
	facts.tracer = 0;
	cr_expect_not(preflight_caution(&facts, text, sizeof(text)));
}

Test(preflight, wrong_facts)
{
	static const char *const wrong[] = {"",
					    "kernel",
					    "kernel=",
					    "kernel=6",
					    "kernel=300.1.1",
					    "kernel=x.y",
					    "seccomp=-1",
					    "seccomp=2x",
					    "seccomp=",
					    "tracer=4294967296",
					    "runtime=",
					    "runtime=rust",
					    "colour=1",
					    "kernel=6.1,,seccomp=2"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct preflight_facts facts = {.tracer = 5};
		struct err err = {0};

		cr_expect_eq(preflight_force(&facts, wrong[i], &err), -EINVAL, "%s", wrong[i]);
		cr_expect_eq(err.status, EXIT_USAGE);
		cr_expect_eq(facts.tracer, 5, "written only on success");
	}
}

/* This process: no filter, no tracer; the kernel's answer is the same each time. */
Test(preflight, facts_of_a_process)
{
	struct preflight_facts facts, again;

	preflight_read(&facts, getpid());
	cr_expect_geq(facts.kernel, KERNEL_VERSION(5, 0, 0));
	cr_expect_eq(facts.seccomp, (unsigned)prctl(PR_GET_SECCOMP));
	cr_expect_eq(facts.runtime, STACK_RUNTIME_PLAIN);
	cr_expect_not(facts.forced);
	preflight_read(&again, getpid());
	cr_expect_eq(facts.call, again.call);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
	cr_expect_eq(errno, ECHILD);
}

/* What is asked of the kernel agrees with its version where nobody has backported: from 6.14 on. */
Test(preflight, the_kernel_is_asked)
{
	struct preflight_facts facts;

	preflight_read(&facts, getpid());
	if (facts.kernel >= KERNEL_VERSION(6, 14, 0))
		cr_expect_eq(uretprobe_call_probe(KERNEL_VERSION(6, 12, 1)), URETPROBE_CALL_PASSES,
			     "the answer and not the version counts");
	else
		cr_expect_eq(uretprobe_call_probe(facts.kernel), facts.call);
}

Test(preflight, a_process_that_is_gone_has_no_facts)
{
	struct preflight_facts facts;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	preflight_read(&facts, child);
	cr_expect_eq(facts.seccomp, 0);
	cr_expect_eq(facts.tracer, 0);
}
