/* The small form of an unwind rule, which the BPF programs walk by. Pure. */
#ifndef RSP_STACK_KERNEL_RULE_H
#define RSP_STACK_KERNEL_RULE_H

#include "bpf/abi.h"
#include "stack/rule.h"

/*
 * The eight-byte form of a rule. One that does not fit (CFA in another register, a signal frame that
 * is not the kernel's usual one, offsets out of range, ...) becomes RULE_BASE_COPY: such a stack takes the way of
 * the copy. RULE_UNKNOWN becomes RULE_BASE_NONE, and RULE_TRAMPOLINE its own base.
 */
struct kernel_rule kernel_rule_from(const struct unwind_rule *rule);

#endif
