#include "config.h"

#include "stack/uprobe_slot.h"

/* UPROBE_XOL_SLOT_BYTES of arch/x86/include/asm/uprobes.h. */
enum { SLOT_BYTES = 128 };

bool uprobe_slot_is_trampoline(uint64_t offset)
{
	return offset < SLOT_BYTES;
}

struct unwind_rule uprobe_slot_rule(uint64_t offset)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = DWARF_RSP, .cfa_offset = 8};

	if (uprobe_slot_is_trampoline(offset))
		return (struct unwind_rule){.kind = RULE_TRAMPOLINE};
	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_IS_CFA};
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	return rule;
}
