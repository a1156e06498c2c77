#include "config.h"

#include "stack/kernel_rule.h"

#include <stdbool.h>

/* The return address is at CFA - 8 and rsp at CFA, as nearly all code of this architecture has it.
 */
static bool ordinary_call(const struct unwind_rule *rule)
{
	const struct saved_reg *rip = &rule->saved[DWARF_RIP];
	const struct saved_reg *rsp = &rule->saved[DWARF_RSP];

	return rip->how == SAVED_AT_CFA && rip->offset == -8 && rsp->how == SAVED_IS_CFA &&
	       rsp->offset == 0;
}

static bool put_rbp(struct kernel_rule *to, const struct saved_reg *rbp)
{
	if (rbp->how == SAVED_SAME)
		return true;
	if (rbp->offset < INT16_MIN || rbp->offset > INT16_MAX)
		return false;
	if (rbp->how == SAVED_AT_CFA)
		to->flags |= RULE_RBP_AT_CFA;
	else if (rbp->how == SAVED_AT_REG && rbp->reg == DWARF_RBP)
		to->flags |= RULE_RBP_AT_RBP;
	else
		return false;
	to->rbp_offset = (int16_t)rbp->offset;
	return true;
}

/* The frame that the kernel makes on x86-64 (struct rt_sigframe), as C libraries describe it. */
static bool put_signal(struct kernel_rule *to, const struct unwind_rule *rule)
{
	const struct saved_reg *rip = &rule->saved[DWARF_RIP];
	const struct saved_reg *rsp = &rule->saved[DWARF_RSP];
	const struct saved_reg *rbp = &rule->saved[DWARF_RBP];

	if (rule->cfa_reg != DWARF_RSP || !rule->cfa_deref || rule->cfa_offset_after != 0 ||
	    rsp->how != SAVED_IS_CFA || rsp->offset != 0 || rip->how != SAVED_AT_REG ||
	    rip->reg != DWARF_RSP || rip->offset != rule->cfa_offset + 8 ||
	    rbp->how != SAVED_AT_REG || rbp->reg != DWARF_RSP || rbp->offset < INT16_MIN ||
	    rbp->offset > INT16_MAX)
		return false;
	to->base = RULE_BASE_SIGNAL;
	to->rbp_offset = (int16_t)rbp->offset;
	return true;
}

static struct kernel_rule untagged(const struct unwind_rule *rule)
{
	const struct kernel_rule copy = {.base = RULE_BASE_COPY};
	struct kernel_rule to = {.cfa_offset = rule->cfa_offset};

	if (rule->guess)
		to.flags |= RULE_GUESS;
	if (rule->kind == RULE_END)
		return (struct kernel_rule){.base = RULE_BASE_END, .flags = to.flags};
	if (rule->kind == RULE_UNKNOWN)
		return (struct kernel_rule){.base = RULE_BASE_NONE};
	if (rule->kind == RULE_TRAMPOLINE)
		return (struct kernel_rule){.base = RULE_BASE_TRAMPOLINE};
	if (rule->signal_frame)
		return put_signal(&to, rule) ? to : copy;
	if (!ordinary_call(rule))
		return copy;
	if (rule->cfa_reg != DWARF_RSP && rule->cfa_reg != DWARF_RBP)
		return copy;
	to.base = rule->cfa_reg == DWARF_RSP ? RULE_BASE_RSP : RULE_BASE_RBP;
	if (rule->cfa_deref) {
		to.flags |= RULE_CFA_DEREF;
		if (rule->cfa_offset_after == 8)
			to.flags |= RULE_CFA_PLUS_8;
		else if (rule->cfa_offset_after != 0)
			return copy;
	}
	return put_rbp(&to, &rule->saved[DWARF_RBP]) ? to : copy;
}

struct kernel_rule kernel_rule_from(const struct unwind_rule *rule)
{
	struct kernel_rule to = untagged(rule);

	to.tag = rule->tag;
	return to;
}
