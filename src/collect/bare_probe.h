/* Probes whose program does nothing: what a trap costs is measured with them. */
#ifndef RSP_COLLECT_BARE_PROBE_H
#define RSP_COLLECT_BARE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct bare_probes;

/*
 * Attaches an empty program at all these offsets of the file behind `path`, in process `pid` only,
 * and at the returns of the functions that begin there too if `with_return`: by the best kind of
 * link that the kernel has. 0 and *ret_probes, which the caller frees, or -errno with one line
 * (EXIT_NOT_PERMITTED without CAP_BPF and CAP_PERFMON).
 */
int bare_probes_attach(struct bare_probes **ret_probes, int pid, const char *path,
		       const uint64_t *offsets, size_t count, bool with_return, struct err *err);

/* Detaches them. NULL is allowed. */
void bare_probes_free(struct bare_probes *probes);

#endif
