/* The ledger of a refresh: what each channel carried and lost, how full maps are, what probes did. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <bsd/string.h>

#include "clock.h"
#include "session_state.h"

static const double drops_shown_s = 10;

static void add_channel(struct snapshot *snapshot, const struct snapshot_channel *channel)
{
	snapshot->channels = xreallocarray(snapshot->channels, snapshot->channel_count + 1,
					   sizeof(*snapshot->channels));
	snapshot->channels[snapshot->channel_count++] = *channel;
}

/* What is known of a map beside its memory. */
static void fill_map(struct snapshot *snapshot, const char *name, uint64_t capacity, double used,
		     uint64_t refused)
{
	for (size_t i = 0; i < snapshot->map_count; i++) {
		struct snapshot_map *map = &snapshot->maps[i];

		if (strcmp(map->name, name) != 0)
			continue;
		map->capacity = capacity;
		map->used = used;
		map->refused = refused;
		return;
	}
}

static void fill_probes(struct session *session, struct snapshot *snapshot)
{
	size_t count = session->probe_count;
	struct heap_hits *hits = xcalloc(count + 1, sizeof(*hits));
	double now = monotonic_s(), seconds = now - session->hits_s;

	snapshot->probes = xcalloc(count + 1, sizeof(*snapshot->probes));
	snapshot->probe_count = count;
	heap_source_hits(session->heap, hits, count);
	for (size_t i = 0; i < count; i++) {
		struct snapshot_probe *probe = &session->probes[i];

		probe->hits_per_s = session->hits_s > 0 && seconds > 0
					? (double)(heap_hits_all(&hits[i]) - probe->hits) / seconds
					: (double)NAN;
		probe->hits = heap_hits_all(&hits[i]);
		probe->ns_per_hit =
		    probe->emulated ? session->unit_costs.trap.emulated_ns : session->unit_costs.trap.stepped_ns;
		snapshot->probes[i] = *probe;
	}
	session->hits_s = now;
	free(hits);
}

static void fill_heap(struct session *session, struct snapshot *snapshot)
{
	const struct heap_facts facts = heap_source_facts(session->heap);
	const struct heap_stats stats = heap_source_stats(session->heap);

	add_channel(snapshot, &(struct snapshot_channel){
				  .name = "heap ring buffer",
				  .produced = stats.records,
				  .consumed = heap_source_records_taken(session->heap),
				  .lost = stats.ringbuf_dropped,
				  .capacity_bytes = facts.ring_bytes,
				  .used_bytes = heap_source_ring_used(session->heap),
			      });
	fill_map(snapshot, "live objects", facts.live_entries,
		(double)heap_source_live_count(session->heap, &stats), stats.live_map_full);
	fill_map(snapshot, "allocation stacks", facts.site_entries,
		(double)heap_source_site_count(session->heap), stats.site_map_full);
	fill_map(snapshot, "threads", facts.thread_entries, NAN, stats.thread_map_full);
	snapshot->books = (struct snapshot_books){
	    .allocations = stats.allocations,
	    .frees = stats.frees,
	    .failed = stats.failed,
	    .replaced = stats.replaced,
	    .lost_returns = stats.lost_returns,
	    .copies = stats.copies,
	};
	snapshot->overflow.ringbuf_dropped += stats.ringbuf_dropped;
	snapshot->overflow.live_map_full = stats.live_map_full;
	snapshot->overflow.site_map_full = stats.site_map_full + stats.thread_map_full;
	fill_probes(session, snapshot);
}

static void fill_counts(struct session *session, struct snapshot *snapshot)
{
	const struct cpu_stats stats = stack_counts_stats(session->counts);

	if (stats.frames)
		snapshot->cpu.unwind_ns_per_frame = (double)stats.walk_ns / (double)stats.frames;
	snapshot->overflow.perf_lost += stack_counts_unknown(session->counts);
	snapshot->overflow.ringbuf_dropped += stats.ringbuf_dropped;
	add_channel(snapshot, &(struct snapshot_channel){
				  .name = "CPU ring buffer",
				  .produced = stats.records,
				  .consumed = stack_counts_records_taken(session->counts),
				  .lost = stats.ringbuf_dropped,
				  .capacity_bytes = stack_counts_ring_bytes(session->counts),
				  .used_bytes = stack_counts_ring_used(session->counts),
			      });
	fill_map(snapshot, "CPU samples by thread", stack_counts_threads_max(session->counts), NAN,
		stats.threads_full);
}

static void fill_rings(struct session *session, struct snapshot *snapshot)
{
	const struct cpu_facts facts = session_cpu_facts(session);

	/* What was written is known only by what came and what the kernel says it lost. */
	add_channel(snapshot, &(struct snapshot_channel){
				  .name = "perf rings",
				  .produced = session->perf_samples + facts.lost,
				  .consumed = session->perf_samples,
				  .lost = facts.lost,
			      });
}

static const char *link_name(enum link_kind kind)
{
	switch (kind) {
	case LINK_SESSION:
		return "session: returns where needed";
	case LINK_MULTI:
		return "multi: one for a file's probes";
	default:
		return "one for each probe";
	}
}

static void fill_kernel(struct session *session, struct snapshot_kernel *kernel)
{
	struct utsname names;

	if (uname(&names) == 0)
		(void)strlcpy(kernel->release, names.release, sizeof(kernel->release));
	if (!session->counts)
		kernel->walk_reason = session->bpf_off.text[0] ? session->bpf_off.text
							       : "no: samples are copied";
	if (session->heap)
		kernel->uprobe_link = link_name(heap_source_facts(session->heap).link);
}

/* What was announced too late is announced again: that is of interest while it happens, and a while longer. */
static void judge_drops(struct session *session, struct snapshot_overflow *overflow)
{
	double now = monotonic_s();

	if (overflow->ringbuf_dropped > session->dropped)
		session->dropped_s = now;
	session->dropped = overflow->ringbuf_dropped;
	overflow->ringbuf_drops = session->dropped > 0 && now - session->dropped_s < drops_shown_s;
}

void session_fill_ledger(struct session *session, struct snapshot *snapshot)
{
	fill_kernel(session, &snapshot->kernel);
	session_fill_maps(session, snapshot);
	if (session->heap)
		fill_heap(session, snapshot);
	snapshot->books.unlearnt = unwinder_unlearnt(session->unwinder);
	snapshot->books.worker_restarts = client_worker_restarts(session->client);
	if (session->counts)
		fill_counts(session, snapshot);
	if (session->cpu)
		fill_rings(session, snapshot);
	judge_drops(session, &snapshot->overflow);
	if (session->growth) {
		const struct snapshot_channel channel = session_growth_channel(session);

		add_channel(snapshot, &channel);
	}
	if (session->mappings) {
		const struct snapshot_channel channel = session_mappings_channel(session);

		add_channel(snapshot, &channel);
	}
}
