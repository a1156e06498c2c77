/* Whether the heap may be probed: before anything is attached, and again for what is loaded later.
 */
#include "config.h"

#include "session_state.h"

bool session_insists_on_heap(const struct session *session)
{
	return session->options->heap == HEAP_EXACT || session->options->heap == HEAP_SAMPLED;
}

int session_preflight(struct session *session)
{
	struct preflight_facts *facts = &session->facts;
	const char *forced = session->options->force_facts;
	int code = forced ? preflight_force(facts, forced, &session->heap_off) : 0;

	/* Modules may have been looked into already. */
	enum stack_runtime runtime = facts->runtime;

	if (!forced) {
		preflight_read(facts, session->target->pid);
		facts->runtime = runtime;
	}
	if (!code)
		code = preflight_decide(facts, session_insists_on_heap(session), &session->heap_off);
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
	return preflight_decide(&session->facts, session_insists_on_heap(session), &session->heap_off);
}
