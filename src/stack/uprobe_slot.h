/*
 * Unwinding out of the "[uprobes]" page. There the kernel executes a copy of the instruction that a
 * probe replaced (xol_add_vma() of kernel/events/uprobes.c); the first slot holds the trampoline that
 * return probes put in place of a return address, the others hold the copies.
 */
#ifndef RSP_STACK_UPROBE_SLOT_H
#define RSP_STACK_UPROBE_SLOT_H

#include <stdint.h>

#include "stack/rule.h"

/*
 * The rule of an address at `offset` of the page, for where the BPF program has not said where the thread
 * really is. Our probes are on the first instruction of a function, so in a copy's slot the return address
 * is on top of the stack. In the trampoline, up to its end, the kernel alone has it: RULE_TRAMPOLINE.
 */
struct unwind_rule uprobe_slot_rule(uint64_t offset);

#endif
