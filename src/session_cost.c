/*
 * What a hit of a probe and a CPU sample cost is measured once, a moment after the start, by a process
 * of its own: it takes a tenth of a second, for which the screen does not wait.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "permit/capabilities.h"
#include "session_state.h"

/* By then the first screen is there. */
enum { AFTER_NS = 500000000 };

/* It has none of our descriptors: what they hold in the kernel must go with us. */
_Noreturn static void measure(int pipe, pid_t parent)
{
	const struct timespec first_screen = {.tv_nsec = AFTER_NS};
	struct trap_probes *probes;
	struct unit_costs costs;
	struct err err = {0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(pipe, STDERR_FILENO + 1) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0) < 0 ||
	    capabilities_keep(capabilities_later(false, true, true), &err))
		_exit(1);
	(void)nanosleep(&first_screen, NULL);
	/* What cannot be measured stays unknown. */
	(void)trap_cost_measure(&costs.trap, &probes, &err);
	(void)sample_cost_measure(&costs.sample);
	if (write(STDERR_FILENO + 1, &costs, sizeof(costs)) != (ssize_t)sizeof(costs))
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

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	session->cost_pid = fork();
	if (session->cost_pid == 0)
		measure(ends[1], parent);
	(void)close(ends[1]);
	session->cost_fd = ends[0];
	if (session->cost_pid < 0 || loop_add(session->loop, ends[0], on_measured, session))
		session_stop_measuring(session);
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
	if (session->cost_pid <= 0)
		return;
	(void)kill(session->cost_pid, SIGKILL);
	while (waitpid(session->cost_pid, NULL, 0) < 0 && errno == EINTR)
		;
	session->cost_pid = 0;
}
