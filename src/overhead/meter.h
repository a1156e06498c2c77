/* What the profiler itself costs: CPU time and memory of the program and its worker. */
#ifndef RSP_OVERHEAD_METER_H
#define RSP_OVERHEAD_METER_H

#include <stdint.h>
#include <sys/types.h>

#include "profile/snapshot.h"

struct meter {
	double last_time_s;
	double last_cpu_s;
	uint64_t rss_bytes;
	double rss_due_s; /* it is read anew */
};

/* Begins to measure. `worker` is its process, 0: none. */
void meter_init(struct meter *meter, pid_t worker);

/* Writes CPU since the last call, in per cent of one core, and resident memory. */
void meter_read(struct meter *meter, pid_t worker, struct snapshot_overhead *overhead);

#endif
