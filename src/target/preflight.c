#include "config.h"

#include "target/preflight.h"

#include <errno.h>
#include <linux/version.h>
#include <stdio.h>

/* What has been done about it: the end of every reason. */
#define LEFT_ALONE "the heap is not tracked"
/* The kernels whose return probes no seccomp filter sees. */
#define SEEN_BY_NO_FILTER "right in 6.12.14, 6.13.3, 6.14"

/* It is the kernel's fault; `what` says what and what has been done. */
static int refuse(struct err *err, const struct preflight_facts *facts, const char *what)
{
	return err_set(err, EPERM, EXIT_KERNEL_LACKS, "on Linux %u.%u.%u a return probe %s",
		       facts->kernel >> 16, facts->kernel >> 8 & 0xff, facts->kernel & 0xff, what);
}

static int refuse_runtime(struct err *err, const char *what)
{
	return err_set(err, EPERM, EXIT_FAILED,
		       "the target has %s, and return probes can kill it: " LEFT_ALONE, what);
}

int preflight_decide(const struct preflight_facts *facts, bool insists, struct err *err)
{
	if (facts->runtime == STACK_RUNTIME_GO)
		return refuse_runtime(err, "Go code, whose stacks move");
	if (facts->runtime == STACK_RUNTIME_SPLIT)
		return refuse_runtime(err, "split stacks");
	if (facts->shadow_stack && facts->call == URETPROBE_CALL_NONE)
		return refuse(
		    err, facts,
		    "kills a target with a shadow stack (right from 6.11 on): " LEFT_ALONE);
	if (facts->call != URETPROBE_CALL_FILTERED)
		return 0;
	if (facts->seccomp)
		return refuse(err, facts,
			      "kills a target under seccomp, as this one is (" SEEN_BY_NO_FILTER
			      "): " LEFT_ALONE);
	if (insists)
		return 0;
	return refuse(err, facts,
		      "would kill the target once it puts itself under seccomp (" SEEN_BY_NO_FILTER
		      "): " LEFT_ALONE ", except with --heap exact");
}

bool preflight_caution(const struct preflight_facts *facts, char *buf, size_t size)
{
	if (facts->call == URETPROBE_CALL_FILTERED) {
		(void)snprintf(
		    buf, size,
		    "this kernel kills the target if it puts itself under seccomp while its "
		    "heap is tracked");
		return true;
	}
	if (facts->tracer) {
		(void)snprintf(buf, size,
			       "process %d traces the target: a breakpoint of it at the first "
			       "instructions of an allocator function gets lost",
			       facts->tracer);
		return true;
	}
	return false;
}
