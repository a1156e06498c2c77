#include "config.h"

#include "target/preflight.h"

#include <errno.h>
#include <linux/version.h>
#include <stdio.h>

/* What every reason ends with: what has been done about it. */
#define HEAP_LEFT_ALONE "the heap is not tracked"

static int refuse(struct err *err, enum exit_status status, const struct preflight_facts *facts,
		  const char *what)
{
	return err_set(err, EPERM, status, "on Linux %u.%u.%u %s: " HEAP_LEFT_ALONE,
		       facts->kernel >> 16, facts->kernel >> 8 & 0xff, facts->kernel & 0xff, what);
}

int preflight_decide(const struct preflight_facts *facts, bool insists, struct err *err)
{
	if (facts->runtime == STACK_RUNTIME_GO)
		return err_set(err, EPERM, EXIT_FAILED,
			       "the target has Go code, whose stacks move, and return probes can "
			       "kill it: " HEAP_LEFT_ALONE);
	if (facts->runtime == STACK_RUNTIME_SPLIT)
		return err_set(
		    err, EPERM, EXIT_FAILED,
		    "the target has split stacks, and return probes can kill it: " HEAP_LEFT_ALONE);
	if (facts->shadow_stack && facts->call == URETPROBE_CALL_NONE)
		return refuse(
		    err, EXIT_KERNEL_LACKS, facts,
		    "a return probe kills a target with a shadow stack (right from 6.11 on)");
	if (facts->call != URETPROBE_CALL_FILTERED)
		return 0;
	if (facts->seccomp)
		return refuse(err, EXIT_KERNEL_LACKS, facts,
			      "a return probe kills a target under seccomp, as this one is (right "
			      "in 6.12.14, "
			      "6.13.3, 6.14)");
	if (insists)
		return 0;
	return refuse(err, EXIT_KERNEL_LACKS, facts,
		      "a return probe would kill the target once it puts itself under seccomp "
		      "(right in 6.12.14, "
		      "6.13.3, 6.14); --heap exact tracks it all the same");
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
