/*
 * Walks a user stack in the kernel by learned rules. Shared by every program that takes stacks; the
 * map of rules is filled by user space.
 */
#ifndef RSP_UNWIND_BPF_H
#define RSP_UNWIND_BPF_H

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, __u64);
	__type(value, struct kernel_rule);
} rules SEC(".maps");

/* Returned by unwind_stack() beside enum stack_state: a rule is missing or only user space has it. */
enum { UNWIND_MISS = -1 };

struct unwind {
	struct stack_record *record; /* frames go here */
	__u64 lookup;		     /* address to find the rule by */
	__u64 rsp;
	__u64 rbp;
	__u64 id;
	int state;
};

static __always_inline int unwind_read(__u64 *value, __u64 address)
{
	return bpf_probe_read_user(value, sizeof(*value), (const void *)address);
}

/* The caller's rsp, or 0 when it cannot be read. */
static __always_inline __u64 unwind_cfa(const struct unwind *unwind, const struct kernel_rule *rule)
{
	__u64 base = rule->base == RULE_BASE_RSP ? unwind->rsp : unwind->rbp;
	__u64 cfa = base + (__s64)rule->cfa_offset;

	if (rule->flags & RULE_CFA_DEREF && unwind_read(&cfa, cfa))
		return 0;
	if (rule->flags & RULE_CFA_PLUS_8)
		cfa += 8;
	return cfa;
}

/* Callback of bpf_loop(): one frame. Returns 1 to stop. */
static long unwind_frame(__u32 index, void *context)
{
	struct unwind *unwind = context;
	const struct kernel_rule *rule;
	__u64 cfa, saved, return_address;

	unwind->record->frames[index & STACK_FRAMES_MAX] = unwind->lookup;
	unwind->record->frame_count = index + 1;
	unwind->id = stack_id_step(unwind->id, unwind->lookup);

	rule = bpf_map_lookup_elem(&rules, &unwind->lookup);
	if (!rule || rule->base == RULE_BASE_COPY) {
		unwind->state = UNWIND_MISS;
		return 1;
	}
	if (rule->base >= RULE_BASE_END) {
		unwind->state = rule->base == RULE_BASE_END ? STACK_COMPLETE : STACK_BROKEN;
		return 1;
	}
	cfa = unwind_cfa(unwind, rule);
	unwind->state = STACK_BROKEN;
	if (cfa <= unwind->rsp || unwind_read(&return_address, cfa - 8))
		return 1;
	if (rule->flags & (RULE_RBP_AT_CFA | RULE_RBP_AT_RBP)) {
		saved = rule->flags & RULE_RBP_AT_CFA ? cfa : unwind->rbp;
		if (unwind_read(&unwind->rbp, saved + (__s64)rule->rbp_offset))
			return 1;
	}
	unwind->rsp = cfa;
	if (!return_address) {
		unwind->state = STACK_COMPLETE;
		return 1;
	}
	unwind->lookup = return_address - 1;
	unwind->state = STACK_TRUNCATED;
	return 0;
}

/*
 * Fills unwind->record and returns how the walk ended: an enum stack_state, or UNWIND_MISS. The
 * record's id is that of the frames walked and that state.
 */
static __always_inline int unwind_stack(struct unwind *unwind)
{
	unwind->id = 0;
	bpf_loop(STACK_FRAMES_MAX, unwind_frame, unwind, 0);
	unwind->record->state = unwind->state == UNWIND_MISS ? STACK_UNLEARNT : unwind->state;
	unwind->record->stack_id = stack_id_step(unwind->id, unwind->record->state) & STACK_ID_MASK;
	return unwind->state;
}

#endif
