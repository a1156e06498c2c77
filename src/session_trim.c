#include "config.h"

#include "session_state.h"

enum {
	/* Stacks that are kept before the table is looked through, ... */
	STACKS_PLENTY = 1 << 14,
	/* ... and of the CPU samples then. */
	CPU_STACKS_KEPT = 1 << 13,
};

static void mark_stack(void *context, struct stack *stack, uint64_t amount)
{
	(void)amount;
	stack->mark = ((struct session *)context)->trim_mark;
}

static void mark_counted_stack(void *context, uint64_t stack_id)
{
	struct session *session = context;
	struct stack *stack = stack_table_find(session->stacks, stack_id);

	if (stack)
		mark_stack(session, stack, 0);
}

void session_trim(struct session *session)
{
	size_t count = stack_table_count(session->stacks);

	if (count <= STACKS_PLENTY || count <= session->trim_above)
		return;
	session->trim_mark++;
	cpu_profile_fold(session->cpu_profile, CPU_STACKS_KEPT);
	cpu_profile_each_stack(session->cpu_profile, mark_stack, session);
	heap_profile_each_stack(session->heap_profile, mark_stack, session);
	session_growth_fold(session);
	session_growth_each_stack(session, mark_stack, session);
	if (session->counts)
		stack_counts_each(session->counts, mark_counted_stack, session);
	stack_table_sweep(session->stacks, session->trim_mark);
	/* What cannot go is not looked through again and again. */
	session->trim_above = 2 * stack_table_count(session->stacks);
}
