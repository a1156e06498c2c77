/*
 * Allocations that are seen for a share of the time: their probes are in for a moment, and out until the
 * next one, which comes after a random time. What is allocated in it counts for all since the last one
 * (overhead/share_weight.h).
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "session_state.h"

/* Shorter ones would cost much of what they save; longer ones would be seen as a change of the cost. Where
 * allocations are only counted: as long as fits into a cycle, but not less. */
static const double open_s = 0.2, counted_cycle_s = 0.3, counted_least_s = 0.04;
/* Of the time in which allocations are seen that are only counted: some seconds between two moments. */
enum { COUNTED_HALVINGS_MOST = 7 };
/* Taking them out takes the kernel some time. */
static const double again_s = 0.01;
/* Until the second moment, on average: how long they are in, and what that costs, is known then. */
static const double first_wait_s = 1;

static void wait_for(const struct session *session, double seconds)
{
	const double whole_s = floor(seconds);
	const struct itimerspec timer = {
	    .it_value = {(time_t)whole_s, (long)((seconds - whole_s) * 1e9)}};

	(void)timerfd_settime(session->share.timer_fd, 0, &timer, NULL);
}

static double moment_s(const struct session *session)
{
	return session->frees_out
		   ? fmax(ldexp(counted_cycle_s, -(int)session->share.halvings), counted_least_s)
		   : open_s;
}

/* Uniform, half as long to half as long again as on average. */
static double closed_s(const struct session *session)
{
	const struct share *share = &session->share;
	double mean_s = share_time_wait_s(&share->time, share->halvings, moment_s(session), share->opening_s);

	if (!(share->time.waits > 0))
		mean_s = fmin(mean_s, first_wait_s);
	return mean_s * (0.5 + (double)arc4random() / UINT32_MAX);
}

struct cost_slice session_shared_cost(const struct session *session)
{
	unsigned halvings = session->share.halvings;
	double in_s = moment_s(session) + share_time_late_s(&session->share.time);

	return cost_window_shared(&session->cost_window, halvings, ldexp(in_s, (int)halvings));
}

static void begin_part(struct session *session, double now, double own_ns)
{
	session->share.since_s = now;
	session->share.own_ns = own_ns;
	session->share.calls_ns = session->calls_ns;
}

static void close_calls(struct session *session)
{
	struct share *share = &session->share;
	double now = monotonic_s(), own_ns = session_own_ns(session);

	heap_source_close_calls(session->heap);
	share_weight_open(&share->weight, now - share->since_s, own_ns - share->own_ns);
	share_time_moment(&share->time, now - share->since_s, session->calls_ns - share->calls_ns);
	share->in_s += now - share->since_s + share_time_late_s(&share->time);
	begin_part(session, now, own_ns);
	share->closed = true;
	session->heap_sampled = true;
	heap_profile_lose_error(session->heap_profile);
}

static void on_calls_open(struct session *session, int code, const struct err *err)
{
	struct share *share = &session->share;
	double now = monotonic_s(), own_ns;

	if (code) {
		session->heap_off = *err;
		session_close_heap(session);
		return;
	}
	own_ns = session_own_ns(session);
	share_weight_closed(&share->weight, now - share->since_s, own_ns - share->own_ns);
	heap_source_set_weight(session->heap, share_weight_next(&share->weight, now - share->since_s,
								moment_s(session)));
	share_time_between(&share->time, session->calls_ns - share->calls_ns);
	share->opening_s = now - share->begun_s;
	begin_part(session, now, own_ns);
	share->closed = false;
	wait_for(session, moment_s(session));
}

static void open_calls(struct session *session)
{
	session->share.begun_s = monotonic_s();
	if (heap_source_open_calls(session->heap))
		session_when_set(session, on_calls_open);
	else
		wait_for(session, again_s);
}

static void on_share_timer(void *context)
{
	struct session *session = context;
	uint64_t times;

	if (read(session->share.timer_fd, &times, sizeof(times)) < 0 || !session->heap ||
	    session->heap_out || session->target->exited)
		return;
	if (heap_source_is_setting(session->heap)) {
		wait_for(session, again_s);
		return;
	}
	if (session->share.closed)
		open_calls(session);
	else if (!session->share.halvings)
		heap_source_set_weight(session->heap, 1);
	else {
		close_calls(session);
		wait_for(session, closed_s(session));
	}
}

static int make_timer(struct session *session)
{
	struct share *share = &session->share;

	if (share->timer_fd >= 0)
		return 0;
	share->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (share->timer_fd < 0)
		return -errno;
	return loop_add(session->loop, share->timer_fd, on_share_timer, session);
}

unsigned session_time_halvings_most(const struct session *session, bool counted)
{
	if (heap_source_facts(session->heap).link == LINK_PERF)
		return 0;
	return counted ? COUNTED_HALVINGS_MOST : TIME_HALVINGS_MOST;
}

static void begin_share(struct session *session)
{
	struct share *share = &session->share;
	double left_s = moment_s(session) - (monotonic_s() - share->since_s);

	share->weight = (struct share_weight){0};
	share->time = (struct share_time){0};
	/* All probes have just been put in: that is the first moment. */
	if (left_s > 0) {
		wait_for(session, left_s);
		return;
	}
	close_calls(session);
	/* Until now it was none. */
	share->weight = (struct share_weight){0};
	share->time = (struct share_time){0};
	wait_for(session, closed_s(session));
}

void session_set_time_halvings(struct session *session, unsigned wanted)
{
	struct share *share = &session->share;
	unsigned least = (unsigned)session->options->time_halvings;
	unsigned halvings = wanted > least ? wanted : least;
	bool begins = !share->halvings && halvings;

	if (halvings == share->halvings || (halvings && make_timer(session)))
		return;
	share->halvings = halvings;
	/* In a moment it goes on to its end, when it is seen that there is to be no other one. */
	if (share->closed)
		wait_for(session, fmax(closed_s(session) - (monotonic_s() - share->since_s), again_s));
	else if (begins)
		begin_share(session);
}

void session_close_share(struct session *session)
{
	if (session->share.timer_fd < 0)
		return;
	loop_remove(session->loop, session->share.timer_fd);
	(void)close(session->share.timer_fd);
}

void session_leave_share(struct session *session)
{
	struct share *share = &session->share;

	share->in_s = session_calls_open_s(session);
	share->halvings = 0;
	share->closed = true;
	share->since_s = monotonic_s();
}

void session_resume_share(struct session *session)
{
	begin_part(session, monotonic_s(), session_own_ns(session));
	session->share.closed = false;
}

double session_calls_open_s(const struct session *session)
{
	const struct share *share = &session->share;

	return share->in_s + (share->closed ? 0 : monotonic_s() - share->since_s);
}
