#include "config.h"

#include "stack/unwinder.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>
#include <utlist.h>

/* Bytes of copies that may wait at a time, in all and before none in bulk is taken any more. */
enum { PENDING_BYTES_MAX = 32 << 20, BULK_BYTES_MAX = 24 << 20 };

/* Rules asked for at once ahead of one walk. */
enum { ASKED_MAX = 256 };

/* Rows of CFI that are learnt below and above one: a function's beginning and its ends. */
enum { ROWS_AROUND = 12 };

struct pending {
	struct walk walk;
	struct unwind_tag tag;
	struct pending *next, *prev;
	uint8_t stack[];
};

/* The walks that wait for one address's rule. */
struct waiting {
	uint64_t address;
	struct pending *walks;
	unsigned rows_up, rows_down; /* to be learnt from here on */
	UT_hash_handle hh;
};

struct unwinder {
	struct rule_table *rules;
	struct stack_table *stacks;
	struct unwinder_hooks hooks;
	struct waiting *waiting;
	struct asked {
		uint64_t address;
		bool ahead;
	} asked[ASKED_MAX + 1]; /* entered in `waiting`, but not yet asked for */
	size_t asked_count;
	size_t pending_count[UNWINDER_SOURCES];
	size_t pending_bytes;
	uint64_t unlearnt;
};

struct unwinder *unwinder_new(struct rule_table *rules, struct stack_table *stacks,
			      const struct unwinder_hooks *hooks)
{
	struct unwinder *unwinder = xcalloc(1, sizeof(*unwinder));

	unwinder->rules = rules;
	unwinder->stacks = stacks;
	unwinder->hooks = *hooks;
	return unwinder;
}

static size_t pending_size(size_t stack_size)
{
	return sizeof(struct pending) + stack_size;
}

static bool has_room(const struct unwinder *unwinder, const struct stack_copy *copy)
{
	size_t most = copy->in_bulk ? BULK_BYTES_MAX : PENDING_BYTES_MAX;

	return unwinder->pending_bytes + pending_size(copy->stack_size) <= most;
}

static void drop(struct unwinder *unwinder, struct pending *pending)
{
	unwinder->pending_count[pending->tag.source]--;
	unwinder->pending_bytes -= pending_size(pending->walk.stack_size);
	free(pending);
}

void unwinder_free(struct unwinder *unwinder)
{
	struct waiting *waiting, *next;
	struct pending *pending, *next_pending;

	if (!unwinder)
		return;
	HASH_ITER(hh, unwinder->waiting, waiting, next) {
		DL_FOREACH_SAFE(waiting->walks, pending, next_pending)
			drop(unwinder, pending);
		HASH_DEL(unwinder->waiting, waiting);
		free(waiting);
	}
	free(unwinder);
}

/* The entry of an address whose rule is wanted; asks for it if nobody has. */
static struct waiting *want_rule(struct unwinder *unwinder, uint64_t address, bool ahead)
{
	struct waiting *waiting;

	HASH_FIND(hh, unwinder->waiting, &address, sizeof(address), waiting);
	if (waiting)
		return waiting;
	waiting = xcalloc(1, sizeof(*waiting));
	waiting->address = address;
	HASH_ADD(hh, unwinder->waiting, address, sizeof(waiting->address), waiting);
	unwinder->asked[unwinder->asked_count++] = (struct asked){address, ahead};
	return waiting;
}

/* Sends the questions collected by want_rule(). An answer may come at once and change anything. */
static void ask(struct unwinder *unwinder)
{
	while (unwinder->asked_count) {
		const struct asked *last = &unwinder->asked[--unwinder->asked_count];

		unwinder->hooks.need_rule(unwinder->hooks.context, last->address, last->ahead);
	}
}

/*
 * Wants the rules of everything in the copy that looks like a return address. A walk needs them one
 * after the other, and each would cost a round trip to the worker; so one is enough for the whole stack.
 */
static void want_rules_ahead(struct unwinder *unwinder, const struct stack_copy *copy)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= copy->stack_size; at += sizeof(uint64_t)) {
		uint64_t value;

		memcpy(&value, copy->stack + at, sizeof(value));
		if (unwinder->asked_count == ASKED_MAX)
			return;
		if (unwinder->hooks.is_code(unwinder->hooks.context, value - 1) &&
		    !rule_table_get(unwinder->rules, value - 1))
			(void)want_rule(unwinder, value - 1, true);
	}
}

static void finish(struct unwinder *unwinder, const struct walk *walk, enum stack_state state,
		   struct unwind_tag tag)
{
	struct stack *stack = stack_table_intern(unwinder->stacks, walk->frames, walk->frame_count, state);

	unwinder->hooks.done(unwinder->hooks.context, tag, stack);
}

