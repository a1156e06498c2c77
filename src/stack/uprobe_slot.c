#include "config.h"

#include "stack/uprobe_slot.h"

enum {
	/* UPROBE_XOL_SLOT_BYTES of arch/x86/include/asm/uprobes.h. */
	SLOT_BYTES = 128,
	/* Behind the system call of uretprobe_trampoline_entry() in arch/x86/kernel/uprobes.c: pop %r11,
	 * pop %rcx, ret to an address that the kernel has put on the stack. */
	POP_R11 = 13,
	POP_RCX = 15,
	RETURN = 16,
};

/* The return address is so many bytes above rsp. */
static struct unwind_rule return_above(int32_t bytes)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = DWARF_RSP, .cfa_offset = bytes + 8};

	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_IS_CFA};
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	return rule;
}

struct unwind_rule uprobe_slot_rule(uint64_t offset)
{
	if (offset >= SLOT_BYTES || offset == RETURN)
		return return_above(0);
	if (offset == POP_RCX)
		return return_above(8);
	if (offset == POP_R11)
		return return_above(16);
	return (struct unwind_rule){.kind = RULE_TRAMPOLINE};
}
