#include "config.h"

#include "stack/rule.h"

struct unwind_rule unwind_rule_frame_pointer(void)
{
	struct unwind_rule rule = {
	    .kind = RULE_STEP, .cfa_reg = DWARF_RBP, .cfa_offset = 16, .guess = 1};

	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		rule.saved[reg].how = SAVED_UNDEFINED;
	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -16};
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_IS_CFA};
	return rule;
}

bool unwind_rule_valid(const struct unwind_rule *rule)
{
	if (rule->kind > RULE_UNKNOWN || rule->cfa_reg >= DWARF_REG_COUNT)
		return false;
	if (rule->cfa_deref > 1 || rule->signal_frame > 1 || rule->guess > 1)
		return false;
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		if (rule->saved[reg].how > SAVED_IS_CFA || rule->saved[reg].reg >= DWARF_REG_COUNT)
			return false;
	return true;
}

static bool same_saved(const struct saved_reg *one, const struct saved_reg *other)
{
	return one->how == other->how && one->reg == other->reg && one->offset == other->offset;
}

bool unwind_rule_same(const struct unwind_rule *one, const struct unwind_rule *other)
{
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		if (!same_saved(&one->saved[reg], &other->saved[reg]))
			return false;
	return one->kind == other->kind && one->cfa_reg == other->cfa_reg &&
	       one->cfa_deref == other->cfa_deref && one->signal_frame == other->signal_frame &&
	       one->guess == other->guess && one->tag == other->tag &&
	       one->cfa_offset == other->cfa_offset &&
	       one->cfa_offset_after == other->cfa_offset_after;
}
