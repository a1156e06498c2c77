#include "config.h"

#include "stack/rule.h"

bool unwind_rule_valid(const struct unwind_rule *rule)
{
	if (rule->kind > RULE_UNKNOWN || rule->cfa_reg >= DWARF_REG_COUNT || rule->cfa_plt_at > 15)
		return false;
	if (rule->cfa_deref > 1 || rule->cfa_plt > 1 || rule->signal_frame > 1)
		return false;
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		if (rule->saved[reg].how > SAVED_IS_CFA || rule->saved[reg].reg >= DWARF_REG_COUNT)
			return false;
	return true;
}
