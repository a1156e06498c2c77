/* Whether the heap may be probed: before anything is attached, and again for what is loaded later.
 */
#include "config.h"

#include "session_state.h"

static bool insists(const struct session *session)
{
	return session->options->heap == HEAP_EXACT || session->options->heap == HEAP_SAMPLED;
}

int session_preflight(struct session *session)
{
	struct preflight_facts *facts = &session->facts;
	const char *forced = session->options->force_facts;
	int code = forced ? preflight_force(facts, forced, &session->heap_off) : 0;

	if (!forced)
		preflight_read(facts, session->target->pid);
	if (!code)
		code = preflight_decide(facts, insists(session), &session->heap_off);
	if (!code && preflight_caution(facts, session->caution, sizeof(session->caution)))
		session->notice = session->caution;
	return code;
}

int session_preflight_module(struct session *session, const struct module *module)
{
	if (module->stack_runtime != STACK_RUNTIME_PLAIN && !session->facts.forced)
		session->facts.runtime = module->stack_runtime;
	if (!session->heap || session->facts.runtime == STACK_RUNTIME_PLAIN)
		return 0;
	session_close_heap(session);
	return preflight_decide(&session->facts, insists(session), &session->heap_off);
}
