#include "config.h"

#include "session.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "collect/entry_map.h"
#include "permit/surroundings.h"
#include "session_state.h"
#include "target/launch.h"

/* So long the worker may look for the allocators; a command is held meanwhile, and its books are complete then. */
enum { ALLOCATOR_WAIT_MS = 3000, COMMAND_WAIT_MS = 10000 };
/* While names are waited for, it is seen so often which are worth most. */
enum { PREFER_MS = 100 };
/* Of the clock. What is dear is done at one tick of a second; without probes, there are no others. */
enum { NS_PER_S = 1000000000, TICKS_PER_S = 4, TICK_NS = NS_PER_S / TICKS_PER_S };
/* A refresh of the usual delay comes before it. */
enum { LATE_TICK_NS = NS_PER_S + TICK_NS };
/* How much the target allocates decides how it is sampled. */
enum { FIRST_TICK_NS = 100000000 };

/* The first functions come to the screen before allocators are looked for. The heap is attached when no name is
 * missing, and in any case some time later. */
static const double heap_earliest_s = 0.1, heap_latest_s = 0.5;

/* Refreshes take the samples counted in the kernel, unless they are so far apart. */
static const double counts_wait_s = 1.1;

/* --- events of the loop ----------------------------------------------------------------------- */

void session_on_heap_readable(void *context)
{
	(void)heap_source_drain(((struct session *)context)->heap);
}

static void on_worker_readable(void *context)
{
	client_read(((struct session *)context)->client);
}

static bool asks_for_allocators(const struct session *session)
{
	return session->allocator_questions && client_has_worker(session->client);
}

static bool sets_probes(const struct session *session)
{
	return session->heap && heap_source_is_setting(session->heap);
}

/*
 * Reads what the worker and the heap's probes tell while `goes_on`, or until the time is over. Of a busy target
 * the first probes tell thousands of stacks until the last one is set, whose rules are learnt meanwhile.
 */
static void read_while(struct session *session, bool (*goes_on)(const struct session *session), double end_s)
{
	while (goes_on(session) && monotonic_s() < end_s) {
		struct pollfd ready[] = {
		    {.fd = client_fd(session->client), .events = POLLIN},
		    {.fd = session->heap ? heap_source_fd(session->heap) : -1, .events = POLLIN},
		    {.fd = session->heap ? heap_source_set_fd(session->heap) : -1, .events = POLLIN},
		};

		client_flush(session->client);
		if (poll(ready, 3, 50) <= 0)
			continue;
		if (ready[0].revents)
			client_read(session->client);
		/* An answer may have been that no probes are allowed. */
		if (ready[1].revents && session->heap)
			(void)heap_source_drain(session->heap);
		if (ready[2].revents && session->heap)
			session_on_probes_set(session);
	}
}

static void finish_loading(struct session *session)
{
	session_finish_heap(session);
	session->wants_heap = session->heap != NULL;
}

/* In a batch, and for a command that has not been let go, all probes are there before it goes on. */
static int set_probes(struct session *session, struct err *err)
{
	bool waits = session->options->batch || session->held;
	double end_s = monotonic_s() + (session->held ? COMMAND_WAIT_MS : ALLOCATOR_WAIT_MS) * 1e-3;

	if (waits)
		read_while(session, asks_for_allocators, end_s);
	session_attach_answers(session);
	if (waits)
		read_while(session, sets_probes, HUGE_VAL);
	session->let_go_early = session->held && session->allocator_questions;
	if (session->heap || !session_insists_on_heap(session))
		return 0;
	*err = session->heap_off;
	return -EIO;
}

static int set_clock(struct session *session, long first_ns)
{
	const struct timespec second = {.tv_sec = 1}, part = {.tv_nsec = TICK_NS};
	const struct itimerspec timer = {
	    .it_value = {first_ns / NS_PER_S, first_ns % NS_PER_S},
	    .it_interval = session->clock_is_slow ? second : part,
	};

	return timerfd_settime(session->clock_fd, 0, &timer, NULL);
}

/* Or is about to have some: they are looked after as soon as they are set. */
static bool has_probes(const struct session *session)
{
	return session->heap_waits || (session->heap && (!session->heap_out || session->heap_returns));
}

