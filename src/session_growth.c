#include "config.h"

#include "session_growth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "collect/growth_source.h"
#include "profile/growth_profile.h"
#include "session_state.h"
#include "target/memory_map.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	/* Samples of a ring that are remembered until it is known what was lost behind them. */
	WINDOW_SAMPLES = 32,
	/* Stacks of which each has its own count. */
	STACKS_KEPT = 1 << 12,
};

/* A sample on its way. Held by the unwinder and by the window that it came in. */
struct sample {
	uint64_t id; /* what the unwinder knows it by */
	uint64_t address;
	uint64_t page_bytes;
	struct growth_weight weight;
	struct stack *stack;
	bool unwound;
	unsigned holders;
	UT_hash_handle hh;
};

/* What was read last from one ring. */
struct window {
	uint64_t drain; /* its number */
	size_t count;
	struct sample *samples[WINDOW_SAMPLES];
};

struct session_growth {
	struct growth_source *source;
	struct growth_profile *profile;
	struct memory_map *memory;
	struct sample *samples; /* all that are held, owned */
	struct window *windows; /* by ring */
	size_t window_count;
	uint64_t drain;
	uint64_t taken; /* samples */
	int timer_fd;
	bool is_armed;	   /* the timer */
	double interval_s; /* between two readings, at least */
	double drained_s;
	double map_due_s; /* the mappings are read anew, even if no fault waits for them */
};

static const double map_interval_s = 10;

