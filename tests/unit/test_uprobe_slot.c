/* Rules for addresses in the kernel's uprobes page. */
#include "config.h"

#include <criterion/criterion.h>

#include "stack/kernel_rule.h"
#include "stack/uprobe_slot.h"

/* The first slot, but for what comes behind its system call. */
Test(uprobe_slot, the_kernel_alone_knows_the_caller_in_the_trampoline)
{
	for (uint64_t offset = 0; offset < 128; offset++) {
		bool is_behind = offset == 13 || offset == 15 || offset == 16;

		cr_expect_eq(uprobe_slot_rule(offset).kind, is_behind ? RULE_STEP : RULE_TRAMPOLINE, "%d", (int)offset);
	}
}

/* pop %r11, pop %rcx, ret. */
Test(uprobe_slot, the_return_address_is_on_the_stack_behind_the_system_call)
{
	const struct {
		uint64_t offset;
		int32_t cfa_offset;
	} places[] = {{13, 24}, {15, 16}, {16, 8}};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct unwind_rule rule = uprobe_slot_rule(places[i].offset);

		cr_assert(unwind_rule_valid(&rule));
		cr_expect_eq(kernel_rule_from(&rule).base, RULE_BASE_RSP);
		cr_expect_eq(rule.cfa_offset, places[i].cfa_offset);
		cr_expect_eq(rule.saved[DWARF_RIP].offset, -8);
	}
}

Test(uprobe_slot, a_copy_runs_at_the_begin_of_its_function)
{
	struct unwind_rule rule = uprobe_slot_rule(128 + 3);
	struct kernel_rule small = kernel_rule_from(&rule);

	cr_assert(unwind_rule_valid(&rule));
	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert_eq(small.base, RULE_BASE_RSP);
	cr_assert_eq(small.cfa_offset, 8);
	cr_assert_eq(small.flags, 0);
}
