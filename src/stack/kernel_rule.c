#include "config.h"

#include "stack/kernel_rule.h"

#include <stdbool.h>

/* The return address is at CFA - 8 and rsp at CFA, as nearly all code of this architecture has it. */
static bool ordinary_call(const struct unwind_rule *rule)
{
	const struct saved_reg *rip = &rule->saved[DWARF_RIP];
	const struct saved_reg *rsp = &rule->saved[DWARF_RSP];

	return rip->how == SAVED_AT_CFA && rip->offset == -8 && rsp->how == SAVED_IS_CFA && rsp->offset == 0;
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

struct kernel_rule kernel_rule_from(const struct unwind_rule *rule)
{
	const struct kernel_rule copy = {.base = RULE_BASE_COPY};
	struct kernel_rule to = {.cfa_offset = rule->cfa_offset};

	if (rule->kind == RULE_END)
		return (struct kernel_rule){.base = RULE_BASE_END};
	if (rule->kind == RULE_UNKNOWN)
		return (struct kernel_rule){.base = RULE_BASE_NONE};
	if (rule->signal_frame || rule->cfa_plt || !ordinary_call(rule))
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
