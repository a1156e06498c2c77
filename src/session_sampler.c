/* The CPU's samples in a session: begin and end, and another frequency. */
#include "config.h"

#include "clock.h"
#include "session_state.h"
#include "target/authority.h"

/* The ring buffers first: they have what the kernel says of the samples in the rings. */
static void on_cpu_readable(void *context)
{
	session_drain(context);
}

static void on_counts_readable(void *context)
{
	stack_counts_drain(((struct session *)context)->counts);
}

static int mappings_fd(const struct session *session)
{
	return session->mapping_watch ? mapping_watch_fd(session->mapping_watch) : -1;
}

/* Without it every sample is copied, which costs more and shows the same. */
static void open_counts(struct session *session)
{
	const struct counts_hooks hooks = session_counts_hooks(session);
	const struct counts_options options = {
	    .pid = session->target->pid,
	    .frequency_hz = session->options->frequency_hz,
	    .rules_fd = session->rule_map ? rule_map_fd(session->rule_map) : -1,
	    .rule_cache_fd = session->rule_map ? rule_map_cache_fd(session->rule_map) : -1,
	    .mappings_fd = mappings_fd(session),
	    .entries_fd = session->entries_fd,
	    .follows_mappings = session->options->growth == GROWTH_ON,
	    .check = session->check != NULL,
	};

	if (!session->rule_map ||
	    stack_counts_open(&session->counts, &options, &hooks, &session->bpf_off))
		return;
	if (loop_add(session->loop, stack_counts_fd(session->counts), on_counts_readable,
		     session)) {
		stack_counts_close(session->counts);
		session->counts = NULL;
		return;
	}
	stack_counts_set_by_thread(session->counts, session->group == GROUP_THREAD);
}

static void close_counts(struct session *session)
{
	if (!session->counts)
		return;
	loop_remove(session->loop, stack_counts_fd(session->counts));
	stack_counts_close(session->counts);
	session->counts = NULL;
}

/* Opens the events with the frequency halved so often; the program must be loaded. 0, or -errno. */
static int open_events(struct session *session, unsigned halvings)
{
	const struct cpu_hooks hooks = session_cpu_hooks(session);
	const struct cpu_options options = {
	    .pid = session->target->pid,
	    .frequency_hz = session->options->frequency_hz,
	    .halvings = halvings,
	    .program = session->counts ? stack_counts_program(session->counts) : -1,
	};
	int code = cpu_source_open(&session->cpu, &options, &hooks, &session->cpu_off);

	if (code)
		return code;
	/* A ring's event is hung up for good once its first thread has ended, while others go on.
	 */
	for (size_t i = 0; i < cpu_source_fd_count(session->cpu); i++)
		(void)loop_add_edge(session->loop, cpu_source_fd(session->cpu, i), on_cpu_readable,
				    session);
	if (cpu_source_facts(session->cpu).threads_uncovered)
		address_space_unannounced(session->space);
	return 0;
}

void session_open_cpu(struct session *session)
{
	struct cpu_facts facts;
	double begin;
	int code;

	open_counts(session);
	begin = monotonic_s();
	code = open_events(session, 0);
	session->sampler_s = monotonic_s() - begin;
	if (code) {
		close_counts(session);
		address_space_unannounced(session->space);
		return;
	}
	facts = cpu_source_facts(session->cpu);
	if (facts.frequency_hz < session->options->frequency_hz)
		(void)err_set(&session->cpu_off, 0, EXIT_DONE,
			      "%u Hz is above the kernel's limit: sampling at %u Hz "
			      "(kernel.perf_event_max_sample_rate)",
			      session->options->frequency_hz, facts.frequency_hz);
	else if (!facts.kernel)
		(void)err_set(&session->cpu_off, 0, EXIT_DONE,
			      "user code only: kernel time needs CAP_PERFMON or "
			      "kernel.perf_event_paranoid below 2");
}

static void close_events(struct session *session)
{
	for (size_t i = 0; i < cpu_source_fd_count(session->cpu); i++)
		loop_remove(session->loop, cpu_source_fd(session->cpu, i));
	cpu_source_close(session->cpu);
	session->cpu = NULL;
}

void session_close_cpu(struct session *session)
{
	if (session->cpu)
		close_events(session);
	close_counts(session);
}

unsigned session_sample_weight(const struct session *session)
{
	return 1U << session->halvings;
}

struct cpu_facts session_cpu_facts(const struct session *session)
{
	struct cpu_facts facts = session->cpu_before;

	if (!session->cpu)
		return facts;
	facts = cpu_source_facts(session->cpu);
	facts.lost += session->cpu_before.lost;
	facts.throttled += session->cpu_before.throttled;
	facts.corrupt += session->cpu_before.corrupt;
	return facts;
}

/*
 * The kernel changes the period of an event, but not of those that threads have inherited from it, so
 * all are opened anew. What is mapped between is read from /proc.
 */
void session_set_halvings(struct session *session, unsigned halvings)
{
	if (!session->cpu || session->target->exited || halvings == session->halvings)
		return;
	session_drain(session);
	session->cpu_before = session_cpu_facts(session);
	close_events(session);
	session->halvings = halvings;
	if (session->counts)
		stack_counts_set_weight(session->counts, session_sample_weight(session));
	if (open_events(session, halvings)) {
		address_space_unannounced(session->space);
		return;
	}
	/* They are of who has the PID now. */
	if (authority_look(session->target, &session->cpu_off)) {
		close_events(session);
		return;
	}
	address_space_stale(session->space);
	cpu_source_start(session->cpu);
}