static void let_go(struct session_growth *growth, struct sample *sample)
{
	if (--sample->holders)
		return;
	/* A table that has an entry is one. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	HASH_DEL(growth->samples, sample);
	free(sample);
}

static void clear_window(struct session_growth *growth, struct window *window)
{
	for (size_t i = 0; i < window->count; i++)
		let_go(growth, window->samples[i]);
	window->count = 0;
}

/* Rings are told from the beginning of the opening on, and there is one for each CPU at most. */
static struct window *window_of(struct session_growth *growth, size_t ring)
{
	if (ring >= growth->window_count) {
		growth->windows = xreallocarray(growth->windows, ring + 1, sizeof(struct window));
		memset(growth->windows + growth->window_count, 0,
		       (ring + 1 - growth->window_count) * sizeof(struct window));
		growth->window_count = ring + 1;
	}
	return &growth->windows[ring];
}

static void remember(struct session_growth *growth, size_t ring, struct sample *sample)
{
	struct window *window = window_of(growth, ring);

	if (window->drain != growth->drain)
		clear_window(growth, window);
	window->drain = growth->drain;
	if (window->count == WINDOW_SAMPLES)
		return;
	sample->holders++;
	window->samples[window->count++] = sample;
}

static struct growth_weight weight_of(unsigned samples, double faults, uint64_t page_bytes)
{
	return (struct growth_weight){
	    .samples = samples, .faults = faults, .bytes = faults * (double)page_bytes};
}

static void on_sample(void *context, size_t ring, const struct perf_record *record)
{
	struct session *session = context;
	struct session_growth *growth = session->growth;
	const struct perf_sample *from = &record->sample;
	struct stack_copy copy = {
	    .regs = from->regs,
	    .stack = from->stack,
	    .stack_size = from->stack_bytes,
	};
	struct sample *sample = xcalloc(1, sizeof(*sample));

	sample->id = growth->taken++;
	sample->address = from->addr;
	sample->page_bytes =
	    from->data_page_bytes ? from->data_page_bytes : (uint64_t)sysconf(_SC_PAGESIZE);
	sample->weight = weight_of(1, GROWTH_FAULTS_PER_SAMPLE, sample->page_bytes);
	sample->holders = 1;
	HASH_ADD(hh, growth->samples, id, sizeof(sample->id), sample);
	remember(growth, ring, sample);
	if (from->regs_abi == PERF_SAMPLE_REGS_ABI_NONE) {
		session_growth_unwound(session, sample->id, NULL);
		return;
	}
	session_learn_mappings(session);
	if (session->counts)
		stack_counts_drain(session->counts);
	session_put_back_returns(session, record, &copy);
	unwinder_submit(session->unwinder, &copy, (struct unwind_tag){.source = UNWIND_GROWTH, .id = sample->id});
}

void session_growth_unwound(struct session *session, uint64_t id, struct stack *stack)
{
	struct session_growth *growth = session->growth;
	struct sample *sample;

	HASH_FIND(hh, growth->samples, &id, sizeof(id), sample);
	if (!sample)
		return;
	sample->stack = stack;
	sample->unwound = true;
	growth_profile_add(growth->profile, stack, sample->address, sample->weight);
	let_go(growth, sample);
}

void session_growth_mapped(struct session *session, struct stack *stack, uint64_t bytes)
{
	growth_profile_add_mapping(session->growth->profile, stack, bytes);
}

/* Those that found no room came behind those that filled it: they are taken to be alike. */
static void on_lost(void *context, size_t ring, uint64_t samples)
{
	struct session_growth *growth = ((struct session *)context)->growth;
	const struct window *window = window_of(growth, ring);
	double faults = (double)samples * GROWTH_FAULTS_PER_SAMPLE;

	if (!window->count)
		growth_profile_add(growth->profile, NULL, 0, weight_of(0, faults, 0));
	for (size_t i = 0; i < window->count; i++) {
		struct sample *sample = window->samples[i];
		struct growth_weight more =
		    weight_of(0, faults / (double)window->count, sample->page_bytes);

		if (sample->unwound) {
			growth_profile_add(growth->profile, sample->stack, sample->address, more);
			continue;
		}
		sample->weight.faults += more.faults;
		sample->weight.bytes += more.bytes;
	}
}

/* CPU sampling tells it, too, and sooner. */
static void on_executed(void *context)
{
	struct session *session = context;

	if (session->cpu)
		return;
	session->executed = true;
	address_space_executed(session->space);
}

static void arm(struct session_growth *growth, double rest_s)
{
	const struct itimerspec timer = {
	    .it_value = {.tv_sec = (time_t)rest_s,
			 .tv_nsec = 1 + (long)((rest_s - floor(rest_s)) * 999999998.0)}};

	if (!growth->is_armed)
		growth->is_armed = timerfd_settime(growth->timer_fd, 0, &timer, NULL) == 0;
}

void session_growth_drain(struct session *session, bool now)
{
	struct session_growth *growth = session->growth;
	double time_s = monotonic_s(), rest_s;
	bool is_fresh = false;

	if (!growth)
		return;
	rest_s = growth->drained_s + growth->interval_s - time_s;
	if (rest_s > 0 && !now) {
		arm(growth, rest_s);
		return;
	}
	growth->drained_s = time_s;
	growth->drain++;
	growth_source_drain(growth->source);
	session_mappings_drain(session, now);
	if (growth_profile_waits(growth->profile) || time_s >= growth->map_due_s) {
		is_fresh = memory_map_refresh(growth->memory, time_s);
		growth->map_due_s = time_s + map_interval_s;
	}
	growth_profile_sort_out(growth->profile, growth->memory, is_fresh);
}

static void on_readable(void *context)
{
	session_growth_drain(context, false);
}

static void on_timer(void *context)
{
	struct session *session = context;
	uint64_t ticks;

	session->growth->is_armed = false;
	(void)!read(session->growth->timer_fd, &ticks, sizeof(ticks));
	session_growth_drain(context, false);
}

/* A ring's event is hung up for good once its first thread has ended, while others go on. */
static void watch(struct session *session)
{
	struct session_growth *growth = session->growth;

	for (size_t i = 0; i < growth_source_ring_count(growth->source); i++)
		(void)loop_add_edge(session->loop, growth_source_fd(growth->source, i), on_readable,
				    session);
	(void)loop_add(session->loop, growth->timer_fd, on_timer, session);
}

static bool is_wanted(struct session *session)
{
	struct err *off = &session->growth_off;

	*off = (struct err){0};
	switch (session->options->growth) {
	case GROWTH_ON:
		return true;
	case GROWTH_OFF:
		(void)err_set(off, 0, EXIT_DONE, "switched off (--growth off)");
		return false;
	case GROWTH_AUTO:
		if (!session->heap || session->heap_out || !session->allocator_count)
			return true;
		(void)err_set(off, 0, EXIT_DONE, "the heap is tracked (--growth on shows both)");
		return false;
	}
	return false;
}

void session_growth_open(struct session *session)
{
	const struct growth_source_hooks hooks = {on_sample, on_lost, on_executed, session};
	struct session_growth *growth;

	if (session->growth || !is_wanted(session))
		return;
	growth = session->growth = xcalloc(1, sizeof(*growth));
	growth->profile = growth_profile_new();
	growth->memory = memory_map_new(session->target->pid);
	growth->interval_s = growth_source_interval_s();
	growth->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (growth->timer_fd < 0)
		(void)err_set(&session->growth_off, errno, EXIT_FAILED, "cannot make a timer: %s",
			      strerror(errno));
	else if (growth_source_open(&growth->source, session->target->pid, &hooks,
				    &session->growth_off) == 0)
		watch(session);
	if (!growth->source) {
		session_growth_close(session);
		return;
	}
	session_growth_use_program(session);
	if (!growth_source_facts(growth->source).kernel)
		(void)err_set(&session->growth_off, 0, EXIT_DONE,
			      "user code only: what the kernel writes for the target needs "
			      "CAP_PERFMON or kernel.perf_event_paranoid below 2");
}

/* Without it some stacks are cut. */
void session_growth_use_program(struct session *session)
{
	if (session->growth && session->counts)
		(void)growth_source_set_program(session->growth->source,
						stack_counts_growth_program(session->counts));
}

void session_growth_close(struct session *session)
{
	struct session_growth *growth = session->growth;
	struct sample *sample, *next;

	if (!growth)
		return;
	if (growth->timer_fd >= 0) {
		loop_remove(session->loop, growth->timer_fd);
		close(growth->timer_fd);
	}
	growth_source_close(growth->source);
	HASH_ITER (hh, growth->samples, sample, next) {
		HASH_DEL(growth->samples, sample);
		free(sample);
	}
	free(growth->windows);
	memory_map_free(growth->memory);
	growth_profile_free(growth->profile);
	free(growth);
	session->growth = NULL;
}

void session_growth_each_stack(struct session *session, stack_fn use, void *context)
{
	struct session_growth *growth = session->growth;

	if (!growth)
		return;
	growth_profile_each_stack(growth->profile, use, context);
	for (const struct sample *sample = growth->samples; sample; sample = sample->hh.next)
		if (sample->stack)
			use(context, sample->stack, 0);
}

void session_growth_fold(struct session *session)
{
	if (session->growth)
		growth_profile_fold(session->growth->profile, STACKS_KEPT);
}

void session_growth_start_anew(struct session *session)
{
	if (session->growth)
		growth_profile_reset(session->growth->profile);
}

struct snapshot_channel session_growth_channel(const struct session *session)
{
	const struct session_growth *growth = session->growth;
	uint64_t lost = growth_source_facts(growth->source).lost;

	return (struct snapshot_channel){
	    .name = "page fault rings",
	    .produced = growth->taken + lost,
	    .consumed = growth->taken,
	    .lost = lost,
	};
}

void session_growth_add_stacks(struct session *session, struct snapshot *snapshot)
{
	if (session->growth)
		growth_profile_add_stacks(session->growth->profile, snapshot);
	session_mappings_fill_stacks(session, snapshot);
}

void session_growth_fill(struct session *session, struct snapshot *snapshot)
{
	struct session_growth *growth = session->growth;
	struct growth_source_facts facts;

	snapshot->growth.bytes_per_s = NAN;
	snapshot->growth.reason = session->growth_off.text[0] ? session->growth_off.text : NULL;
	if (!growth) {
		session_mappings_fill(session, snapshot);
		return;
	}
	facts = growth_source_facts(growth->source);
	snapshot->growth.state = CHANNEL_ON;
	snapshot->growth.event = facts.event;
	snapshot->growth.kernel = facts.kernel;
	snapshot->growth.faults_per_sample = GROWTH_FAULTS_PER_SAMPLE;
	snapshot->growth.samples_lost = facts.lost;
	snapshot->overflow.perf_lost += facts.corrupt;
	snapshot->overflow.perf_throttled += facts.throttled;
	if (facts.threads_uncovered > snapshot->overflow.threads_uncovered)
		snapshot->overflow.threads_uncovered = facts.threads_uncovered;
	snapshot->memory.brk_bytes = memory_map_brk_bytes(growth->memory);
	growth_profile_fill(growth->profile, snapshot, monotonic_s());
	snapshot->growth.samples_pending += unwinder_pending(session->unwinder, UNWIND_GROWTH);
	session_mappings_fill(session, snapshot);
}
