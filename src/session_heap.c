/* The heap's source in a session: begin and end, its books, and how often it samples. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "session_state.h"

/* Closer together two looks at the rates say nothing. */
static const double steer_interval_s = 0.08;

/* At one time: live objects are read no longer, however many there are. */
enum { AGES_BUDGET_NS = 10000000 };

/* An allocation was sent with a copy of its stack, which has been unwound: it joins those of the stack. */
static uint64_t settle(void *context, uint64_t address, uint64_t provisional_id)
{
	struct session *session = context;
	struct stack_key of;
	uint64_t id = 0;

	if (heap_profile_key(session->heap_profile, provisional_id, &of))
		id = heap_source_settle(session->heap, address, provisional_id, &of);
	if (!id)
		return provisional_id;
	heap_profile_settle(session->heap_profile, provisional_id, id, monotonic_s());
	return id;
}

static void on_heap_loaded(void *context)
{
	struct session *session = context;

	loop_remove(session->loop, heap_source_loaded_fd(session->heap_loading));
	session->heap_loaded = true;
}

void session_begin_heap(struct session *session)
{
	const struct heap_hooks hooks = session_heap_hooks(session);
	const struct options *options = session->options;
	const struct heap_options heap_options = {
	    .pid = session->target->pid,
	    .rules_fd = session->rule_map ? rule_map_fd(session->rule_map) : -1,
	    .rule_cache_fd = session->rule_map ? rule_map_cache_fd(session->rule_map) : -1,
	    .mappings_fd = session->mapping_watch ? mapping_watch_fd(session->mapping_watch) : -1,
	    .entries_fd = session->entries_fd,
	    .link = options->link,
	    .live_entries = options->heap_entries,
	    .map_entries = options->map_entries,
	    .ring_bytes = options->ring_bytes,
	};

	session->heap_off = (struct err){0};
	if (options->heap == HEAP_OFF) {
		(void)err_set(&session->heap_off, 0, EXIT_DONE, "switched off (--heap off)");
		return;
	}
	if (!session->rule_map) {
		session->heap_off = session->bpf_off;
		return;
	}
	if (session_permit_probes(session) || session_preflight(session) ||
	    heap_source_begin(&session->heap_loading, &heap_options, &hooks, &session->heap_off))
		return;
	if (loop_add(session->loop, heap_source_loaded_fd(session->heap_loading), on_heap_loaded, session))
		session->heap_loaded = true; /* and is waited for */
}

/* Waits for what is being loaded, and forgets it. NULL: nothing was, or it could not be. */
static struct heap_source *take_loaded(struct session *session)
{
	struct heap_source *source = session->heap_loading;

	session->heap_waits = session->heap_loaded = false;
	session->heap_loading = NULL;
	if (!source)
		return NULL;
	loop_remove(session->loop, heap_source_loaded_fd(source));
	(void)heap_source_finish(&source, &session->heap_off);
	return source;
}

/* What waited for probes that are set now; and what has come for others meanwhile. */
void session_on_probes_set(void *context)
{
	struct session *session = context;
	probes_set_fn then = session->when_set;
	struct err err = {0};
	int code = heap_source_end_setting(session->heap, &err);

	session_measure_traps(session);
	session->when_set = NULL;
	if (then)
		then(session, code, &err);
	session_attach_answers(session);
}

void session_when_set(struct session *session, probes_set_fn then)
{
	struct err err = {0};
	int code;

	if (heap_source_is_setting(session->heap) && !session->sets_at_once) {
		session->when_set = then;
		return;
	}
	code = heap_source_end_setting(session->heap, &err);
	then(session, code, &err);
}

void session_finish_heap(struct session *session)
{
	const struct options *options = session->options;
	struct heap_facts facts;

	session->heap = take_loaded(session);
	if (!session->heap)
		return;
	if (loop_add(session->loop, heap_source_fd(session->heap), session_on_heap_readable, session)) {
		heap_source_close(session->heap);
		session->heap = NULL;
		(void)err_set(&session->heap_off, EIO, EXIT_FAILED,
			      "cannot wait for the heap's ring buffer");
		return;
	}
	if (loop_add(session->loop, heap_source_set_fd(session->heap), session_on_probes_set, session))
		session->sets_at_once = true;
	session->live_scan = live_scan_new(heap_source_live_fd(session->heap), settle, session);
	session->steers = options->heap == HEAP_AUTO;
	heap_source_set_by_thread(session->heap, session->group == GROUP_THREAD);
	session_set_interval(session, options->heap_interval_bytes);
	facts = heap_source_facts(session->heap);
	if (facts.live_entries < options->heap_entries)
		(void)err_set(&session->heap_off, 0, EXIT_DONE,
			      "no kernel memory for %ju live objects: %u can be tracked (--heap-entries)",
			      (uintmax_t)options->heap_entries, facts.live_entries);
}

