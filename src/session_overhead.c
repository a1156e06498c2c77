/* What we cost the target: what the kernel has counted, at what each of it costs. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "session_state.h"

/* Closer together two looks at the target's CPU time say nothing. */
static const double slice_least_s = 0.2;

/* Functions of the kernel that only a breakpoint, a single step or a probed return comes to. */
static bool serves_probe(const char *name)
{
	return strstr(name, "uprobe") || strstr(name, "uretprobe") || strstr(name, "exc_int3") ||
	       strstr(name, "exc_debug");
}

/* False: not all names of the kernel's functions are there yet. */
static bool judge(struct session *session, const struct stack *stack, uint64_t samples)
{
	bool named = true;
	uint32_t i;

	for (i = 0; i < stack->frame_count && stack->frames[i] >> 63; i++) {
		const struct symbol *symbol = stack->symbols[i];

		if (symbol->named && serves_probe(symbol->frames[0].function)) {
			session->kernel_is_named = true;
			session->samples_judged += samples;
			session->samples_in_probes += samples;
			return true;
		}
		named = named && symbol->named;
	}
	if (!named)
		return false;
	session->kernel_is_named = session->kernel_is_named || i;
	/* Where the kernel has no names for us none would ever be seen in a probe. */
	if (session->kernel_is_named)
		session->samples_judged += samples;
	return true;
}

/* Those in the kernel come to ever new addresses: without them, those of the program would be too many. */
void session_judge_samples(struct session *session, const struct stack *stack, uint64_t samples)
{
	if (judge(session, stack, samples) || session->unjudged_count == SESSION_UNJUDGED)
		return;
	session->unjudged[session->unjudged_count++] = (struct unjudged){stack->id, samples};
}

static void judge_again(struct session *session)
{
	size_t kept = 0;

	for (size_t i = 0; i < session->unjudged_count; i++) {
		const struct unjudged *each = &session->unjudged[i];
		const struct stack *stack = stack_table_find(session->stacks, each->stack_id);

		if (stack && !judge(session, stack, each->samples))
			session->unjudged[kept++] = *each;
	}
	session->unjudged_count = kept;
}

static struct heap_hits *read_hits(const struct session *session)
{
	struct heap_hits *hits = xcalloc(session->probe_count + 1, sizeof(*hits));

	heap_source_hits(session->heap, hits, session->probe_count);
	return hits;
}

static void add_probes(struct session *session, struct cost_slice *slice)
{
	struct heap_hits *hits = read_hits(session);
	bool session_link = heap_source_facts(session->heap).link == LINK_SESSION;
	double ns = 0, calls_ns = 0;

	session->hits = xreallocarray(session->hits, session->probe_count + 1, sizeof(*hits));
	memset(session->hits + session->hits_count, 0,
	       (session->probe_count - session->hits_count) * sizeof(*hits));
	session->hits_count = session->probe_count;
	for (size_t i = 0; i < session->probe_count; i++) {
		const struct snapshot_probe *probe = &session->probes[i];
		const struct probe_facts facts = {
		    .now = hits[i],
		    .before = session->hits[i],
		    .emulated = probe->emulated,
		    .returns = !probe->frees,
		    .all_returns = !session_link && !probe->frees,
		    .all_booked = !probe->frees && (probe->nests || !session_link),
		};
		struct probe_cost cost = probe_cost_between(&facts, &session->unit_costs.trap);

		ns += cost.entries_ns + cost.sampled_ns;
		if (probe->frees) {
			slice->kept_ns += cost.entries_ns;
			slice->followed_ns += cost.sampled_ns;
			continue;
		}
		slice->sampled_ns += cost.sampled_ns;
		if (!probe->reallocates || session->frees_out) {
			slice->entries_ns += cost.entries_ns;
			calls_ns += cost.entries_ns + cost.sampled_ns;
			continue;
		}
		slice->kept_ns += cost.entries_ns;
		slice->reallocs_ns += cost.entries_ns;
	}
	memcpy(session->hits, hits, session->probe_count * sizeof(*hits));
	free(hits);
	if (isnan(ns))
		return;
	session->probes_ns += ns * cost_window_factor(&session->cost_window);
	session->calls_ns += calls_ns;
}

