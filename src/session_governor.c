/* The budget in a session: what the governor chooses from, and what becomes of its choice. */
#include "config.h"

#include <math.h>

#include "clock.h"
#include "session_state.h"

/* Samples are not made rarer than this. */
enum { FREQUENCY_LEAST_HZ = 10 };

/* At most so many samples a second cost next to nothing, whatever the target does. */
enum { FREQUENCY_CHEAP_HZ = 100 };

unsigned session_halvings_most(const struct session *session)
{
	const struct options *options = session->options;
	unsigned most = 0;

	if (!session->cpu || !(options->max_overhead_pct > 0))
		return 0;
	if (!options->max_overhead_given &&
	    (options->frequency_given || options->frequency_hz <= FREQUENCY_CHEAP_HZ))
		return 0;
	while (options->frequency_hz >> (most + 1) >= FREQUENCY_LEAST_HZ)
		most++;
	return most;
}

/* What is asked for by name is done, unless a budget is asked for by name, too. */
static struct governor_limits make_limits(const struct session *session)
{
	const struct options *options = session->options;
	bool all = options->max_overhead_given;

	return (struct governor_limits){
	    .budget_pct = session->budget_off ? 0 : options->max_overhead_pct,
	    .heap = session->heap && !session->stepped && (all || options->heap == HEAP_AUTO),
	    .halvings_most = session_halvings_most(session),
	    .time_halvings_most = session->heap ? session_time_halvings_most(session, false) : 0,
	    .counted_halvings_most = session->heap ? session_time_halvings_most(session, true) : 0,
	};
}

static void take_heap_out(struct session *session)
{
	session_leave_share(session);
	heap_source_take_out(session->heap);
	session->heap_out = true;
}

static void keep_share(struct session *session)
{
	if (session->heap && session->probe_count && !session->heap_out)
		session_set_time_halvings(session, session->governor.setting.time_halvings);
}

static void on_heap_back(struct session *session, int code, const struct err *err)
{
	if (code) {
		session->heap_off = *err;
		session_close_heap(session);
		session_growth_open(session);
		return;
	}
	session_resume_share(session);
	session->heap_sampled = session->heap_interval > 0 || session->frees_out;
	if (session->frees_out)
		heap_profile_lose_frees(session->heap_profile);
	session_end_slice(session);
	/* Before the next look: what all of them cost is not what the share costs that has been chosen. */
	keep_share(session);
}

static void put_heap_back(struct session *session)
{
	session->heap_returns = session->heap_out = false;
	session_read_books(session);
	heap_profile_start_anew(session->heap_profile, monotonic_s());
	heap_source_put_back(session->heap, !session->frees_out);
	session_when_set(session, on_heap_back);
}

/* Growth is shown in place of what is live. */
static void set_probes(struct session *session, bool heap_out, bool frees_out)
{
	if (session->heap_out == heap_out && session->frees_out == frees_out)
		return;
	if (!session->heap_out)
		take_heap_out(session);
	session->frees_out = frees_out;
	if (heap_out || frees_out)
		session_growth_open(session);
	else if (session->options->growth == GROWTH_AUTO)
		session_growth_close(session);
	session->heap_returns = !heap_out;
	/* What that took is not of what comes. */
	session_end_slice(session);
	session_return_heap(session);
}

void session_return_heap(struct session *session)
{
	if (session->heap_returns && heap_source_is_out(session->heap))
		put_heap_back(session);
}

bool session_heap_stays_out(const struct session *session)
{
	return session->heap_out && !session->heap_returns;
}

/* Probes are on their way, in or out: the governor waits for what that comes to. */
static bool is_changing(const struct session *session)
{
	return session->heap_returns || (session->heap && heap_source_is_setting(session->heap));
}

static void apply(struct session *session, const struct governor_setting *setting)
{
	session->interval_least = setting->interval_least;
	if (session->heap)
		set_probes(session, setting->heap_out, setting->frees_out);
	/* The automatic mode finds down from the floor by itself, and slowly. */
	if (session->heap && !session->stepped &&
	    (!session->steers || session->heap_interval < setting->interval_least))
		session_set_interval(session,
				     session->options->heap_interval_bytes > setting->interval_least
					 ? session->options->heap_interval_bytes
					 : setting->interval_least);
	session_set_halvings(session, setting->halvings);
	cost_window_changed(&session->cost_window);
	session->governed_steps++;
}

void session_govern(struct session *session)
{
	const struct governor_limits limits = make_limits(session);
	double now = monotonic_s();
	struct governor_facts facts = {
	    .seconds = session->governed_s > 0 ? now - session->governed_s : 0,
	    .cost = session->share.halvings
			? session_shared_cost(session)
			: cost_window_since(&session->cost_window),
	    .interval = session->heap_interval,
	    .allocation_bytes = session->heap ? heap_profile_mean_bytes(session->heap_profile) : 0,
	};

	if (is_changing(session))
		return;
	if (!session->share.halvings)
		facts.latest = cost_window_latest(&session->cost_window);
	session->governed_s = now;
	if (governor_next(&session->governor, &limits, &facts))
		apply(session, &session->governor.setting);
	keep_share(session);
	governor_text(&session->governor, &limits, session->governor_text,
		      sizeof(session->governor_text));
}

void session_switch_budget(struct session *session)
{
	session->budget_off = !session->budget_off;
	session->stepped = false;
	session_govern(session);
}

void session_fill_governor(struct session *session, struct snapshot *snapshot)
{
	const struct governor_limits limits = make_limits(session);

	snapshot->governor = (struct snapshot_governor){
	    .negligible_pct = 100 * GOVERNOR_NEGLIGIBLE_CORES,
	    .budget_pct = limits.budget_pct,
	    .level = governor_level(&session->governor),
	    .reason = session->governor_text[0] ? session->governor_text : NULL,
	    .interval_least_bytes = session->governor.setting.interval_least,
	    .sample_weight = session_sample_weight(session),
	    .heap_share = session_heap_stays_out(session) ? 0 : ldexp(1, -(int)session->share.halvings),
	    .heap_out = session_heap_stays_out(session),
	    .followed_pct = session->governor.followed_pct,
	    .steps = session->governed_steps,
	};
}
