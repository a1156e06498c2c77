#include "config.h"

#include "remedy.h"

#include <math.h>
#include <stdio.h>

#include "fmt.h"

/* Per cent of the target's CPU time. */
static const double dear_without_budget = 5;

bool remedy_is_dear(const struct snapshot *snapshot)
{
	double budget = snapshot->governor.budget_pct, pct = snapshot->overhead.target_pct;

	/* Of a target that does next to nothing a large share is little. */
	if (pct / 100 * snapshot->target.cpu_pct < snapshot->governor.negligible_pct)
		return false;
	return pct > (budget > 0 ? budget : dear_without_budget);
}

static bool are_stacks_cut(const struct snapshot_cpu *cpu)
{
	return cpu->state == CHANNEL_ON &&
	       100.0 * (double)cpu->stacks_complete < REMEDY_STACKS_PCT * (double)cpu->samples;
}

/* What costs the target so much. */
static const char *cheaper(const struct snapshot *snapshot)
{
	const struct snapshot_overhead *overhead = &snapshot->overhead;

	if (!isnan(overhead->heap_pct) && overhead->heap_pct > overhead->target_pct / 2)
		return snapshot->heap.interval_bytes
			   ? "] samples the heap at twice the interval, --heap off sets no probes"
			   : "] samples the heap, --heap off sets no probes";
	return "a lower -F takes fewer samples";
}

const char *remedy_of(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	char number[FMT_SIZE];

	if (overflow->live_map_full > 0)
		snprintf(buf, size,
			 "%s allocations found no room in the books: give a larger --heap-entries, "
			 "or sample the heap (])",
			 fmt_count(number, sizeof(number), overflow->live_map_full));
	else if (overflow->site_map_full > 0)
		snprintf(buf, size,
			 "%s allocations have no site: too many stacks; sample the heap (])",
			 fmt_count(number, sizeof(number), overflow->site_map_full));
	else if (overflow->perf_lost > 0)
		snprintf(buf, size, "%s samples are lost: a lower -F takes fewer",
			 fmt_count(number, sizeof(number), overflow->perf_lost));
	else if (overflow->threads_uncovered > 0)
		snprintf(buf, size,
			 "%s threads are not sampled: raise the limit of open files (ulimit -n)",
			 fmt_count(number, sizeof(number), overflow->threads_uncovered));
	else if (remedy_is_dear(snapshot))
		snprintf(buf, size, "watching takes %s %% of the target's CPU time: %s",
			 fmt_percent(number, sizeof(number), snapshot->overhead.target_pct),
			 cheaper(snapshot));
	else if (overflow->perf_throttled > 0)
		snprintf(
		    buf, size,
		    "the kernel throttled the sampling %s times: a lower -F takes fewer samples",
		    fmt_count(number, sizeof(number), overflow->perf_throttled));
	else if (overflow->ringbuf_drops)
		snprintf(buf, size,
			 "%s records of stacks found no room: no count is wrong, but stacks may be cut short; "
			 "sample the heap (])",
			 fmt_count(number, sizeof(number), overflow->ringbuf_dropped));
	else if (overflow->probes_refused > 0)
		snprintf(buf, size,
			 "%s functions of allocators are not probed: their file's own symbol table "
			 "does not have them there; the heap may miss allocations",
			 fmt_count(number, sizeof(number), overflow->probes_refused));
	else if (are_stacks_cut(&snapshot->cpu))
		snprintf(
		    buf, size,
		    "%s %% of the stacks are complete: TOTAL%% and sites miss callers; a lack of "
		    "unwind information, or stacks deeper than 127 frames or 16 KiB",
		    fmt_percent(number, sizeof(number),
				100.0 * (double)snapshot->cpu.stacks_complete /
				    (double)snapshot->cpu.samples));
	else
		return NULL;
	return buf;
}
