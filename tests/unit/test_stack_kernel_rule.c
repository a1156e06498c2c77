/* kernel_rule: what fits into eight bytes, and that the rest goes the way of the copy. */
#include "config.h"

#include "stack/kernel_rule.h"

#include <criterion/criterion.h>

/* As after a call: CFA = reg + offset, rip at CFA - 8, rsp is CFA, all else unchanged. */
static struct unwind_rule ordinary(uint8_t reg, int32_t offset)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = reg, .cfa_offset = offset};

	rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	return rule;
}

static void expect_copy(const struct unwind_rule *rule, const char *why)
{
	cr_expect_eq(kernel_rule_from(rule).base, RULE_BASE_COPY, "%s", why);
}

Test(stack_kernel_rule, ends)
{
	const struct unwind_rule end = {.kind = RULE_END}, unknown = {.kind = RULE_UNKNOWN};
	const struct unwind_rule trampoline = {.kind = RULE_TRAMPOLINE};

	cr_expect_eq(kernel_rule_from(&end).base, RULE_BASE_END);
	cr_expect_eq(kernel_rule_from(&unknown).base, RULE_BASE_NONE);
	cr_expect_eq(kernel_rule_from(&trampoline).base, RULE_BASE_TRAMPOLINE);
}

/* As C libraries describe the kernel's signal frame: everything at offsets from rsp. */
static struct unwind_rule signal_frame(void)
{
	struct unwind_rule rule = {
	    .kind = RULE_STEP,
	    .cfa_reg = DWARF_RSP,
	    .cfa_offset = 160,
	    .cfa_deref = true,
	    .signal_frame = true,
	};

	rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
	rule.saved[DWARF_RIP] = (struct saved_reg){SAVED_AT_REG, DWARF_RSP, 168};
	rule.saved[DWARF_RBP] = (struct saved_reg){SAVED_AT_REG, DWARF_RSP, 120};
	return rule;
}

Test(stack_kernel_rule, signal_frame_of_the_kernel)
{
	struct unwind_rule rule = signal_frame();
	struct kernel_rule to = kernel_rule_from(&rule);

	cr_expect_eq(to.base, RULE_BASE_SIGNAL);
	cr_expect_eq(to.cfa_offset, 160);
	cr_expect_eq(to.rbp_offset, 120);
	rule.saved[DWARF_RIP].offset = 160;
	expect_copy(&rule, "pc not above the stack pointer");
	rule = signal_frame();
	rule.cfa_offset_after = 8;
	expect_copy(&rule, "stack pointer not as saved");
	rule = signal_frame();
	rule.saved[DWARF_RBP].how = SAVED_UNDEFINED;
	expect_copy(&rule, "no rbp");
	rule = signal_frame();
	rule.cfa_deref = false;
	expect_copy(&rule, "nothing saved");
}

Test(stack_kernel_rule, guess_is_marked)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, 16);

	rule.guess = true;
	cr_expect_eq(kernel_rule_from(&rule).flags, RULE_GUESS);
}

/* What the other fields say does not matter then. */
Test(stack_kernel_rule, ends_whatever_else_is_set)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 16);

	rule.signal_frame = true;
	rule.kind = RULE_END;
	cr_expect_eq(kernel_rule_from(&rule).base, RULE_BASE_END);
	rule.kind = RULE_UNKNOWN;
	cr_expect_eq(kernel_rule_from(&rule).base, RULE_BASE_NONE);
}

Test(stack_kernel_rule, bases)
{
	struct unwind_rule rsp = ordinary(DWARF_RSP, 24), rbp = ordinary(DWARF_RBP, 16);
	struct kernel_rule to = kernel_rule_from(&rsp);

	cr_expect_eq(to.base, RULE_BASE_RSP);
	cr_expect_eq(to.cfa_offset, 24);
	cr_expect_eq(to.flags, 0);
	to = kernel_rule_from(&rbp);
	cr_expect_eq(to.base, RULE_BASE_RBP);
	cr_expect_eq(to.cfa_offset, 16);
	cr_expect_eq(to.flags, 0);
}

Test(stack_kernel_rule, cfa_offset_keeps_all_its_bits)
{
	static const int32_t offsets[] = {INT32_MIN, -8, INT16_MAX + 1, INT32_MAX};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct unwind_rule rule = ordinary(DWARF_RSP, offsets[i]);
		struct kernel_rule to = kernel_rule_from(&rule);

		cr_expect_eq(to.base, RULE_BASE_RSP);
		cr_expect_eq(to.cfa_offset, offsets[i]);
	}
}

