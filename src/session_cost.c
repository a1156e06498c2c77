/*
 * What a hit of a probe costs is measured once, a moment after the start, by a process of its own: it
 * takes a tenth of a second, for which the screen does not wait.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session_state.h"

/* It has none of our descriptors: what they hold in the kernel must go with us. */
_Noreturn static void measure(int pipe, pid_t parent)
{
	struct trap_cost cost;
	struct err err = {0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(pipe, STDERR_FILENO + 1) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0) < 0 ||
	    trap_cost_measure(&cost, &err))
		_exit(1);
	_exit(write(STDERR_FILENO + 1, &cost, sizeof(cost)) == (ssize_t)sizeof(cost) ? 0 : 1);
}

static void on_measured(void *context)
{
	struct session *session = context;
	struct trap_cost cost;

	if (read(session->cost_fd, &cost, sizeof(cost)) == (ssize_t)sizeof(cost))
		session->trap_cost = cost;
	session_end_measuring(session);
}

void session_measure_traps(struct session *session)
{
	pid_t parent = getpid();
	int ends[2];

	if (session->cost_asked || !session->probe_count)
		return;
	session->cost_asked = true;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	session->cost_pid = fork();
	if (session->cost_pid == 0)
		measure(ends[1], parent);
	(void)close(ends[1]);
	session->cost_fd = ends[0];
	if (session->cost_pid < 0 || loop_add(session->loop, ends[0], on_measured, session))
		session_end_measuring(session);
}

void session_end_measuring(struct session *session)
{
	if (session->cost_fd < 0)
		return;
	loop_remove(session->loop, session->cost_fd);
	(void)close(session->cost_fd);
	session->cost_fd = -1;
	if (session->cost_pid <= 0)
		return;
	(void)kill(session->cost_pid, SIGKILL);
	while (waitpid(session->cost_pid, NULL, 0) < 0 && errno == EINTR)
		;
}
