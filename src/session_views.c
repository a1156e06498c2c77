/*
 * What only some views need of a snapshot: trees of calls, threads, functions with their heap, stacks and source.
 * While the display is paused its snapshot gets what has not been looked at before. For this all stacks are kept
 * as they were when the pause began.
 */
#include "config.h"

#include <stdlib.h>

#include "err.h"
#include "profile/call_tree.h"
#include "profile/combined.h"
#include "session_state.h"

struct kept_stacks {
	struct kept_stack {
		struct stack *stack;
		uint64_t amount;
	} *rows; /* owned */
	size_t count, capacity;
};

struct session_pause {
	struct kept_stacks cpu, heap;
};

static void keep(void *context, struct stack *stack, uint64_t amount)
{
	struct kept_stacks *kept = context;

	if (kept->count == kept->capacity) {
		kept->capacity = kept->capacity ? 2 * kept->capacity : 256;
		kept->rows = xreallocarray(kept->rows, kept->capacity, sizeof(*kept->rows));
	}
	kept->rows[kept->count++] = (struct kept_stack){stack, amount};
}

static void each_kept(const struct kept_stacks *kept, stack_fn use, void *context)
{
	for (size_t i = 0; i < kept->count; i++)
		use(context, kept->rows[i].stack, kept->rows[i].amount);
}

void session_each_cpu_stack(const struct session *session, stack_fn use, void *context)
{
	if (session->pause)
		each_kept(&session->pause->cpu, use, context);
	else
		cpu_profile_each_stack(session->cpu_profile, use, context);
}

void session_each_kept_stack(const struct session *session, stack_fn use, void *context)
{
	if (!session->pause)
		return;
	each_kept(&session->pause->cpu, use, context);
	each_kept(&session->pause->heap, use, context);
}

static void each_heap_stack(const struct session *session, stack_fn use, void *context)
{
	if (session->pause)
		each_kept(&session->pause->heap, use, context);
	else
		heap_profile_each_stack(session->heap_profile, use, context);
}

static void fill_trees(const struct session *session, struct snapshot *snapshot)
{
	const struct snapshot_request *request = &snapshot->request;
	struct call_tree_options options = {.callers = request->callers,
					    .fold_kernel = request->fold_kernel};
	struct call_tree_builder *builder;

	if (request->cpu_tree && session->cpu) {
		builder = call_tree_begin(&options);
		session_each_cpu_stack(session, call_tree_add, builder);
		snapshot->cpu_tree = call_tree_finish(builder);
	}
	if (request->heap_tree && session->heap) {
		options.own_code = true;
		builder = call_tree_begin(&options);
		each_heap_stack(session, call_tree_add, builder);
		snapshot->heap_tree = call_tree_finish(builder);
	}
}

static void add_stacks(struct session *session, struct snapshot *snapshot)
{
	heap_profile_add_stacks(session->heap_profile, snapshot);
	session_growth_add_stacks(session, snapshot);
}

void session_fill_views(struct session *session, struct snapshot *snapshot)
{
	if (snapshot->request.stacks)
		add_stacks(session, snapshot);
	fill_trees(session, snapshot);
	session_fill_threads(session, snapshot);
	if (snapshot->request.combined)
		snapshot_fill_combined(snapshot);
	session_fill_source(session, snapshot);
}

void session_pause(struct session *session, struct snapshot *snapshot)
{
	struct snapshot_request *request = &snapshot->request;
	struct session_pause *pause = xcalloc(1, sizeof(*pause));

	session_resume(session);
	cpu_profile_each_stack(session->cpu_profile, keep, &pause->cpu);
	heap_profile_each_stack(session->heap_profile, keep, &pause->heap);
	session->pause = pause;
	if (!request->stacks)
		add_stacks(session, snapshot);
	request->stacks = true;
	if (request->threads)
		return;
	request->threads = true;
	session_fill_threads(session, snapshot);
}

void session_resume(struct session *session)
{
	if (!session->pause)
		return;
	free(session->pause->cpu.rows);
	free(session->pause->heap.rows);
	free(session->pause);
	session->pause = NULL;
}

static void drop_trees(struct snapshot *snapshot)
{
	call_tree_free(snapshot->cpu_tree);
	call_tree_free(snapshot->heap_tree);
	snapshot->cpu_tree = snapshot->heap_tree = NULL;
	snapshot->request.cpu_tree = snapshot->request.heap_tree = false;
}

/* What is made with the kernel's functions as one, or each by itself. */
static void fold_kernel(struct snapshot *snapshot, bool fold)
{
	if (snapshot->request.fold_kernel == fold)
		return;
	drop_trees(snapshot);
	free(snapshot->combined);
	snapshot->combined = NULL;
	snapshot->combined_count = 0;
	snapshot->request.combined = false;
	snapshot->request.fold_kernel = fold;
}

static bool complete_trees(const struct session *session, struct snapshot *snapshot,
			   const struct snapshot_request *wanted)
{
	struct snapshot_request *request = &snapshot->request;

	if (!wanted->cpu_tree && !wanted->heap_tree)
		return false;
	fold_kernel(snapshot, wanted->fold_kernel);
	if (wanted->cpu_tree == request->cpu_tree && wanted->heap_tree == request->heap_tree &&
	    wanted->callers == request->callers)
		return false;
	drop_trees(snapshot);
	request->cpu_tree = wanted->cpu_tree;
	request->heap_tree = wanted->heap_tree;
	request->callers = wanted->callers;
	fill_trees(session, snapshot);
	return true;
}

static bool complete_combined(struct snapshot *snapshot, const struct snapshot_request *wanted)
{
	if (!wanted->combined)
		return false;
	fold_kernel(snapshot, wanted->fold_kernel);
	if (snapshot->request.combined)
		return false;
	snapshot->request.combined = true;
	snapshot_fill_combined(snapshot);
	return true;
}

static bool complete_source(struct session *session, struct snapshot *snapshot, uint64_t source_of)
{
	if (snapshot->request.source_of == source_of)
		return false;
	snapshot_source_free(snapshot->source);
	snapshot->source = NULL;
	snapshot->request.source_of = source_of;
	session_fill_source(session, snapshot);
	return true;
}

bool session_complete(struct session *session, struct snapshot *snapshot, const struct snapshot_request *wanted)
{
	bool trees = complete_trees(session, snapshot, wanted);
	bool combined = complete_combined(snapshot, wanted);

	return complete_source(session, snapshot, wanted->source_of) || trees || combined;
}
