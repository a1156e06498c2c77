/*
 * What a hit of a probe and a CPU sample cost is measured a moment after the start, by a process
 * of its own: it takes a tenth of a second, for which the screen does not wait. That of a sample is looked at again
 * and again where there are so many samples that a change would be seen in what is shown.
 *
 * That of a hit is measured right after the target's first probes have been set: before the kernel sets any it
 * waits for all CPUs, up to some thirty milliseconds, but not again so soon.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "permit/capabilities.h"
#include "session_state.h"

/* By then the first screen is there. */
enum { AFTER_MS = 500 };

static const double looks_apart_s = 60; /* rare: one takes longer than all else that we do in a second */
/* Of the target's time. A fifth of less is less than half a point. */
static const double looks_above_pct = 2.5;

static void wait_until_ms(double time_ms)
{
	const double left_ns = 1e6 * (time_ms - monotonic_ms());
	const struct timespec left = {.tv_nsec = left_ns > 0 ? (long)left_ns : 0};

	(void)nanosleep(&left, NULL);
}

/* It has none of our descriptors: what they hold in the kernel must go with us. */
_Noreturn static void measure(int session, pid_t parent)
{
	enum { SESSION = STDERR_FILENO + 1 };
	struct pollfd probes_set = {.fd = SESSION, .events = POLLIN};
	double first_screen_ms = monotonic_ms() + AFTER_MS;
	struct trap_probes *probes;
	struct unit_costs costs;
	struct err err = {0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(session, SESSION) < 0 ||
	    syscall(SYS_close_range, SESSION + 1, ~0U, 0) < 0 ||
	    capabilities_keep(capabilities_later(false, true, true), &err))
		_exit(1);
	(void)poll(&probes_set, 1, AFTER_MS);
	/* What cannot be measured stays unknown. */
	(void)trap_cost_measure(&costs.trap, &probes, &err);
	wait_until_ms(first_screen_ms);
	(void)sample_cost_measure(&costs.sample);
	if (send(SESSION, &costs, sizeof(costs), MSG_NOSIGNAL) != (ssize_t)sizeof(costs))
		_exit(1);
	trap_probes_free(probes);
	_exit(0);
}

/* It has ended, or nearly so, and its probes are out. */
static void end_measuring(struct session *session)
{
	if (session->cost_fd < 0)
		return;
	loop_remove(session->loop, session->cost_fd);
	(void)close(session->cost_fd);
	session->cost_fd = -1;
}

static void on_measured(void *context)
{
	struct session *session = context;
	struct unit_costs costs;

	if (read(session->cost_fd, &costs, sizeof(costs)) == (ssize_t)sizeof(costs)) {
		session->unit_costs = costs;
		session_begin_cost(session);
		return;
	}
	end_measuring(session);
}

void session_measure_costs(struct session *session)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	session->cost_pid = fork();
	if (session->cost_pid == 0)
		measure(ends[1], parent);
	(void)close(ends[1]);
	session->cost_fd = ends[0];
	if (session->cost_pid < 0 || loop_add(session->loop, ends[0], on_measured, session))
		session_stop_measuring(session);
	else if (session->counts)
		(void)sample_looks_open(&session->sample_looks);
}

void session_measure_traps(const struct session *session)
{
	if (session->cost_fd >= 0)
		(void)shutdown(session->cost_fd, SHUT_WR);
}

void session_look_at_samples(struct session *session, double sampling_pct)
{
	double now_s = monotonic_s();

	if (!(sampling_pct > looks_above_pct) || now_s - session->looked_s < looks_apart_s)
		return;
	session->looked_s = now_s;
	/* What it was is still near it. */
	(void)sample_looks_take(&session->sample_looks, &session->unit_costs.sample.interrupt_ns);
}

void session_reap_measuring(struct session *session)
{
	if (session->cost_fd < 0 && session->cost_pid > 0 &&
	    waitpid(session->cost_pid, NULL, WNOHANG) == session->cost_pid)
		session->cost_pid = 0;
}

void session_stop_measuring(struct session *session)
{
	end_measuring(session);
	sample_looks_close(&session->sample_looks);
	if (session->cost_pid <= 0)
		return;
	(void)kill(session->cost_pid, SIGKILL);
	while (waitpid(session->cost_pid, NULL, 0) < 0 && errno == EINTR)
		;
	session->cost_pid = 0;
}
