/* Whether the kernel lets this process open perf events: it is tried, nothing is left of it. */
#ifndef RSP_PERMIT_PERF_TRIAL_H
#define RSP_PERMIT_PERF_TRIAL_H

#include <stdint.h>

/* An event that counts nothing, of this process's user code: who may not open this may not sample.
 * 0, or -errno: EACCES and EPERM say that it is forbidden. */
int perf_trial(void);

/* Probes that are perf events: most kernels want CAP_SYS_ADMIN for them, CAP_PERFMON does not do.
 * 0 or -errno, as above. */
int perf_trial_probe(void);

/* The number of perf's uprobe unit, which the kernel gives out at boot. 0 or -errno. */
int perf_probe_type(uint32_t *ret_type);

#endif
