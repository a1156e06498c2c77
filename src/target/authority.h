/*
 * Whether the user may look into a process. File capabilities would let everybody who can run this
 * program look into every process; so they do not count: the real user decides.
 *
 *  - Root, by the real user id, may do what the kernel permits.
 *  - Any other user may look into what the kernel lets a process of that user look into that has no
 *    capabilities (same user and group ids in all sets, dumpable, no more capabilities), and may
 * set probes where the kernel would let such a process trace it, which Yama's ptrace_scope and
 *    security modules restrict further.
 *
 * The kernel itself is asked, by a child of ours that has given up its capabilities.
 */
#ifndef RSP_TARGET_AUTHORITY_H
#define RSP_TARGET_AUTHORITY_H

#include "err.h"
#include "target/target.h"

/*
 * 0 when the user may look into the target, which is still the one that the pidfd holds. Else
 * -errno with one line: EXIT_NO_PROCESS, or EXIT_NOT_PERMITTED with the rule that it breaks.
 */
int authority_look(const struct target *target, struct err *err);

/* The same for probes in it. A command that this program has started is no stranger. */
int authority_probe(const struct target *target, struct err *err);

#endif
