/* walk: hostile rules and registers never make it read outside the copy. */
#include "config.h"

#include "stack/walk.h"

#include <criterion/criterion.h>
#include <string.h>

enum { AROUND = 4096, OFFSETS = 14, RSPS = 6, SIZES = 7 };

static const uint64_t base = 0x7ffc00001000;
static const uint64_t pc = 0x401000;

static struct rule_table *rules;

static void on_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	(void)context;
	(void)address;
	(void)rule;
}

static void set_up(void)
{
	rules = rule_table_new(on_changed, NULL);
}

static void tear_down(void)
{
	rule_table_free(rules);
}

TestSuite(stack_walk_hostile, .init = set_up, .fini = tear_down, .timeout = 60);

/*
 * One step. The copy is all 0x11 and has 0xee around it, so what was read inside of it is known:
 * the walk has ended or needs the rule of an address of ones.
 */
static void step(const struct unwind_rule *rule, uint64_t rsp, uint64_t rbp, size_t size)
{
	static uint8_t memory[3 * AROUND];
	static struct walk walk;
	const uint64_t regs[DWARF_REG_COUNT] = {
	    [DWARF_RBP] = rbp, [DWARF_RSP] = rsp, [DWARF_RIP] = pc};
	enum stack_state state;
	uint64_t wanted;

	memset(memory, 0xee, sizeof(memory));
	memset(memory + AROUND, 0x11, size);
	rule_table_put(rules, pc, rule);
	walk_begin(&walk, regs, false, memory + AROUND, size, NULL, 0);
	if (walk_on(&walk, rules, &state, &wanted) == WALK_DONE)
		cr_assert(state == STACK_TRUNCATED || state == STACK_BROKEN);
	else
		cr_assert_eq(wanted, 0x1111111111111110);
	for (unsigned reg = 0; reg < DWARF_REG_COUNT; reg++)
		cr_assert_neq(walk.regs[reg], 0xeeeeeeeeeeeeeeee);
}

Test(stack_walk_hostile, offsets)
{
	static const int32_t offsets[OFFSETS] = {INT32_MIN, -4096, -16, -8, -7, -1,   0,
						 1,	    7,	   8,	9,  16, 4096, INT32_MAX};
	const uint64_t rsps[RSPS] = {0, 8, base, INT64_MAX, UINT64_MAX - 15, UINT64_MAX};
	static const size_t sizes[SIZES] = {0, 1, 7, 8, 9, 16, 24};

	for (size_t row = 0; row < OFFSETS * OFFSETS * RSPS * SIZES * 4; row++) {
		size_t form = row / OFFSETS / OFFSETS;
		uint64_t rsp = rsps[form / 4 % RSPS];
		size_t size = sizes[form / 4 / RSPS];
		int32_t offset = offsets[row / OFFSETS % OFFSETS];
		struct unwind_rule rule = {.kind = RULE_STEP,
					   .cfa_reg = form & 1 ? DWARF_RBP : DWARF_RSP,
					   .cfa_deref = form & 2,
					   .cfa_offset = offsets[row % OFFSETS],
					   .cfa_offset_after = offset};

		rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
		rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = offset};
		rule.saved[3] = rule.saved[DWARF_RIP];
		step(&rule, rsp, rsp + 8, size);
		rule.saved[DWARF_RIP].how = SAVED_AT_REG;
		rule.saved[DWARF_RIP].reg = DWARF_RBP;
		rule.saved[3] = rule.saved[DWARF_RIP];
		step(&rule, rsp, offset < 0 ? UINT64_MAX : rsp - 8, size);
	}
}

/* The last eight bytes are the last that can be read, whatever is computed from. */
Test(stack_walk_hostile, last_word_of_the_copy)
{
	uint8_t copy[16];
	struct walk walk;
	const uint64_t regs[DWARF_REG_COUNT] = {[DWARF_RSP] = base, [DWARF_RIP] = pc};

	memset(copy, 0x11, sizeof(copy));
	for (int32_t offset = 1; offset <= 32; offset++) {
		struct unwind_rule rule = {
		    .kind = RULE_STEP, .cfa_reg = DWARF_RSP, .cfa_offset = offset};
		enum stack_state state = STACK_COMPLETE;
		enum walk_result result;
		uint64_t wanted;

		rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
		rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
		rule_table_put(rules, pc, &rule);
		walk_begin(&walk, regs, false, copy, sizeof(copy), NULL, 0);
		result = walk_on(&walk, rules, &state, &wanted);
		cr_expect_eq(result == WALK_NEEDS_RULE, offset >= 8 && offset <= 16, "offset %d",
			     offset);
		if (offset > 16)
			cr_expect_eq(state, STACK_TRUNCATED, "offset %d", offset);
		else if (offset < 8)
			cr_expect_eq(state, STACK_BROKEN, "offset %d", offset);
	}
}
