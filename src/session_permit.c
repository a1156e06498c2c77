/* Who may look: before anything is attached, when all is, and when the target has become another.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>

#include "permit/capabilities.h"
#include "session_state.h"
#include "target/authority.h"
#include "target/sensitive.h"

int session_confirm(const struct target *target, const struct options *options, struct err *err)
{
	char name[64];
	bool is_sensitive;
	FILE *terminal;
	sigset_t none, before;
	int code = sensitive_find(target, name, sizeof(name), &is_sensitive, err);

	if (code || !is_sensitive || options->yes)
		return code;
	(void)sigemptyset(&none);
	terminal = options->batch ? NULL : fopen("/dev/tty", "r+e");
	/* Nothing is attached yet that ^C could leave behind. */
	(void)sigprocmask(SIG_SETMASK, &none, &before);
	code = sensitive_confirm(target, name, terminal, terminal, err);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (terminal)
		(void)fclose(terminal);
	return code;
}

/* A command of ours that has ended is waited for: its PID is nobody else's. */
static bool is_ours_and_gone(const struct session *session, const struct err *refusal)
{
	return session->target->child && refusal->status == EXIT_NO_PROCESS;
}

int session_permit_probes(struct session *session)
{
	struct err refusal;
	int code = authority_probe(session->target, &refusal);

	if (!code || is_ours_and_gone(session, &refusal))
		return 0;
	session->heap_off = refusal;
	return code;
}

/* What is still opened later: probes of new libraries, growth's events if the heap is given up, and those
 * of the CPU at another frequency. */
static uint64_t needed_later(const struct session *session)
{
	bool perf = session->heap || session->heap_waits || session_halvings_most(session);
	bool perf_probes = session->heap_waits ||
			   (session->heap && heap_source_facts(session->heap).link == LINK_PERF);

	return capabilities_later(session->rule_map != NULL, perf, perf_probes);
}

int session_permit_attached(struct session *session, struct err *err)
{
	struct err refusal;
	int code = authority_look(session->target, &refusal);

	if (code && !is_ours_and_gone(session, &refusal)) {
		*err = refusal;
		return code;
	}
	return capabilities_keep(needed_later(session), err);
}

int session_permit_heap(struct session *session, struct err *err)
{
	struct err refusal;
	int code = session_permit_attached(session, &refusal);

	if (!code)
		return 0;
	session_close_heap(session);
	if (refusal.status == EXIT_NO_PROCESS)
		return 0;
	*err = refusal;
	return code;
}

void session_permit_again(struct session *session)
{
	struct err refusal;

	if (authority_look(session->target, &refusal) == 0 || refusal.status != EXIT_NOT_PERMITTED)
		return;
	session->refusal = refusal;
	session_close_heap(session);
}