void session_close_heap(struct session *session)
{
	session->wants_heap = session->heap_returns = false;
	heap_source_close(take_loaded(session));
	if (!session->heap)
		return;
	loop_remove(session->loop, heap_source_fd(session->heap));
	loop_remove(session->loop, heap_source_set_fd(session->heap));
	session->when_set = NULL;
	live_scan_free(session->live_scan);
	session->live_scan = NULL;
	heap_source_close(session->heap);
	session->heap = NULL;
}

static void on_site(void *context, uint64_t site_id, const struct stack_key *of, const struct heap_counts *counts)
{
	struct session *session = context;

	if (heap_profile_read(session->heap_profile, site_id, of, counts, monotonic_s()))
		heap_source_forget_site(session->heap, site_id);
}

static void note_interval(struct session *session, uint64_t interval)
{
	session->heap_interval = interval;
	session->heap_sampled = session->heap_sampled || interval;
}

void session_read_books(struct session *session)
{
	uint64_t interval = heap_source_interval(session->heap);

	/* The programs have raised it. */
	if (interval != session->heap_interval) {
		session->heap_raised = true;
		note_interval(session, interval);
	}
	(void)heap_source_read_sites(session->heap, on_site, session);
}

static void on_ages(void *context, uint64_t site_id, const struct ages *ages, const struct sizes *sizes)
{
	heap_profile_set_ages(((struct session *)context)->heap_profile, site_id, ages, sizes);
}

void session_read_ages(struct session *session)
{
	if (!session->live_scan)
		return;
	if (live_scan_step(session->live_scan, heap_source_epoch(session->heap), AGES_BUDGET_NS) <=
	    0)
		return;
	heap_profile_begin_ages(session->heap_profile);
	live_scan_each(session->live_scan, on_ages, session);
}

void session_set_interval(struct session *session, uint64_t interval)
{
	note_interval(session, interval);
	heap_source_set_interval(session->heap, interval, session->steers);
}

void session_step_sampling(struct session *session, bool finer)
{
	if (!session->heap)
		return;
	session->steers = false;
	session->stepped = true;
	session_set_interval(session, sampling_step(session->heap_interval, finer));
}

/* Calls of functions that return memory. */
static uint64_t count_calls(const struct session *session)
{
	struct heap_hits *hits = xcalloc(session->probe_count + 1, sizeof(*hits));
	uint64_t calls = 0;

	heap_source_hits(session->heap, hits, session->probe_count);
	for (size_t i = 0; i < session->probe_count; i++)
		if (!session->probes[i].frees)
			calls += heap_hits_all(&hits[i]);
	free(hits);
	return calls;
}

void session_steer_sampling(struct session *session)
{
	struct steered *last = &session->steered, now = {.time_s = monotonic_s()};
	struct heap_stats stats;
	struct sampling_facts facts;
	uint64_t next;

	if (!session->heap || session->heap_out || !session->steers || now.time_s - last->time_s < steer_interval_s)
		return;
	stats = heap_source_stats(session->heap);
	now.calls = count_calls(session);
	now.tracked = stats.allocations;
	now.bytes = heap_profile_allocated(session->heap_profile);
	facts = (struct sampling_facts){
	    .seconds = now.time_s - last->time_s,
	    .interval = session->heap_interval,
	    .raised = session->heap_raised,
	    .calls = now.calls - last->calls,
	    .tracked = now.tracked - last->tracked,
	    .bytes = now.bytes > last->bytes ? now.bytes - last->bytes : 0,
	    .live_fill = (double)heap_source_live_count(session->heap, &stats) /
			 heap_source_facts(session->heap).live_entries,
	};
	next = sampling_pace_next(&session->pace, &facts);
	if (next < session->interval_least)
		next = session->interval_least;
	if (next != session->heap_interval)
		session_set_interval(session, next);
	session->heap_raised = false;
	*last = now;
}
