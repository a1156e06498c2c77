/* Rules for addresses in the kernel's uprobes page. */
#include "config.h"

#include <criterion/criterion.h>

#include "stack/kernel_rule.h"
#include "stack/uprobe_slot.h"

Test(uprobe_slot, trampoline_is_the_first_slot)
{
	cr_assert(uprobe_slot_is_trampoline(0));
	cr_assert(uprobe_slot_is_trampoline(127));
	cr_assert_not(uprobe_slot_is_trampoline(128));
}

Test(uprobe_slot, nothing_is_known_behind_the_trampoline)
{
	cr_assert_eq(uprobe_slot_rule(5).kind, RULE_TRAMPOLINE);
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