Test(stack_kernel_rule, other_cfa_registers_need_the_copy)
{
	for (uint8_t reg = 0; reg < DWARF_REG_COUNT; reg++) {
		struct unwind_rule rule = ordinary(reg, 8);

		if (reg != DWARF_RSP && reg != DWARF_RBP)
			cr_expect_eq(kernel_rule_from(&rule).base, RULE_BASE_COPY, "register %u",
				     reg);
	}
}

Test(stack_kernel_rule, saved_rbp_at_cfa)
{
	static const struct {
		int32_t offset;
		bool fits;
	} rows[] = {{-16, true},
		    {INT16_MIN, true},
		    {INT16_MAX, true},
		    {INT16_MIN - 1, false},
		    {INT16_MAX + 1, false},
		    {INT32_MIN, false},
		    {INT32_MAX, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct unwind_rule rule = ordinary(DWARF_RBP, 16);
		struct kernel_rule to;

		rule.saved[DWARF_RBP] =
		    (struct saved_reg){.how = SAVED_AT_CFA, .offset = rows[i].offset};
		to = kernel_rule_from(&rule);
		if (!rows[i].fits) {
			cr_expect_eq(to.base, RULE_BASE_COPY, "offset %d", rows[i].offset);
			continue;
		}
		cr_expect_eq(to.base, RULE_BASE_RBP);
		cr_expect_eq(to.flags, RULE_RBP_AT_CFA);
		cr_expect_eq(to.rbp_offset, rows[i].offset);
	}
}

Test(stack_kernel_rule, saved_rbp_at_register)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);
	struct kernel_rule to;

	rule.saved[DWARF_RBP] =
	    (struct saved_reg){.how = SAVED_AT_REG, .reg = DWARF_RBP, .offset = -24};
	to = kernel_rule_from(&rule);
	cr_expect_eq(to.base, RULE_BASE_RSP);
	cr_expect_eq(to.flags, RULE_RBP_AT_RBP);
	cr_expect_eq(to.rbp_offset, -24);
	rule.saved[DWARF_RBP].reg = DWARF_RSP;
	expect_copy(&rule, "rbp at rsp");
	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_IS_CFA};
	expect_copy(&rule, "rbp is CFA");
}

Test(stack_kernel_rule, dereferenced_cfa)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, -8);
	struct kernel_rule to;

	rule.cfa_deref = true;
	to = kernel_rule_from(&rule);
	cr_expect_eq(to.base, RULE_BASE_RBP);
	cr_expect_eq(to.cfa_offset, -8);
	cr_expect_eq(to.flags, RULE_CFA_DEREF);
	rule.cfa_offset_after = 8;
	cr_expect_eq(kernel_rule_from(&rule).flags, RULE_CFA_DEREF | RULE_CFA_PLUS_8);
	rule.cfa_offset_after = 16;
	expect_copy(&rule, "16 after the dereferencing");
	rule.cfa_offset_after = -8;
	expect_copy(&rule, "-8 after the dereferencing");
}

Test(stack_kernel_rule, dereferenced_cfa_with_saved_rbp)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, -8);
	struct kernel_rule to;

	rule.cfa_deref = true;
	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_REG, .reg = DWARF_RBP};
	to = kernel_rule_from(&rule);
	cr_expect_eq(to.flags, RULE_CFA_DEREF | RULE_RBP_AT_RBP);
	cr_expect_eq(to.rbp_offset, 0);
}

Test(stack_kernel_rule, special_frames_need_the_copy)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	rule.signal_frame = true;
	expect_copy(&rule, "signal frame");
}

/* The kernel knows one place for the return address only. */
Test(stack_kernel_rule, unusual_calls_need_the_copy)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	rule.saved[DWARF_RIP].offset = -16;
	expect_copy(&rule, "rip elsewhere");
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_SAME};
	expect_copy(&rule, "rip unchanged");
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_UNDEFINED, .offset = -8};
	expect_copy(&rule, "rip undefined");
	rule = ordinary(DWARF_RSP, 8);
	rule.saved[DWARF_RSP].offset = 8;
	expect_copy(&rule, "rsp is not CFA");
	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_AT_CFA};
	expect_copy(&rule, "rsp in memory");
	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_SAME};
	expect_copy(&rule, "rsp unchanged");
}

/* Other registers are of no use to the small form. */
Test(stack_kernel_rule, other_saved_registers_do_not_matter)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	rule.saved[3] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = INT32_MIN};
	rule.saved[12] = (struct saved_reg){.how = SAVED_UNDEFINED};
	cr_expect_eq(kernel_rule_from(&rule).base, RULE_BASE_RSP);
	cr_expect_eq(kernel_rule_from(&rule).flags, 0);
}
