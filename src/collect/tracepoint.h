/* The kernel's numbers of its tracepoints, as perf_event_attr.config wants them. */
#ifndef RSP_COLLECT_TRACEPOINT_H
#define RSP_COLLECT_TRACEPOINT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the numbers of tracepoints "GROUP/NAME". They are read from tracefs: where the machine has
 * it mounted, or else, as root, from a mount of our own that no path leads to and that is gone when
 * this returns. 0, or -errno: -EACCES or -EPERM not permitted, -ENOENT the kernel has no such
 * tracepoint, -EBADMSG its file has no number.
 */
int tracepoint_ids(const char *const *names, size_t count, uint64_t *ret_ids);

#endif
