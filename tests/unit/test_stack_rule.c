/* rule: what the worker may hand over, field by field. */
#include "config.h"

#include "stack/rule.h"

#include <criterion/criterion.h>

static struct unwind_rule plain_rule(void)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = DWARF_RSP, .cfa_offset = 8};

	rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	return rule;
}

Test(stack_rule, plain_rule_is_valid)
{
	struct unwind_rule rule = plain_rule();

	cr_assert(unwind_rule_valid(&rule));
}

Test(stack_rule, every_kind_and_no_other)
{
	struct unwind_rule rule = plain_rule();

	for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
		rule.kind = (uint8_t)kind;
		cr_expect_eq(unwind_rule_valid(&rule), kind <= RULE_UNKNOWN, "kind %u", kind);
	}
}

Test(stack_rule, every_cfa_register_and_no_other)
{
	struct unwind_rule rule = plain_rule();

	for (unsigned reg = 0; reg <= UINT8_MAX; reg++) {
		rule.cfa_reg = (uint8_t)reg;
		cr_expect_eq(unwind_rule_valid(&rule), reg < DWARF_REG_COUNT, "register %u", reg);
	}
}

Test(stack_rule, guess_is_yes_or_no)
{
	struct unwind_rule rule = plain_rule();

	rule.guess = 1;
	cr_expect(unwind_rule_valid(&rule));
	rule.guess = 2;
	cr_expect_not(unwind_rule_valid(&rule));
}

Test(stack_rule, every_saved_register_is_looked_at)
{
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++) {
		for (unsigned value = 0; value <= UINT8_MAX; value++) {
			struct unwind_rule rule = plain_rule();

			rule.saved[reg].how = (uint8_t)value;
			cr_expect_eq(unwind_rule_valid(&rule), value <= SAVED_IS_CFA,
				     "register %d saved in way %u", reg, value);
			rule = plain_rule();
			rule.saved[reg].reg = (uint8_t)value;
			cr_expect_eq(unwind_rule_valid(&rule), value < DWARF_REG_COUNT,
				     "register %d saved at register %u", reg, value);
		}
	}
}

Test(stack_rule, offsets_may_be_anything)
{
	static const int32_t offsets[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
	struct unwind_rule rule = plain_rule();

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		rule.cfa_offset = offsets[i];
		rule.cfa_offset_after = offsets[i];
		rule.saved[DWARF_RIP].offset = offsets[i];
		cr_expect(unwind_rule_valid(&rule), "offset %d", offsets[i]);
	}
}

Test(stack_rule, guess_is_a_flag)
{
	struct unwind_rule rule = unwind_rule_frame_pointer();

	for (unsigned value = 0; value <= UINT8_MAX; value++) {
		rule.guess = (uint8_t)value;
		cr_expect_eq(unwind_rule_valid(&rule), value <= 1, "guess %u", value);
	}
}

Test(stack_rule, same_but_for_the_reach)
{
	struct unwind_rule one = plain_rule(), other = plain_rule();

	other.before = 7;
	other.after = 9;
	cr_expect(unwind_rule_same(&one, &other));
	other.saved[3].offset++;
	cr_expect_not(unwind_rule_same(&one, &other));
	other = plain_rule();
	other.cfa_offset += 8;
	cr_expect_not(unwind_rule_same(&one, &other));
	other = plain_rule();
	other.tag = 1;
	cr_expect_not(unwind_rule_same(&one, &other));
	other = plain_rule();
	other.guess = 1;
	cr_expect_not(unwind_rule_same(&one, &other));
}