void unwinder_submit(struct unwinder *unwinder, const struct stack_copy *copy, struct unwind_tag tag)
{
	struct walk walk;
	struct waiting *waiting;
	struct pending *pending;
	enum stack_state state;
	uint64_t address;
	size_t size = pending_size(copy->stack_size);

	walk_begin(&walk, copy->regs, copy->is_return, copy->stack, copy->stack_size, copy->kernel,
		   copy->kernel_count);
	if (copy->returns)
		walk_put_back(&walk, copy->returns);
	if (walk_on(&walk, unwinder->rules, &state, &address) == WALK_DONE) {
		finish(unwinder, &walk, state, tag);
		return;
	}
	if (!has_room(unwinder, copy)) {
		walk.frames[walk.frame_count++] = address;
		unwinder->unlearnt++;
		finish(unwinder, &walk, STACK_UNLEARNT, tag);
		return;
	}
	pending = xcalloc(1, size);
	pending->walk = walk;
	pending->tag = tag;
	if (copy->stack_size)
		memcpy(pending->stack, copy->stack, copy->stack_size);
	pending->walk.stack = pending->stack;
	unwinder->pending_count[tag.source]++;
	unwinder->pending_bytes += size;
	waiting = want_rule(unwinder, address, false);
	/* A walk that others wait beside has most of its stack in common with them: they have asked. */
	if (!waiting->walks)
		want_rules_ahead(unwinder, copy);
	DL_APPEND(waiting->walks, pending);
	ask(unwinder);
}

void unwinder_want(struct unwinder *unwinder, uint64_t address)
{
	if (rule_table_get(unwinder->rules, address))
		return;
	(void)want_rule(unwinder, address, false);
	ask(unwinder);
}

/* The row next to the one of an address, or beyond those that are known already. */
static void want_next_row(struct unwinder *unwinder, uint64_t address, unsigned rows, bool up)
{
	for (; rows > 0; rows--) {
		const struct unwind_rule *rule = rule_table_get(unwinder->rules, address);
		struct waiting *waiting;
		uint64_t first, last;

		if (!rule || rule->kind != RULE_STEP || rule->guess ||
		    !rule_table_row(unwinder->rules, address, &first, &last))
			return;
		address = up ? last + 1 : first - 1;
		if (rule_table_get(unwinder->rules, address))
			continue;
		if (!unwinder->hooks.is_code(unwinder->hooks.context, address))
			return;
		waiting = want_rule(unwinder, address, false);
		*(up ? &waiting->rows_up : &waiting->rows_down) = rows - 1;
		return;
	}
}

void unwinder_learn_around(struct unwinder *unwinder, uint64_t address)
{
	want_next_row(unwinder, address, ROWS_AROUND, true);
	want_next_row(unwinder, address, ROWS_AROUND, false);
	ask(unwinder);
}

void unwinder_rule(struct unwinder *unwinder, uint64_t address, const struct unwind_rule *rule)
{
	struct waiting *waiting;
	struct pending *pending, *next;

	rule_table_put(unwinder->rules, address, rule);
	HASH_FIND(hh, unwinder->waiting, &address, sizeof(address), waiting);
	if (!waiting)
		return;
	/* Taken out first: a walk may come to the same address again and wait anew. */
	HASH_DEL(unwinder->waiting, waiting);
	want_next_row(unwinder, address, waiting->rows_up, true);
	want_next_row(unwinder, address, waiting->rows_down, false);
	ask(unwinder);
	DL_FOREACH_SAFE(waiting->walks, pending, next) {
		enum stack_state state;
		uint64_t wanted;

		DL_DELETE(waiting->walks, pending);
		if (walk_on(&pending->walk, unwinder->rules, &state, &wanted) == WALK_NEEDS_RULE) {
			DL_APPEND(want_rule(unwinder, wanted, false)->walks, pending);
			ask(unwinder);
			continue;
		}
		finish(unwinder, &pending->walk, state, pending->tag);
		drop(unwinder, pending);
	}
	free(waiting);
}

void unwinder_no_rule(struct unwinder *unwinder, uint64_t address)
{
	struct waiting *waiting;

	HASH_FIND(hh, unwinder->waiting, &address, sizeof(address), waiting);
	if (!waiting)
		return;
	if (waiting->walks || waiting->rows_up || waiting->rows_down) {
		unwinder->hooks.need_rule(unwinder->hooks.context, address, false);
		return;
	}
	HASH_DEL(unwinder->waiting, waiting);
	free(waiting);
}

uint64_t unwinder_unlearnt(const struct unwinder *unwinder)
{
	return unwinder->unlearnt;
}

size_t unwinder_pending(const struct unwinder *unwinder, uint32_t source)
{
	return unwinder->pending_count[source];
}
