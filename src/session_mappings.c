#include "config.h"

#include "session_mappings.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "collect/mapping_source.h"
#include "session_state.h"
#include "target/memory_map.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/*
 * A call on its way: booked when both its stack and its bytes are known, and whether it is of the
 * program that runs now.
 */
struct call {
	uint64_t id; /* what the unwinder knows it by */
	uint64_t time_ns;
	bool is_unwound, is_counted;
	struct stack *stack;
	uint64_t bytes;
	UT_hash_handle hh;
};

/* What moves the break, or makes that it is not known. */
struct event {
	uint64_t time_ns;
	bool is_exec;
	uint64_t id; /* of the call */
	uint64_t regs[PERF_DWARF_REGS];
};

struct session_mappings {
	struct mapping_source *source;
	struct call *calls;   /* owned */
	struct event *events; /* not in order yet */
	size_t event_count, event_capacity;
	struct mapping_break to_break;
	uint64_t break_read_ns; /* calls before it are in what was read */
	uint64_t executed_ns;	/* the last exec */
	bool waits;		/* for the profile to be emptied after it */
	uint64_t brk_lost;	/* when the rings were read last */
	unsigned doubtful;	/* readings whose sums of brk() are not to be trusted */
	uint64_t taken;
	uint64_t unknown; /* calls of brk() that moved it nobody knows how far */
};

static struct call *find_call(const struct session_mappings *mappings, uint64_t id)
{
	struct call *call;

	HASH_FIND(hh, mappings->calls, &id, sizeof(id), call);
	return call;
}

static void forget_call(struct session_mappings *mappings, struct call *call)
{
	HASH_DEL(mappings->calls, call);
	free(call);
}

/* Those from before this time of which all is known. */
static void book_until(struct session *session, uint64_t time_ns)
{
	struct session_mappings *mappings = session->mappings;
	struct call *call, *next;

	if (mappings->waits)
		return;
	HASH_ITER (hh, mappings->calls, call, next) {
		if (!call->is_unwound || !call->is_counted || call->time_ns >= time_ns)
			continue;
		session_growth_mapped(session, call->stack, call->bytes);
		forget_call(mappings, call);
	}
}

static struct event *add_event(struct session_mappings *mappings)
{
	if (mappings->event_count == mappings->event_capacity) {
		mappings->event_capacity =
		    mappings->event_capacity ? 2 * mappings->event_capacity : 64;
		mappings->events = xreallocarray(mappings->events, mappings->event_capacity,
						 sizeof(*mappings->events));
	}
	return &mappings->events[mappings->event_count++];
}

static void on_returned(void *context, enum mapping_call kind, const struct perf_record *record)
{
	struct session *session = context;
	struct session_mappings *mappings = session->mappings;
	const struct perf_sample *from = &record->sample;
	struct stack_copy copy = {
	    .regs = from->regs,
	    .stack = from->stack,
	    .stack_size = from->stack_bytes,
	};
	struct call *call;
	uint64_t id = mappings->taken++, bytes = 0;

	if (kind != CALL_BRK &&
	    mapping_call_result(kind, from->regs, &mappings->to_break, &bytes) != MAPPING_BYTES)
		return;
	call = xcalloc(1, sizeof(*call));
	call->id = id;
	call->time_ns = record->time_ns;
	call->bytes = bytes;
	call->is_counted = kind != CALL_BRK;
	HASH_ADD(hh, mappings->calls, id, sizeof(call->id), call);
	if (kind == CALL_BRK) {
		struct event *event = add_event(mappings);

		*event = (struct event){.time_ns = record->time_ns, .id = id};
		memcpy(event->regs, from->regs, sizeof(event->regs));
	}
	session_learn_mappings(session);
	if (session->counts)
		stack_counts_drain(session->counts);
	session_put_back_returns(session, record, &copy);
	unwinder_submit(session->unwinder, &copy, (struct unwind_tag){.source = UNWIND_MAPPING, .id = id});
}

static void on_executed(void *context, uint64_t time_ns)
{
	struct session_mappings *mappings = ((struct session *)context)->mappings;

	*add_event(mappings) = (struct event){.time_ns = time_ns, .is_exec = true};
	mappings->executed_ns = time_ns;
	mappings->waits = true;
}

void session_mappings_unwound(struct session *session, uint64_t id, struct stack *stack)
{
	struct call *call = session->mappings ? find_call(session->mappings, id) : NULL;

	if (!call)
		return;
	call->stack = stack;
	call->is_unwound = true;
}

static void settle(struct session_mappings *mappings, const struct event *event)
{
	enum mapping_result result = MAPPING_NONE;
	struct call *call;
	uint64_t bytes;

	if (event->is_exec) {
		mappings->to_break = (struct mapping_break){0};
		return;
	}
	if (event->time_ns >= mappings->break_read_ns)
		result = mapping_call_result(CALL_BRK, event->regs, &mappings->to_break, &bytes);
	if (result != MAPPING_NONE && mappings->doubtful)
		result = MAPPING_UNKNOWN;
	call = find_call(mappings, event->id);
	if (call && result == MAPPING_BYTES) {
		call->bytes = bytes;
		call->is_counted = true;
		return;
	}
	mappings->unknown += result == MAPPING_UNKNOWN;
	if (call)
		forget_call(mappings, call);
}

