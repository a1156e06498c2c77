/*
 * Memory has a bound, however long the target runs: stacks go that were not sampled for long and came to
 * next to nothing, and when there are very many those that were not sampled lately. What they came to
 * stays in the sums of their functions.
 */
#include "config.h"

#include <malloc.h>

#include "clock.h"
#include "session_state.h"

enum {
	/* Stacks that are kept before the table is looked through, ... */
	STACKS_PLENTY = 1 << 14,
	/* ... and of the CPU samples then. */
	CPU_STACKS_KEPT = 1 << 13,
	/* A stack with at most one in so many samples is rare, and goes when it was not sampled for so long. */
	RARE = 10000,
	RARE_SECONDS = 70,
	SWEEP_SECONDS = 20,
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

static void mark_symbols(void *context, struct stack *stack, uint64_t amount)
{
	(void)amount;
	for (uint32_t i = 0; i < stack->frame_count; i++)
		stack->symbols[i]->mark = ((struct session *)context)->trim_mark;
}

/* Frees the stacks that nobody needs, and the symbols of addresses that are in none any more. */
static void sweep(struct session *session)
{
	session->trim_mark++;
	cpu_profile_each_stack(session->cpu_profile, mark_stack, session);
	heap_profile_each_stack(session->heap_profile, mark_stack, session);
	session_growth_each_stack(session, mark_stack, session);
	session_mappings_each_stack(session, mark_stack, session);
	session_each_kept_stack(session, mark_stack, session);
	if (session->counts)
		stack_counts_each(session->counts, mark_counted_stack, session);
	stack_table_sweep(session->stacks, session->trim_mark);
	/* A paused snapshot has names of stacks that are gone. */
	if (session->pause)
		return;
	stack_table_each(session->stacks, mark_symbols, session);
	client_sweep(session->client, session->trim_mark);
}

void session_trim(struct session *session)
{
	double now = monotonic_s();

	if (now - session->trim_s >= SWEEP_SECONDS) {
		session->trim_s = now;
		cpu_profile_fold_rare(session->cpu_profile, RARE, RARE_SECONDS);
		sweep(session);
		/* Stacks that waited for their rules took up to some tens of megabytes. */
		(void)malloc_trim(0);
	}
	if (stack_table_count(session->stacks) <= STACKS_PLENTY ||
	    stack_table_count(session->stacks) <= session->trim_above)
		return;
	cpu_profile_fold(session->cpu_profile, CPU_STACKS_KEPT);
	session_growth_fold(session);
	sweep(session);
	/* What cannot go is not looked through again and again. */
	session->trim_above = 2 * stack_table_count(session->stacks);
}
