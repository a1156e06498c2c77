/* From when on what is shown counts, and what it is compared with. */
#include "config.h"

#include <math.h>

#include "clock.h"
#include "session_state.h"

void session_set_group(struct session *session, enum snapshot_group group)
{
	session->group = group;
	if (group == GROUP_THREAD)
		heap_profile_begin_threads(session->heap_profile, monotonic_s());
	if (session->counts)
		stack_counts_set_by_thread(session->counts, group == GROUP_THREAD);
	if (session->heap)
		heap_source_set_by_thread(session->heap, group == GROUP_THREAD);
}

void session_set_mark(struct session *session, enum session_mark mark)
{
	double now_s = monotonic_s();

	switch (mark) {
	case SESSION_RESET:
		cpu_profile_zero(session->cpu_profile);
		heap_profile_zero(session->heap_profile);
		session->reset_before_s = session->reset_s;
		session->reset_s = now_s;
		break;
	case SESSION_UNDO_RESET:
		cpu_profile_undo_zero(session->cpu_profile);
		heap_profile_undo_zero(session->heap_profile);
		session->reset_s = session->reset_before_s;
		break;
	case SESSION_BASELINE:
		cpu_profile_mark(session->cpu_profile);
		heap_profile_mark(session->heap_profile);
		session->baseline_s = now_s;
		break;
	case SESSION_NO_BASELINE:
		cpu_profile_forget_mark(session->cpu_profile);
		heap_profile_forget_mark(session->heap_profile);
		session->baseline_s = 0;
		break;
	}
}

static double ago(double then_s, double now_s)
{
	return then_s > 0 ? now_s - then_s : (double)NAN;
}

void session_fill_marks(const struct session *session, struct snapshot *snapshot)
{
	double now_s = monotonic_s();

	snapshot->baseline_s = ago(session->baseline_s, now_s);
	snapshot->reset_s = ago(session->reset_s, now_s);
}
