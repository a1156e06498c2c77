/* The process's memory in all, and how much of it what is known of the heap explains. */
#include "config.h"

#include <math.h>

#include "clock.h"
#include "session_state.h"

/* Allocated and never touched is live and not resident, so there may be more live than resident. */
static void fill_coverage(struct snapshot *snapshot)
{
	const struct snapshot_memory *memory = &snapshot->memory;
	struct snapshot_heap *heap = &snapshot->heap;
	double pct;

	heap->resident_bytes = memory->anonymous_bytes;
	if (heap->resident_bytes != SNAPSHOT_UNKNOWN && memory->swap_bytes != SNAPSHOT_UNKNOWN)
		heap->resident_bytes += memory->swap_bytes;
	heap->coverage_pct = NAN;
	if (heap->state == CHANNEL_OFF || heap->frees_unknown || heap->resident_bytes == SNAPSHOT_UNKNOWN ||
	    heap->resident_bytes == 0)
		return;
	pct = 100.0 * (double)heap->live_bytes / (double)heap->resident_bytes;
	heap->coverage_pct = pct < 100 ? pct : 100;
}

/* Limits hardly change, and how much is used is of interest near a limit. */
static const double cgroup_interval_s = 30;

static void read_cgroup(struct session *session, double now_s)
{
	struct cgroup_memory *cgroup = &session->cgroup;
	bool near = cgroup->limit_bytes != MEMORY_UNKNOWN && cgroup->used_bytes != MEMORY_UNKNOWN &&
		    cgroup->used_bytes >= cgroup->limit_bytes / 2;

	if (!near && now_s < session->cgroup_due_s)
		return;
	*cgroup = cgroup_read(&session->cgroup_mount, session->target->pid);
	session->cgroup_due_s = now_s + cgroup_interval_s;
}

static double seconds_to_limit(const struct snapshot_memory *memory)
{
	if (memory->limit_bytes == SNAPSHOT_UNKNOWN || memory->used_bytes == SNAPSHOT_UNKNOWN ||
	    !(memory->growth_bytes_per_s > 0))
		return NAN;
	if (memory->used_bytes >= memory->limit_bytes)
		return 0;
	return (double)(memory->limit_bytes - memory->used_bytes) / memory->growth_bytes_per_s;
}

void session_fill_memory(struct session *session, struct snapshot *snapshot)
{
	struct memory_facts *facts = &session->memory_facts;
	struct snapshot_memory *memory = &snapshot->memory;
	double now_s = monotonic_s();

	if (!session->target->exited) {
		memory_facts_read(facts, session->target->pid, &session->target->memory, now_s);
		read_cgroup(session, now_s);
	}
	memory->rss_bytes = facts->rss_bytes;
	if (!session->target->exited)
		trend_add(&session->rss_trend, now_s, (double)session->target->memory.rss_bytes);
	trend_fill(&session->rss_trend, memory->rss_trend);
	memory->anonymous_bytes = facts->anonymous_bytes;
	memory->swap_bytes = facts->swap_bytes;
	memory->limit_bytes = session->cgroup.limit_bytes;
	memory->used_bytes = session->cgroup.used_bytes;
	fill_coverage(snapshot);
	memory->growth_bytes_per_s = NAN;
	if (snapshot->heap.resident_bytes != SNAPSHOT_UNKNOWN) {
		growth_add(&session->memory_growth, now_s, (double)snapshot->heap.resident_bytes);
		/* Of the first moments it would be any number. */
		if (snapshot->elapsed_s >= 1)
			memory->growth_bytes_per_s = growth_per_s(&session->memory_growth);
	}
	memory->seconds_to_limit = seconds_to_limit(memory);
}