static void follow_probes(struct session *session)
{
	bool slow = !has_probes(session);

	if (session->clock_is_slow == slow)
		return;
	session->clock_is_slow = slow;
	(void)set_clock(session, TICK_NS);
}

void session_stand_in_for_clock(struct session *session)
{
	if (!session->clock_is_slow || has_probes(session))
		return;
	session_govern(session);
	(void)set_clock(session, LATE_TICK_NS);
	follow_probes(session);
}

/* The turn that this makes looks after the worker. */
static void on_clock(void *context)
{
	struct session *session = context;
	uint64_t ticks;

	(void)!read(session->clock_fd, &ticks, sizeof(ticks));
	if (session->cpu)
		cpu_source_vary_period(session->cpu);
	session_count_cost(session);
	session_govern(session);
	follow_probes(session);
	if (session->ticks++ % TICKS_PER_S && !session->clock_is_slow)
		return;
	address_space_catch_up(session->space);
	client_flush(session->client);
	if (session->counts && monotonic_s() - session->refresh_s > counts_wait_s) {
		stack_counts_drain(session->counts);
		session_take_counts(session);
	}
	if (!session->heap || session->heap_out)
		return;
	session_read_books(session);
	session_steer_sampling(session);
}

static void on_target_exit(void *context)
{
	struct session *session = context;

	loop_remove(session->loop, session->target->pidfd);
	session_growth_drain(session, true);
	target_reap(session->target);
}

/* --- start and stop --------------------------------------------------------------------------- */

static int open_target(struct session *session, struct err *err)
{
	const struct options *options = session->options;
	pid_t pid = options->pid;
	int code = 0;

	if (options->command) {
		code = launch_start(&pid, options->command, options->environment, !options->batch,
				    err);
		if (code)
			return code;
		session->held = true;
	}
	code = target_open(&session->target, pid, err);
	if (code)
		return code;
	session->target->child = options->command != NULL;
	return options->command ? 0 : session_confirm(session->target, options, err);
}

