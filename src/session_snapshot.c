#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "clock.h"
#include "err.h"
#include "profile/site_modules.h"
#include "session_state.h"

/* Too soon after the last look a share of CPU time says nothing. */
#define CPU_INTERVAL_MIN_S 0.04

static void fill_target(struct session *session, struct snapshot *snapshot)
{
	struct target *target = session->target;
	double now = monotonic_s();

	target_refresh(target);
	if (!target->exited && now - session->refresh_s > CPU_INTERVAL_MIN_S) {
		session->target_cpu_pct = (double)(target->cpu_ns - session->refresh_cpu_ns) *
					  1e-7 / (now - session->refresh_s);
		session->refresh_s = now;
		session->refresh_cpu_ns = target->cpu_ns;
	}
	snapshot->target = (struct snapshot_target){
	    .pid = target->pid,
	    .comm = target->comm,
	    .exe = target->exe,
	    .exited = target->exited,
	    .exit_status = target->exit_status,
	    .threads = target->threads,
	    .up_s = target->exited ? NAN : clock_s(CLOCK_BOOTTIME) - target->started_s,
	    .cpu_pct = target->exited ? NAN : session->target_cpu_pct,
	    .rss_bytes = target->memory.rss_bytes,
	};
}

static const char *reason(const struct err *err)
{
	return err->text[0] ? err->text : NULL;
}

static void fill_cpu(struct session *session, struct snapshot *snapshot)
{
	struct snapshot_cpu *cpu = &snapshot->cpu;
	struct cpu_facts facts = {0};

	cpu->reason = reason(&session->cpu_off);
	facts = session_cpu_facts(session);
	if (!facts.event)
		return;
	session_take_counts(session);
	cpu->state = CHANNEL_ON;
	cpu->event = facts.event;
	cpu->frequency_hz = facts.frequency_hz;
	cpu->kernel = facts.kernel;
	cpu->stacks_copied = session->samples_copied;
	cpu->unwind_ns_per_frame = NAN;
	if (session->check) {
		cpu->checked = true;
		cpu->check_equal = session->check->equal;
		cpu->check_different = session->check->different;
	}
	cpu->stacks_pending = unwinder_pending(session->unwinder, UNWIND_CPU);
	cpu_profile_fill(session->cpu_profile, snapshot, snapshot->group);
	snapshot->overflow.perf_lost += facts.lost + facts.corrupt;
	snapshot->overflow.perf_throttled = facts.throttled;
	snapshot->overflow.threads_uncovered = facts.threads_uncovered;
}

static const char *no_allocator(const struct session *session)
{
	if (session->allocator_questions)
		return "looking for the allocator's functions";
	if (session->allocator_skipped)
		return "no allocator function was found, and a file could not be read: see the modules";
	return "no allocator function was found in the target";
}

static void fill_heap(struct session *session, struct snapshot *snapshot)
{
	struct snapshot_heap *heap = &snapshot->heap;
	struct heap_stats stats;

	heap->reason = session->heap_waits ? "about to be attached" : reason(&session->heap_off);
	if (session_heap_stays_out(session))
		heap->reason = session->governor_text;
	if (!session->heap || session_heap_stays_out(session))
		return;
	session_read_books(session);
	heap->state = CHANNEL_ON;
	heap->mode = session->heap_sampled ? "sampled" : "exact";
	heap->interval_bytes = session->heap_interval;
	if (!heap->reason && !session->allocator_count)
		heap->reason = no_allocator(session);
	if (!heap->reason && session->let_go_early)
		heap->reason = "the command went on before its allocators were found: what it had until then is missing";
	session_read_ages(session);
	stats = heap_source_stats(session->heap);
	heap->untracked_frees = stats.untracked_frees;
	heap->untracked_known = !session->heap_sampled;
	heap->stacks_pending = unwinder_pending(session->unwinder, UNWIND_HEAP);
	heap->ages_skipped = live_scan_skipped(session->live_scan);
	heap_profile_fill(session->heap_profile, snapshot, monotonic_s());
	snapshot->allocators = xcalloc(session->allocator_count + 1, sizeof(*snapshot->allocators));
	snapshot->allocator_count = session->allocator_count;
	if (session->allocator_count)
		memcpy(snapshot->allocators, session->allocators,
		       session->allocator_count * sizeof(*snapshot->allocators));
}

/* The session's own text is another one at the next refresh, which a paused screen is not to show. */
static void keep_governor_text(const struct session *session, struct snapshot *snapshot)
{
	char *text = snapshot->governor_text;

	(void)strlcpy(text, session->governor_text, sizeof(snapshot->governor_text));
	if (snapshot->governor.reason == session->governor_text)
		snapshot->governor.reason = text;
	if (snapshot->heap.reason == session->governor_text)
		snapshot->heap.reason = text;
}

struct snapshot *session_snapshot(struct session *session, const struct snapshot_request *request)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	snapshot->request = *request;
	snapshot->group = session->group;
	cpu_profile_set_time(session->cpu_profile, monotonic_s() - session->start_s);
	session_drain(session);
	clock_gettime(CLOCK_REALTIME, &snapshot->time);
	snapshot->elapsed_s = monotonic_s() - session->start_s;
	snapshot->notice = session->notice;
	session_fill_marks(session, snapshot);
	fill_target(session, snapshot);
	fill_cpu(session, snapshot);
	fill_heap(session, snapshot);
	session_fill_ledger(session, snapshot);
	session_steer_sampling(session);
	session_fill_memory(session, snapshot);
	snapshot->memory.brk_bytes = SNAPSHOT_UNKNOWN;
	session_growth_fill(session, snapshot);
	session_fill_modules(session, snapshot);
	session_fill_views(session, snapshot);
	session_name_threads(session, snapshot);
	if (snapshot->group == GROUP_MODULE)
		snapshot_fill_site_modules(snapshot);
	session_prefer_names(session);
	(void)session_ask_lines(session);
	session_count_cost(session);
	session_fill_overhead(session, snapshot);
	session_fill_governor(session, snapshot);
	keep_governor_text(session, snapshot);
	session_stand_in_for_clock(session);
	session_trim(session);
	return snapshot;
}
