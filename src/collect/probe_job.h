/*
 * Sets probes in a thread of its own: the kernel takes some ten milliseconds for those of one allocator,
 * in which the event loop is to go on. Nobody else touches the links meanwhile.
 */
#ifndef RSP_COLLECT_PROBE_JOB_H
#define RSP_COLLECT_PROBE_JOB_H

#include <stddef.h>

#include <bpf/libbpf.h>

#include "collect/uprobe_link.h"
#include "err.h"

struct probe_job;

/* Of one process. When it is done a number is written to the eventfd. */
struct probe_job *probe_job_new(int pid, int event_fd);

/* As uprobe_links_attach(), one after the other; what the job is given is borrowed, but for the places. `file`
 * is an open file, in which they are. */
void probe_job_add(struct probe_job *job, struct uprobe_links *links, const struct bpf_program *program,
		   enum uprobe_side side, int file, const struct uprobe_place *places, size_t count);

/* Begins. Where there can be no thread it is done at once. */
void probe_job_begin(struct probe_job *job);

/* Waits, frees it, and says how long it took. 0, or -errno with one line of the first that failed, after which
 * none was set. */
int probe_job_end(struct probe_job *job, double *ret_seconds, struct err *err);

#endif