static int open_clock(struct session *session, struct err *err)
{
	int code;

	session->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (session->clock_fd < 0 || set_clock(session, FIRST_TICK_NS) < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot make a timer: %s", strerror(errno));
	code = loop_add(session->loop, session->clock_fd, on_clock, session);
	return code ? err_set(err, -code, EXIT_FAILED, "cannot wait for a timer: %s", strerror(-code))
		    : 0;
}

static void make_stages(struct session *session)
{
	const struct unwinder_hooks hooks = session_unwinder_hooks(session);
	const struct address_space_hooks space_hooks = session_space_hooks(session);

	session->space = address_space_new(session->target->pid, &space_hooks);
	session->rules = rule_table_new(session_rule_changed, session);
	session->stacks = stack_table_new(session_new_stack, session);
	session->unwinder = unwinder_new(session->rules, session->stacks, &hooks);
	session->cpu_profile = cpu_profile_new();
	session->heap_profile = heap_profile_new();
}

/* Growth must work if the options ask for it by name; at least one source must. */
static int check_sources(const struct session *session, struct err *err)
{
	if (session->options->growth == GROWTH_ON && !session->growth) {
		*err = session->growth_off;
		return -EIO;
	}
	if (!session->cpu && !session->heap && !session->heap_waits && !session->growth) {
		*err = session->cpu_off;
		return -EIO;
	}
	return 0;
}

/*
 * The sampler is started last, so that the profile does not show the attaching, and probes are set shortly
 * before it: what the first of them tell is soon read. But a screen is not kept waiting for the heap.
 */
static int attach(struct session *session, struct err *err)
{
	const struct client_hooks hooks = session_client_hooks(session);
	int code = client_new(&session->client, &hooks, err);

	if (!code)
		code = open_clock(session, err);
	if (code)
		return code;
	if (surroundings_check_bpf(session->target->pid, &session->bpf_off) == 0 &&
	    rule_map_open(&session->rule_map, &session->bpf_off) == 0) {
		(void)mapping_watch_open(&session->mapping_watch, NULL);
		session->entries_fd = entry_map_open(NULL);
	}
	make_stages(session);
	session->wants_heap = session->options->heap != HEAP_OFF && session->rule_map;
	code = address_space_read(session->space, err);
	if (code)
		return code;
	session->heap_waits = session->wants_heap && !session->options->batch && !session->held;
	client_hold_allocators(session->client, session->heap_waits);
	/* The worker opens the files while the kernel looks at the programs. */
	client_flush(session->client);
	if (!session->heap_waits) {
		session_begin_heap(session);
		finish_loading(session);
	}
	if (!session->heap || session->options->growth == GROWTH_ON)
		session_growth_open(session);
	session_open_cpu(session);
	session_growth_use_program(session);
	session_mappings_open(session);
	/* Whatever was mapped since the first reading, and before the records began. */
	address_space_stale(session->space);
	session_measure_costs(session);
	code = session->heap_waits ? 0 : set_probes(session, err);
	if (code)
		return code;
	session_growth_open(session);
	code = session_permit_attached(session, err);
	if (!code)
		code = check_sources(session, err);
	if (code)
		return code;
	if (session->held) {
		session->held = false;
		code = launch_release(session->target->pid, err);
		if (code)
			return code;
	}
	target_refresh(session->target);
	session->start_s = session->refresh_s = session->trim_s = session->share.since_s = monotonic_s();
	session->refresh_cpu_ns = session->target->cpu_ns;
	session->steered.time_s = session->start_s;
	session->target_cpu_pct = NAN;
	meter_init(&session->meter, client_worker_pid(session->client));
	if (session->counts)
		stack_counts_start(session->counts);
	if (session->cpu)
		cpu_source_start(session->cpu);
	code = loop_add(session->loop, session->target->pidfd, on_target_exit, session);
	if (code)
		return err_set(err, -code, EXIT_FAILED, "cannot watch the target: %s",
			       strerror(-code));
	code = loop_add(session->loop, client_fd(session->client), on_worker_readable, session);
	if (code)
		return err_set(err, -code, EXIT_FAILED, "cannot watch the worker: %s", strerror(-code));
	return 0;
}

int session_open(struct session **ret_session, const struct options *options, struct loop *loop,
		 struct err *err)
{
	struct session *session = xcalloc(1, sizeof(*session));
	int code;

	session->options = options;
	session->loop = loop;
	session->clock_fd = session->cost_fd = session->entries_fd = session->sample_looks.fd = -1;
	session->share.timer_fd = -1;
	session->unit_costs = (struct unit_costs){TRAP_COST_UNKNOWN, {NAN, NAN}};
	memory_facts_init(&session->memory_facts);
	governor_init(&session->governor);
	session->cgroup = (struct cgroup_memory){MEMORY_UNKNOWN, MEMORY_UNKNOWN};
	if (options->check_unwinding)
		session->check = xcalloc(1, sizeof(*session->check));
	code = open_target(session, err);
	if (!code)
		code = attach(session, err);
	if (code) {
		session_close(session);
		return code;
	}
	*ret_session = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->client)
		loop_remove(session->loop, client_fd(session->client));
	if (session->clock_fd >= 0) {
		loop_remove(session->loop, session->clock_fd);
		close(session->clock_fd);
	}
	session_stop_measuring(session);
	session_close_share(session);
	session_close_cpu(session);
	session_close_heap(session);
	session_mappings_close(session);
	session_growth_close(session);
	cpu_profile_free(session->cpu_profile);
	heap_profile_free(session->heap_profile);
	unwinder_free(session->unwinder);
	stack_table_free(session->stacks);
	rule_table_free(session->rules);
	mapping_watch_close(session->mapping_watch);
	if (session->entries_fd >= 0)
		close(session->entries_fd);
	rule_map_close(session->rule_map);
	session_close_source(session);
	session_resume(session);
	client_free(session->client);
	address_space_free(session->space);
	target_close(session->target);
	free(session->check);
	free(session->asked);
	free(session->allocators);
	free(session->probes);
	free(session->threads);
	free(session->thread_names);
	free(session->hits);
	session_free_answers(session);
	free(session);
}

