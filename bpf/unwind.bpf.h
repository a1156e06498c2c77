/*
 * Walks a user stack in the kernel by learned rules. Shared by every program that takes stacks; the
 * map of rules is filled by user space.
 */
#ifndef RSP_UNWIND_BPF_H
#define RSP_UNWIND_BPF_H

#include "abi.h"
#include "memo.bpf.h"
#include "returns.bpf.h"
#include "rule_cache.bpf.h"
#include "window.bpf.h"

/* Returned by unwind_stack() beside enum stack_state: only user space can go on. */
enum {
	UNWIND_MISSING = -1, /* a rule is not there */
	UNWIND_SPECIAL = -2, /* a rule is not one for the kernel */
};

struct unwind {
	struct stack_record *record; /* the user's frames go here */
	struct stack_window *window; /* the room to read the stack in */
	struct rule_cache *cache;
	struct stack_memo *memo;     /* NULL: what is read is not remembered */
	__u64 lookup;		     /* address to find the rule by */
	__u64 called;		     /* 1: lookup is a return address minus one, 0: an interrupted pc */
	__u64 rsp;
	__u64 rbp;
	__u64 id;		     /* 0, or of the kernel's frames that come first */
	struct returns returns;
	int state;
	__u32 complete;		     /* the state at the end: STACK_COMPLETE, or STACK_GUESSED */
};

static __always_inline int unwind_read(struct unwind *unwind, __u64 *value, __u64 address)
{
	if (window_read(unwind->window, value, address, unwind->rsp))
		return -1;
	if (unwind->memo)
		memo_add(unwind->memo, address, *value);
	return 0;
}

static __always_inline __u64 unwind_rbp(struct unwind *unwind)
{
	if (unwind->memo)
		unwind->memo->uses_rbp = 1;
	return unwind->rbp;
}

/* The caller's rsp, or 0 when it cannot be read. */
static __always_inline __u64 unwind_cfa(struct unwind *unwind, const struct kernel_rule *rule)
{
	__u64 base = rule->base == RULE_BASE_RBP ? unwind_rbp(unwind) : unwind->rsp;
	__u64 cfa = base + (__s64)rule->cfa_offset;

	if (rule->flags & RULE_CFA_DEREF && unwind_read(unwind, &cfa, cfa))
		return 0;
	if (rule->flags & RULE_CFA_PLUS_8)
		cfa += 8;
	return cfa;
}

/* To what a signal interrupted, perhaps on another stack. As unwind_call(). */
static __always_inline int unwind_signal(struct unwind *unwind, const struct kernel_rule *rule)
{
	__u64 saved = unwind->rsp + (__s64)rule->cfa_offset;

	if (unwind_read(unwind, &unwind->lookup, saved + 8) ||
	    unwind_read(unwind, &unwind->rbp, unwind->rsp + (__s64)rule->rbp_offset) ||
	    unwind_read(unwind, &unwind->rsp, saved))
		return -1;
	unwind->called = 0;
	return !unwind->lookup;
}

/* To the caller. 0, 1 if there is none, or -1 if the stack is broken. */
static __always_inline int unwind_call(struct unwind *unwind, const struct kernel_rule *rule)
{
	__u64 cfa = unwind_cfa(unwind, rule), saved, return_address;

	if (cfa <= unwind->rsp || unwind_read(unwind, &return_address, cfa - 8))
		return -1;
	if (return_address == unwind->returns.trampoline)
		return_address = returns_take(&unwind->returns, cfa - 8);
	if (rule->flags & (RULE_RBP_AT_CFA | RULE_RBP_AT_RBP)) {
		saved = rule->flags & RULE_RBP_AT_CFA ? cfa : unwind_rbp(unwind);
		if (unwind_read(unwind, &unwind->rbp, saved + (__s64)rule->rbp_offset))
			return -1;
	}
	unwind->rsp = cfa;
	unwind->lookup = return_address - 1;
	unwind->called = 1;
	return !return_address;
}

/* Callback of bpf_loop(): one frame. Returns 1 to stop. */
static long unwind_frame(__u32 index, void *context)
{
	struct unwind *unwind = context;
	struct kernel_rule found;
	const struct kernel_rule *rule =
		find_rule(unwind->cache, unwind->lookup, &found) ? &found : NULL;
	__u64 frame = frame_of(unwind->lookup, rule ? rule->tag : 0);
	int end;

	/* A signal's trampoline was not called, its handler only returns to its beginning. */
	if (rule && rule->base == RULE_BASE_SIGNAL)
		frame += unwind->called;
	unwind->record->frames[index & STACK_FRAMES_MAX] = frame;
	unwind->record->frame_count = index + 1;
	unwind->id = stack_id_step(unwind->id, frame);
	if (!rule || rule->base == RULE_BASE_COPY) {
		unwind->state = rule ? UNWIND_SPECIAL : UNWIND_MISSING;
		return 1;
	}
	if (rule->flags & RULE_GUESS)
		unwind->complete = STACK_GUESSED;
	if (rule->base >= RULE_BASE_TRAMPOLINE) {
		unwind->state = rule->base == RULE_BASE_END ? unwind->complete : STACK_BROKEN;
		return 1;
	}
	if (rule->base == RULE_BASE_SIGNAL)
		end = unwind_signal(unwind, rule);
	else
		end = unwind_call(unwind, rule);
	unwind->state = end < 0 ? STACK_BROKEN : end ? unwind->complete : STACK_TRUNCATED;
	return end != 0;
}

/*
 * Fills unwind->record's frames and returns how the walk ended: an enum stack_state, or UNWIND_*.
 * The record's id is that of the frames walked and that state.
 */
static __always_inline int unwind_stack(struct unwind *unwind)
{
	unwind->complete = STACK_COMPLETE;
	unwind->cache = find_rule_cache();
	if (!unwind->cache)
		return UNWIND_MISSING;
	bpf_loop(STACK_FRAMES_MAX, unwind_frame, unwind, 0);
	unwind->record->state = unwind->state < 0 ? STACK_UNLEARNT : unwind->state;
	unwind->record->stack_id = stack_id_step(unwind->id, unwind->record->state) & STACK_ID_MASK;
	return unwind->state;
}

#endif
