/*
 * From the functions that the modules have to the probes that are set. Answers are kept until none is
 * missing: a module that comes last may forbid all probes (session_preflight.c), and Rust's functions
 * are probed only where nothing below them can be, as they nearly always call malloc().
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "probe_plan.h"
#include "session_state.h"

struct kept_answer {
	struct module *module; /* borrowed from the address space, which keeps it */
	struct reply *answer;  /* owned */
	bool attached;	       /* all that it has but Rust's functions */
};

/* Every allocator may call mmap(). */
static bool may_nest(const struct session *session, const struct reply_allocator *found)
{
	return found->flags & REPLY_ALLOCATOR_NESTS || session->options->heap_mmap;
}

static struct heap_function heap_function(const struct session *session,
					  const struct reply_allocator *found)
{
	return (struct heap_function){
	    .offset = found->offset + found->delta,
	    .call = (enum heap_call)allocator_functions[found->function].call,
	    .size_register = found->size_reg,
	    .count_register = found->count_reg,
	    .pointer_register = found->pointer_reg,
	    .nests = may_nest(session, found),
	};
}

static void book_probe(struct session *session, const struct reply_allocator *found,
		       const struct module *module, const char *name)
{
	session->probes = xreallocarray(session->probes, session->probe_count + 1,
					sizeof(*session->probes));
	session->probes[session->probe_count++] = (struct snapshot_probe){
	    .function = name ? client_intern(session->client, name)
			     : allocator_functions[found->function].name,
	    .module = module->name,
	    .offset = found->offset + found->delta,
	    .frees = allocator_frees(&allocator_functions[found->function]),
	    .reallocates = allocator_reallocates(&allocator_functions[found->function]),
	    .nests = may_nest(session, found),
	    .emulated = found->flags & REPLY_ALLOCATOR_EMULATED,
	    .ns_per_hit = (double)NAN,
	};
}

static void book_allocator(struct session *session, const struct probe_plan *plan,
			   const struct module *module)
{
	struct snapshot_allocator *allocator;
	char buffer[64];

	if (!session->allocator_count)
		heap_profile_begin(session->heap_profile, monotonic_s());
	session->allocators = xreallocarray(session->allocators, session->allocator_count + 1,
					    sizeof(*session->allocators));
	allocator = &session->allocators[session->allocator_count++];
	allocator->name = client_intern(session->client,
					probe_plan_name(plan, module, buffer, sizeof(buffer)));
	allocator->module = module->name;
	allocator->probes = (unsigned)plan->count;
}

/* Sets the probes of one family, if it can be followed. */
static void attach_family(struct session *session, const struct module *module,
			  const struct reply *answer, enum allocator_family family)
{
	struct heap_function functions[PROTOCOL_ALLOCATOR_MAX];
	struct probe_plan plan;
	size_t first;

	if (!probe_plan_make(&plan, module, answer->allocators, answer->allocator_count, family))
		return;
	for (size_t i = 0; i < plan.count; i++)
		functions[i] = heap_function(session, plan.functions[i]);
	if (heap_source_attach(session->heap, module->fd, functions, plan.count, &first,
			       &session->heap_off))
		return;
	for (size_t i = 0; i < plan.count; i++)
		book_probe(session, plan.functions[i], module,
			   protocol_text(answer, plan.functions[i]->name));
	book_allocator(session, &plan, module);
	session->has_allocator = session->has_allocator || family != ALLOCATOR_MMAP;
}

static void keep(struct session *session, struct module *module, const struct reply *answer)
{
	struct reply *copy = xcalloc(1, sizeof(*copy));

	memcpy(copy, answer, protocol_reply_size(answer));
	session->answers = xreallocarray(session->answers, session->answer_count + 1,
					 sizeof(*session->answers));
	session->answers[session->answer_count++] =
	    (struct kept_answer){.module = module, .answer = copy};
}

void session_free_answers(struct session *session)
{
	for (size_t i = 0; i < session->answer_count; i++)
		free(session->answers[i].answer);
	free(session->answers);
	session->answers = NULL;
	session->answer_count = 0;
}

static bool is_wanted(const struct session *session, int family)
{
	return family != ALLOCATOR_RUST &&
	       (family != ALLOCATOR_MMAP || session->options->heap_mmap);
}

static void attach_answer(struct session *session, struct kept_answer *kept)
{
	for (int family = 0; !kept->attached && family < ALLOCATOR_FAMILIES; family++)
		if (is_wanted(session, family))
			attach_family(session, kept->module, kept->answer,
				      (enum allocator_family)family);
	kept->attached = true;
}

void session_attach_answers(struct session *session)
{
	if (!session->heap)
		return;
	for (size_t i = 0; i < session->answer_count; i++)
		attach_answer(session, &session->answers[i]);
	if (session->allocator_questions)
		return;
	if (!session->has_allocator)
		for (size_t i = 0; i < session->answer_count; i++)
			attach_family(session, session->answers[i].module,
				      session->answers[i].answer, ALLOCATOR_RUST);
	session_free_answers(session);
}

void session_on_allocators(void *context, struct module *module, const struct reply *answer)
{
	struct session *session = context;

	session->allocator_questions--;
	session->allocator_skipped = session->allocator_skipped || module->skipped;
	if (session_preflight_module(session, module) || (!session->heap && !session->heap_waits))
		return;
	if (answer && answer->allocator_count)
		keep(session, module, answer);
	if (!session->allocator_questions)
		session_attach_answers(session);
}