double session_own_ns(struct session *session)
{
	add_probes(session, &session->cost_begun);
	return (double)target_cpu_ns(session->target) - session->probes_ns;
}

/* Samples of which the kernel has kept the counts; the others are those in perf's rings. */
static struct cost_marks read_marks(const struct session *session)
{
	struct cost_marks marks = {
	    .time_s = monotonic_s(),
	    .target_ns = target_cpu_ns(session->target),
	    .open_s = session_calls_open_s(session),
	    .judged = session->samples_judged,
	    .in_probes = session->samples_in_probes,
	    .copied_bytes = session->copied_bytes,
	};

	if (session->counts) {
		const struct cpu_stats stats = stack_counts_stats(session->counts);

		marks.interrupts = stats.samples;
		marks.run_ns = stats.run_ns;
	} else if (session->cpu) {
		marks.interrupts = session->perf_samples + session_cpu_facts(session).lost;
	}
	return marks;
}

void session_end_slice(struct session *session)
{
	const struct cost_marks now = read_marks(session), last = session->cost_marks;
	struct cost_slice slice;

	if (session->heap)
		add_probes(session, &session->cost_begun);
	judge_again(session);
	slice = session->cost_begun;
	session->cost_begun = (struct cost_slice){0};
	slice.seconds = now.time_s - last.time_s;
	slice.open_s = now.open_s - last.open_s;
	session->cost_marks = now;
	if (!(last.time_s > 0) || now.target_ns < last.target_ns)
		return;
	slice.target_ns = (double)(now.target_ns - last.target_ns);
	slice.samples = now.judged - last.judged;
	slice.in_probes = now.in_probes - last.in_probes;
	if (now.interrupts > last.interrupts)
		slice.sampling_ns =
		    (double)(now.interrupts - last.interrupts) *
			session->unit_costs.sample.interrupt_ns +
		    (double)(now.run_ns - last.run_ns) +
		    (double)(now.copied_bytes - last.copied_bytes) *
			session->unit_costs.sample.copy_ns_per_byte;
	cost_window_add(&session->cost_window, &slice);
}

void session_count_cost(struct session *session)
{
	double last_s = session->cost_marks.time_s;

	if (last_s > 0 && monotonic_s() - last_s < slice_least_s)
		return;
	session_end_slice(session);
}

void session_begin_cost(struct session *session)
{
	session->cost_window = (struct cost_window){0};
	session->cost_marks.time_s = 0;
	session_end_slice(session);
}

/* Of the last second; with a share of the time of some cycles, as soon as there have been such. */
static struct cost_slice latest_cost(const struct session *session)
{
	const struct cost_slice sum = cost_window_sum(&session->cost_window), shared = session_shared_cost(session);
	bool settled = session->share.halvings && cost_window_is_settled(&session->cost_window) &&
		       !isnan(shared.entries_ns);

	return settled ? shared : sum;
}

void session_fill_overhead(struct session *session, struct snapshot *snapshot)
{
	const struct cost_slice sum = latest_cost(session);
	struct snapshot_overhead *overhead = &snapshot->overhead;

	*overhead = (struct snapshot_overhead){
	    .heap_pct = cost_heap_pct(&sum),
	    .cpu_pct = cost_cpu_pct(&sum),
	    .trap_factor = cost_window_factor(&session->cost_window),
	};
	snapshot->attach.sampler_s = session->sampler_s;
	snapshot->attach.calibrated_s = 1e-3 * (session->unit_costs.trap.set_ms + session->unit_costs.trap.took_ms);
	if (session->heap) {
		const struct heap_facts facts = heap_source_facts(session->heap);

		snapshot->attach.probes_s = facts.attach_s;
		snapshot->attach.longest_s = facts.attach_longest_s;
	}
	overhead->target_pct = overhead->heap_pct + overhead->cpu_pct;
	session_look_at_samples(session, overhead->cpu_pct);
	meter_read(&session->meter, client_worker_pid(session->client), overhead);
}
