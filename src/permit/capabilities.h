/*
 * The capabilities of this process: what it keeps of them, and what is missing. Sets of them are
 * masks: bit n is capability n of linux/capability.h.
 *
 *  - CAP_PERFMON: perf events on any process, the kernel's time, and BPF programs that trace.
 *  - CAP_BPF: BPF maps and programs.
 *  - CAP_SYS_PTRACE: the files in /proc of processes that are another user's or not dumpable.
 *
 * CAP_SYS_ADMIN takes the place of the first two. It is kept only where one of them is missing, and
 * where the kernel wants it all the same: for perf events, or for probes that are perf events. That is
 * tried.
 */
#ifndef RSP_PERMIT_CAPABILITIES_H
#define RSP_PERMIT_CAPABILITIES_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define CAPABILITY_BIT(capability) (UINT64_C(1) << (capability))

/* What a process may be given beside this program to do all that it can. */
#define CAPABILITIES_ADVISED "cap_perfmon,cap_bpf,cap_sys_ptrace"

/*
 * To be called before anything else is done: gives up every capability that this program never
 * uses, and closes the process to others while it holds any. 0, or -errno with one line: also when
 * the file is set-user-ID or set-group-ID, which it must not be (EXIT_NOT_PERMITTED).
 */
int capabilities_begin(struct err *err);

/*
 * What is needed once everything is attached: for new mappings always, of BPF and perf if
 * `bpf` and `perf` say so. `perf_probes`: probes to come are perf events.
 */
uint64_t capabilities_later(bool bpf, bool perf, bool perf_probes);

/* Gives up what is not in `mask`, for good. 0, or -errno with one line. */
int capabilities_keep(uint64_t mask, struct err *err);

/* Those that can be used now. */
uint64_t capabilities_now(void);

/* Whether they allow perf events on anything, BPF, and looking into any process. */
bool capabilities_have_perfmon(void);
bool capabilities_have_bpf(void);
bool capabilities_have_ptrace(void);

/* "cap_bpf, cap_kill", "none"; as much as there is room for. Returns `buf`. */
char *capabilities_text(char *buf, size_t size, uint64_t mask);

/* "setcap cap_perfmon,...=ep /path/of/this/program": what an administrator would type. */
char *capabilities_setcap_line(char *buf, size_t size);

#endif
