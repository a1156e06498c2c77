/*
 * Whether return probes are safe for a target: looked at before anything is attached. Where they
 * are not the heap is left alone, for without a function's return nobody knows the address it gave.
 *
 *  - A process under seccomp is killed where the kernel comes back from a return probe by a system
 * call that the filter sees (see uretprobe_call.h).
 *  - A process with a user shadow stack is killed where the kernel does not keep it in step, which
 * it does since it has that system call.
 *  - The kernel keeps the returns in flight of a thread as one pile, ordered by stack pointer: code
 * that moves stacks, or goes on on another one within the call, gets SIGILL (Go, split stacks).
 *
 * Coroutines that change stacks between allocations (ucontext, Boost.Context) are none of these: no
 * return is in flight while they do.
 */
#ifndef RSP_TARGET_PREFLIGHT_H
#define RSP_TARGET_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "target/stack_runtime.h"
#include "target/uretprobe_call.h"

struct preflight_facts {
	uint32_t kernel;	    /* as KERNEL_VERSION() */
	enum uretprobe_call call;   /* of that kernel */
	unsigned seccomp;	    /* the highest mode of any thread: 0 none, 1 strict, 2 filter */
	bool shadow_stack;	    /* of any thread */
	int tracer;		    /* the process that traces it, 0: none or we ourselves */
	enum stack_runtime runtime; /* of any module; known when the worker has answered */
	bool forced;		    /* by the option for tests: nothing is read */
};

/* What is known before the worker has answered. A thread that ends meanwhile is left out. */
void preflight_read(struct preflight_facts *ret_facts, int pid);

/*
 * Sets facts by a text such as "kernel=6.12.1,seccomp=2,shadow-stack=1,tracer=7,runtime=go"; all
 * others are as of a harmless target on this kernel. 0, or -EINVAL with one line (EXIT_USAGE).
 */
int preflight_force(struct preflight_facts *ret_facts, const char *text, struct err *err);

/*
 * 0 when return probes may be used, else -EPERM, with the reason and what is done in one line: of
 * status EXIT_KERNEL_LACKS where another kernel would help, else EXIT_FAILED. `insists`: the user
 * asks for the heap by name. Only then is a target probed that is not under seccomp yet, but would
 * be killed once it is.
 */
int preflight_decide(const struct preflight_facts *facts, bool insists, struct err *err);

/* What the user should know of a target that is probed, in one line; false when there is nothing.
 */
bool preflight_caution(const struct preflight_facts *facts, char *buf, size_t size);

#endif