static int by_time(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

/*
 * Those from before this time: of all CPUs, they are here. Where some were lost, the next ones
 * would be taken to have moved the break that far; those that wait beside them may be of before or
 * after.
 */
static void settle_until(struct session_mappings *mappings, uint64_t time_ns)
{
	uint64_t lost = mapping_source_facts(mappings->source).lost[CALL_BRK];
	size_t done = 0;

	if (lost > mappings->brk_lost)
		mappings->doubtful = 2;
	mappings->brk_lost = lost;
	if (mappings->event_count > 1)
		qsort(mappings->events, mappings->event_count, sizeof(*mappings->events), by_time);
	while (done < mappings->event_count && mappings->events[done].time_ns < time_ns)
		settle(mappings, &mappings->events[done++]);
	mappings->event_count -= done;
	if (done && mappings->event_count)
		memmove(mappings->events, mappings->events + done,
			mappings->event_count * sizeof(*mappings->events));
	if (mappings->doubtful)
		mappings->doubtful--;
}

void session_mappings_drain(struct session *session, bool all)
{
	const uint64_t until_ns = all ? UINT64_MAX : monotonic_ns();

	if (!session->mappings)
		return;
	mapping_source_drain(session->mappings->source);
	settle_until(session->mappings, until_ns);
	book_until(session, until_ns);
}

void session_mappings_start_anew(struct session *session)
{
	struct session_mappings *mappings = session->mappings;
	struct call *call, *next;

	if (!mappings)
		return;
	/* Others may have told of it sooner. */
	mapping_source_drain(mappings->source);
	mappings->waits = false;
	HASH_ITER (hh, mappings->calls, call, next)
		if (call->time_ns < mappings->executed_ns)
			forget_call(mappings, call);
}

static void on_readable(void *context)
{
	session_growth_drain(context, false);
}

/* Asked for by name only: what it costs is paid by every process of the machine. */
static bool is_wanted(struct session *session)
{
	if (session->growth && session->options->growth == GROWTH_ON)
		return true;
	(void)err_set(&session->mappings_off, 0, EXIT_DONE,
		      session->growth
			  ? "not followed, as all system calls of the machine get slower then "
			    "(--growth on does it)"
			  : "page faults are not sampled");
	return false;
}

/* Where brk() is at, for what it moves from there on. */
static void read_break(struct session_mappings *mappings, int pid)
{
	struct memory_map *map = memory_map_new(pid);

	mappings->break_read_ns = monotonic_ns();
	if (memory_map_refresh(map, monotonic_s()) && memory_map_brk_end(map))
		mappings->to_break = (struct mapping_break){true, memory_map_brk_end(map)};
	memory_map_free(map);
}

void session_mappings_open(struct session *session)
{
	const struct mapping_source_hooks hooks = {on_returned, on_executed, session};
	struct session_mappings *mappings;

	if (!is_wanted(session))
		return;
	mappings = session->mappings = xcalloc(1, sizeof(*mappings));
	if (mapping_source_open(&mappings->source, session->target->pid, &hooks,
				&session->mappings_off)) {
		session_mappings_close(session);
		return;
	}
	/* Without it some stacks are cut. */
	if (session->counts)
		(void)mapping_source_set_program(mappings->source,
						 stack_counts_mapping_program(session->counts));
	read_break(mappings, session->target->pid);
	for (size_t i = 0; i < mapping_source_ring_count(mappings->source); i++)
		(void)loop_add_edge(session->loop, mapping_source_fd(mappings->source, i),
				    on_readable, session);
}

static void forget_calls(struct session_mappings *mappings)
{
	struct call *call, *next;

	HASH_ITER (hh, mappings->calls, call, next)
		forget_call(mappings, call);
}

void session_mappings_close(struct session *session)
{
	struct session_mappings *mappings = session->mappings;

	if (!mappings)
		return;
	mapping_source_close(mappings->source);
	forget_calls(mappings);
	free(mappings->events);
	free(mappings);
	session->mappings = NULL;
}

void session_mappings_each_stack(struct session *session, stack_fn use, void *context)
{
	if (!session->mappings)
		return;
	for (const struct call *call = session->mappings->calls; call; call = call->hh.next)
		if (call->stack)
			use(context, call->stack, 0);
}

struct snapshot_channel session_mappings_channel(const struct session *session)
{
	const struct session_mappings *mappings = session->mappings;
	const struct mapping_source_facts facts = mapping_source_facts(mappings->source);
	uint64_t lost = 0;

	for (size_t i = 0; i < MAPPING_CALLS; i++)
		lost += facts.lost[i];
	return (struct snapshot_channel){
	    .name = "system call rings",
	    .produced = mappings->taken + lost,
	    .consumed = mappings->taken,
	    .lost = lost,
	};
}

void session_mappings_fill(struct session *session, struct snapshot *snapshot)
{
	struct session_mappings *mappings = session->mappings;
	struct snapshot_growth *growth = &snapshot->growth;

	if (mappings) {
		const struct mapping_source_facts facts = mapping_source_facts(mappings->source);

		growth->mappings_lost = session_mappings_channel(session).lost + mappings->unknown;
		snapshot->overflow.perf_lost += facts.corrupt;
		if (facts.threads_uncovered > snapshot->overflow.threads_uncovered)
			snapshot->overflow.threads_uncovered = facts.threads_uncovered;
		return;
	}
	growth->mappings_reason = session->mappings_off.text[0] ? session->mappings_off.text : NULL;
	growth->mappings = growth->mapped_bytes = growth->mappings_lost = SNAPSHOT_UNKNOWN;
	for (size_t i = 0; i < snapshot->growth_site_count; i++)
		snapshot->growth_sites[i].mappings = snapshot->growth_sites[i].mapped_bytes = SNAPSHOT_UNKNOWN;
}

void session_mappings_fill_stacks(const struct session *session, struct snapshot *snapshot)
{
	for (size_t i = 0; !session->mappings && i < snapshot->growth_site_count; i++) {
		struct snapshot_growth_site *site = &snapshot->growth_sites[i];

		for (size_t j = 0; j < site->stack_count; j++)
			site->stacks[j].mapped_bytes = SNAPSHOT_UNKNOWN;
	}
}