/*
 * exec gave the process another program. Its probes stay, and its books have already been begun
 * anew by the kernel; here the rest follows. Whichever tells first, perf or the heap, both come
 * here.
 */
static void start_anew(struct session *session)
{
	session->notice = "the target has executed another program: figures start anew";
	rule_table_remove(session->rules, 0, UINT64_MAX);
	if (session->heap && heap_source_executed(session->heap)) {
		heap_source_start_anew(session->heap);
		heap_profile_reset(session->heap_profile);
		heap_profile_begin(session->heap_profile, monotonic_s());
	}
	if (session->counts)
		stack_counts_start_anew(session->counts, session->executed);
	if (session->executed) {
		session->executed = false;
		cpu_profile_reset(session->cpu_profile);
		session->reset_s = session->reset_before_s = session->baseline_s = 0;
		session_growth_start_anew(session);
		session_mappings_start_anew(session);
		session->memory_growth = (struct growth){0};
		session->samples_copied = 0;
	}
	target_executed(session->target);
	(void)address_space_read(session->space, NULL);
	session_permit_again(session);
}

static bool heap_is_due(struct session *session)
{
	double elapsed_s = monotonic_s() - session->start_s;

	if (!session->heap_waits || session->heap_loading || elapsed_s < heap_earliest_s)
		return false;
	client_hold_allocators(session->client, false);
	return elapsed_s >= heap_latest_s || !client_outstanding(session->client);
}

static void check_executed(struct session *session)
{
	if (session->executed || (session->heap && heap_source_executed(session->heap)) ||
	    (session->counts && stack_counts_executed(session->counts)))
		start_anew(session);
}

int session_turn(struct session *session, struct err *err)
{
	bool due = heap_is_due(session);

	if (due)
		session_begin_heap(session);
	if (session->heap_loaded || (due && !session->heap_loading)) {
		int code;

		finish_loading(session);
		code = set_probes(session, err);
		if (!code)
			code = session_permit_heap(session, err);
		if (code)
			return code;
	}
	check_executed(session);
	session_return_heap(session);
	session_reap_measuring(session);
	session_read_ages(session);
	client_flush(session->client);
	if (session->refusal.status == EXIT_DONE)
		return 0;
	*err = session->refusal;
	return -EPERM;
}

/* The map of the code that the target makes comes late, and grows; it, and all names, may be more than is kept. */
static void check_names(struct session *session)
{
	const struct module *module = address_space_find_perf_map(session->space);

	if (module)
		client_ask_symbols(session->client, module);
	if (!session->notice && client_perf_map_is_cut(session->client))
		session->notice =
		    "the target's perf map has more names than are kept: the oldest are forgotten";
	if (!session->notice && client_names_are_full(session->client))
		session->notice =
		    "names take all the memory they may: functions met from now on have addresses only";
}

void session_drain(struct session *session)
{
	/* What one that is gone has left is read to its end. */
	while (session->heap && !heap_source_drain(session->heap) && session->target->exited)
		;
	if (session->counts)
		stack_counts_drain(session->counts);
	session_drain_cpu(session);
	address_space_catch_up(session->space);
	session_growth_drain(session, false);
	check_executed(session);
	check_names(session);
	if (!session->target->exited)
		address_space_check_paths(session->space, client_files(session->client));
	client_flush(session->client);
}

/* Lines are asked for when all names that are wanted so far are there. */
static bool is_settled(struct session *session)
{
	return !client_outstanding(session->client) && !session_ask_lines(session);
}

void session_settle(struct session *session, int timeout_ms)
{
	double now = monotonic_s(), end = now + timeout_ms * 1e-3, next = now;

	session_drain(session);
	while (!is_settled(session) && now < end && client_has_worker(session->client)) {
		struct pollfd ready = {.fd = client_fd(session->client), .events = POLLIN};

		if (now >= next) {
			session_prefer_names(session);
			next = now + PREFER_MS * 1e-3;
		}
		if (poll(&ready, 1, 20) > 0)
			client_read(session->client);
		session_drain(session);
		now = monotonic_s();
	}
}

bool session_ended(const struct session *session)
{
	return session->target->exited;
}
