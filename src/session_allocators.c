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
	int family;	       /* to look at next; Rust's functions are looked at last of all modules' */
	bool is_done;	       /* Rust's, too */
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

static bool make_plan(const struct kept_answer *kept, enum allocator_family family, struct probe_plan *ret_plan)
{
	return probe_plan_make(ret_plan, kept->module, kept->answer->allocators, kept->answer->allocator_count,
			       family);
}

/* The probes of session->attached are set, if they could be. */
static void book_family(struct session *session, int code, const struct err *err)
{
	const struct kept_answer *kept = &session->answers[session->attached.answer];
	struct probe_plan plan;

	if (code)
		session->heap_off = *err;
	if (code || !make_plan(kept, session->attached.family, &plan))
		return;
	for (size_t i = 0; i < plan.count; i++)
		book_probe(session, plan.functions[i], kept->module,
			   protocol_text(kept->answer, plan.functions[i]->name));
	book_allocator(session, &plan, kept->module);
	session->has_allocator = session->has_allocator || session->attached.family != ALLOCATOR_MMAP;
}

/* Sets the probes of one family, if it can be followed. */
static void attach_family(struct session *session, size_t answer, enum allocator_family family)
{
	const struct kept_answer *kept = &session->answers[answer];
	struct heap_function functions[PROTOCOL_ALLOCATOR_MAX];
	struct probe_plan plan;

	if (!make_plan(kept, family, &plan))
		return;
	for (size_t i = 0; i < plan.count; i++)
		functions[i] = heap_function(session, plan.functions[i]);
	if (heap_source_attach(session->heap, kept->module->fd, functions, plan.count, &session->heap_off))
		return;
	session->attached = (struct attached_family){answer, family};
	session_when_set(session, book_family);
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

static void attach_next(struct session *session, size_t answer)
{
	struct kept_answer *kept = &session->answers[answer];

	while (kept->family < ALLOCATOR_FAMILIES && !heap_source_is_setting(session->heap)) {
		int family = kept->family++;

		if (is_wanted(session, family))
			attach_family(session, answer, (enum allocator_family)family);
	}
}

/* Rust's functions, where no other allocator has been found. */
static void attach_rust(struct session *session, size_t answer)
{
	struct kept_answer *kept = &session->answers[answer];

	if (kept->is_done)
		return;
	kept->is_done = true;
	attach_family(session, answer, ALLOCATOR_RUST);
}

/* One family after the other: this is called again when its probes are set. */
void session_attach_answers(struct session *session)
{
	for (size_t i = 0; session->heap && i < session->answer_count; i++) {
		if (heap_source_is_setting(session->heap))
			return;
		attach_next(session, i);
	}
	if (!session->heap || heap_source_is_setting(session->heap) || session->allocator_questions)
		return;
	session->wants_rust = session->wants_rust || !session->has_allocator;
	for (size_t i = 0; session->wants_rust && i < session->answer_count; i++) {
		attach_rust(session, i);
		if (heap_source_is_setting(session->heap))
			return;
	}
	session->wants_rust = false;
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
