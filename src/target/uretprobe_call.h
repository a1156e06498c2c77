/*
 * How this kernel's return probes come back: by a breakpoint, or, since Linux 6.11, by the system
 * call uretprobe, which a seccomp filter may forbid unless the kernel lets it pass
 * (6.12.14, 6.13.3, 6.14). Distributions backport both, so the kernel is asked rather than its
 * version.
 */
#ifndef RSP_TARGET_URETPROBE_CALL_H
#define RSP_TARGET_URETPROBE_CALL_H

#include <stdint.h>

enum uretprobe_call {
	URETPROBE_CALL_NONE,	 /* return probes need no system call */
	URETPROBE_CALL_FILTERED, /* a process under seccomp may be killed for it */
	URETPROBE_CALL_PASSES,	 /* no filter sees it */
};

/* What a kernel of this version does if nobody has backported anything. `version` as
 * KERNEL_VERSION(). */
enum uretprobe_call uretprobe_call_of_version(uint32_t version);

/*
 * Tries the call in children of our own, one of them under a filter that forbids it: made from
 * anywhere but a return probe it only raises SIGILL. Where that is inconclusive, as when we are
 * under a filter ourselves, it is what the version says.
 */
enum uretprobe_call uretprobe_call_probe(uint32_t version);

#endif
