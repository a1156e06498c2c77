#include "config.h"

#include "overhead/meter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

static const double rss_interval_s = 10;

static double cpu_s(pid_t worker)
{
	double sum = clock_s(CLOCK_PROCESS_CPUTIME_ID);
	clockid_t clock;

	if (worker > 0 && clock_getcpuclockid(worker, &clock) == 0)
		sum += clock_s(clock);
	return sum;
}

static uint64_t rss_bytes(pid_t pid)
{
	char path[64];
	uint64_t pages = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void meter_init(struct meter *meter, pid_t worker)
{
	meter->last_time_s = clock_s(CLOCK_MONOTONIC);
	meter->rss_due_s = 0;
	meter->last_cpu_s = cpu_s(worker);
}

void meter_read(struct meter *meter, pid_t worker, struct snapshot_overhead *overhead)
{
	double now = clock_s(CLOCK_MONOTONIC), cpu = cpu_s(worker);

	overhead->self_cpu_pct = NAN;
	/* A worker that was replaced takes its CPU time with it. */
	if (now > meter->last_time_s && cpu >= meter->last_cpu_s)
		overhead->self_cpu_pct = (cpu - meter->last_cpu_s) / (now - meter->last_time_s) * 100.0;
	if (now >= meter->rss_due_s) {
		meter->rss_bytes = rss_bytes(getpid()) + (worker > 0 ? rss_bytes(worker) : 0);
		meter->rss_due_s = now + rss_interval_s;
	}
	overhead->self_rss_bytes = meter->rss_bytes;
	meter->last_time_s = now;
	meter->last_cpu_s = cpu;
}
