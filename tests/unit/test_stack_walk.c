/* walk: each form of a rule, and each way to end. */
#include "config.h"

#include "stack/walk.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 32 };

static const uint64_t base = 0x7ffc00001000; /* address of the copy's first byte */
static const uint64_t pc = 0x401000;

static struct rule_table *rules;
static struct walk walk;
static enum stack_state state;
static uint64_t wanted;
/* Of its very size from malloc(), so that AddressSanitizer sees a read behind it. */
static uint8_t *copy;

static void on_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	(void)context;
	(void)address;
	(void)rule;
}

static void set_up(void)
{
	rules = rule_table_new(on_changed, NULL);
	copy = calloc(WORDS, sizeof(uint64_t));
}

static void tear_down(void)
{
	rule_table_free(rules);
	free(copy);
}

TestSuite(stack_walk, .init = set_up, .fini = tear_down);

static void set_word(size_t index, uint64_t value)
{
	memcpy(copy + index * sizeof(value), &value, sizeof(value));
}

/* CFA = reg + offset, rip at CFA - 8, rsp is CFA, all else unchanged. */
static struct unwind_rule ordinary(uint8_t reg, int32_t offset)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = reg, .cfa_offset = offset};

	rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	return rule;
}

static void put(uint64_t address, struct unwind_rule rule)
{
	rule_table_put(rules, address, &rule);
}

static void put_end(uint64_t address)
{
	put(address, (struct unwind_rule){.kind = RULE_END});
}

static void begin_at(uint64_t rip, uint64_t rsp, const uint64_t *kernel, size_t kernel_count)
{
	const uint64_t regs[DWARF_REG_COUNT] = {[DWARF_RSP] = rsp, [DWARF_RIP] = rip};

	walk_begin(&walk, regs, false, copy, WORDS * sizeof(uint64_t), kernel, kernel_count);
}

/* Begins at `pc` with rsp at the start of the copy. */
static void begin(uint64_t rbp, size_t words)
{
	begin_at(pc, base, NULL, 0);
	walk.regs[DWARF_RBP] = rbp;
	walk.stack_size = words * sizeof(uint64_t);
}

static enum walk_result go(void)
{
	return walk_on(&walk, rules, &state, &wanted);
}

static void expect_end(enum stack_state end, size_t frame_count)
{
	cr_assert_eq(go(), WALK_DONE);
	cr_assert_eq(state, end, "state %d", (int)state);
	cr_assert_eq(walk.frame_count, frame_count, "%zu frames", walk.frame_count);
}

/* The innermost frame is the pc itself, a caller's its return address less one. */
Test(stack_walk, cfa_from_rsp)
{
	put(pc, ordinary(DWARF_RSP, 16));
	put_end(0x5000 - 1);
	set_word(1, 0x5000);
	begin(0, WORDS);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[0], pc);
	cr_assert_eq(walk.frames[1], 0x5000 - 1);
}

Test(stack_walk, begins_at_a_return_address)
{
	const uint64_t regs[DWARF_REG_COUNT] = {[DWARF_RSP] = base, [DWARF_RIP] = pc};

	put_end(pc - 1);
	walk_begin(&walk, regs, true, copy, 0, NULL, 0);
	expect_end(STACK_COMPLETE, 1);
	cr_assert_eq(walk.frames[0], pc - 1);
}

Test(stack_walk, cfa_from_rbp)
{
	put(pc, ordinary(DWARF_RBP, 16));
	put_end(0x5000 - 1);
	set_word(5, 0x5000);
	begin(base + 32, WORDS);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.regs[DWARF_RSP], base + 48);
}

/* A chain of frame pointers: each caller's CFA is found by the rbp that was restored. */
Test(stack_walk, saved_rbp)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, 16);

	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -16};
	put(pc, rule);
	put(0x5000 - 1, rule);
	put_end(0x6000 - 1);
	set_word(2, base + 80);
	set_word(3, 0x5000);
	set_word(10, 0xabcd);
	set_word(11, 0x6000);
	begin(base + 16, WORDS);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[2], 0x6000 - 1);
	cr_assert_eq(walk.regs[DWARF_RBP], 0xabcd);
	cr_assert_eq(walk.regs[DWARF_RSP], base + 96);
}

Test(stack_walk, saved_at_a_register)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 16);

	rule.saved[12] = (struct saved_reg){.how = SAVED_AT_REG, .reg = DWARF_RBP, .offset = -8};
	put(pc, rule);
	set_word(4, 0x1234);
	begin(base + 40, WORDS);
	expect_end(STACK_COMPLETE, 1);
	cr_assert_eq(walk.regs[12], 0x1234);
}

/* As in a function that aligned its stack: CFA is in memory, with 8 more where it is said so. */
Test(stack_walk, dereferenced_cfa)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, -8);

	rule.cfa_deref = true;
	put(pc, rule);
	put_end(0x5000 - 1);
	put_end(0x6000 - 1);
	set_word(3, base + 80);
	set_word(9, 0x5000);
	set_word(10, 0x6000);
	begin(base + 32, WORDS);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[1], 0x5000 - 1);
	cr_assert_eq(walk.regs[DWARF_RSP], base + 80);
	rule.cfa_offset_after = 8;
	put(pc, rule);
	begin(base + 32, WORDS);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[1], 0x6000 - 1);
	cr_assert_eq(walk.regs[DWARF_RSP], base + 88);
}

static struct unwind_rule signal_rule(void)
{
	struct unwind_rule rule = {.kind = RULE_STEP, .cfa_reg = DWARF_RSP, .signal_frame = true};

	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = 8};
	rule.saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = 16};
	return rule;
}

/* The interrupted function is looked up at the very pc, and its callers at less one again. */
Test(stack_walk, signal_frame)
{
	put(pc, signal_rule());
	put(0x5000, ordinary(DWARF_RSP, 8));
	put_end(0x6000 - 1);
	set_word(1, 0x5000);
	set_word(2, base + 160);
	set_word(20, 0x6000);
	begin(0, WORDS);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[1], 0x5000);
	cr_assert_eq(walk.frames[2], 0x6000 - 1);
}

/* The handler's return address is the trampoline's beginning, not the end of a call. */
Test(stack_walk, trampoline_is_named_by_its_beginning)
{
	put(pc, ordinary(DWARF_RSP, 8));
	put(0x5000 - 1, signal_rule());
	put_end(0x6000);
	set_word(0, 0x5000);
	set_word(2, 0x6000);
	set_word(3, base + 64);
	begin(0, WORDS);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[1], 0x5000);
}

/* An alternative signal stack may be above the interrupted one: rsp goes down here. */
Test(stack_walk, signal_frame_lets_rsp_go_down)
{
	put(pc, signal_rule());
	put_end(0x5000);
	begin_at(pc, base + 128, NULL, 0);
	set_word(1, 0x5000);
	set_word(2, base);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[1], 0x5000);
	cr_assert_eq(walk.regs[DWARF_RSP], base);
}

Test(stack_walk, kernel_frames_come_first)
{
	const uint64_t kernel[] = {0xffffffff81000001, 0xffffffff82000002};

	put_end(pc);
	begin_at(pc, base, kernel, 2);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[0], kernel[0]);
	cr_assert_eq(walk.frames[1], kernel[1]);
	cr_assert_eq(walk.frames[2], pc);
	cr_assert_eq(walk.user_frames, 1);
}

Test(stack_walk, too_many_kernel_frames_are_left_out)
{
	uint64_t kernel[STACK_KERNEL_MAX + 10];

	for (size_t i = 0; i < STACK_KERNEL_MAX + 10; i++)
		kernel[i] = UINT64_MAX - i;
	put(pc, signal_rule());
	set_word(1, pc);
	set_word(2, base);
	begin_at(pc, base, kernel, STACK_KERNEL_MAX + 10);
	expect_end(STACK_TRUNCATED, WALK_FRAMES_MAX);
	cr_assert_eq(walk.frames[0], kernel[0]);
	cr_assert_eq(walk.frames[STACK_KERNEL_MAX - 1], kernel[STACK_KERNEL_MAX - 1]);
	cr_assert_eq(walk.frames[STACK_KERNEL_MAX], pc);
}

Test(stack_walk, rule_unknown_is_broken_and_return_address_zero_complete)
{
	put(pc, (struct unwind_rule){.kind = RULE_UNKNOWN});
	begin(0, WORDS);
	expect_end(STACK_BROKEN, 1);
	put(pc, ordinary(DWARF_RSP, 8));
	begin(0, WORDS);
	expect_end(STACK_COMPLETE, 1);
}

Test(stack_walk, rsp_must_grow)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	for (int32_t offset = -16; offset <= -8; offset += 8) {
		rule.saved[DWARF_RSP].offset = offset;
		put(pc, rule);
		set_word(0, pc + 1);
		begin(0, WORDS);
		expect_end(STACK_BROKEN, 1);
	}
}

/* A frame pointer that points to itself. */
Test(stack_walk, cycle_of_frame_pointers_is_broken)
{
	struct unwind_rule rule = ordinary(DWARF_RBP, 16);

	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -16};
	put(pc, rule);
	set_word(2, base + 16);
	set_word(3, pc + 1);
	begin(base + 16, WORDS);
	expect_end(STACK_BROKEN, 2);
}

static void fill_recursion(size_t words)
{
	free(copy);
	copy = calloc(words, sizeof(uint64_t));
	for (size_t i = 0; i < words; i++)
		set_word(i, pc + 1);
	put(pc, ordinary(DWARF_RSP, 8));
}

Test(stack_walk, at_most_127_frames)
{
	fill_recursion(200);
	begin(0, 200);
	expect_end(STACK_TRUNCATED, STACK_FRAMES_MAX);
	set_word(126, 0);
	begin(0, 200);
	expect_end(STACK_COMPLETE, 127);
}

Test(stack_walk, deeper_than_the_copy_is_truncated)
{
	fill_recursion(10);
	begin(0, 10);
	expect_end(STACK_TRUNCATED, 11);
	begin(0, 0);
	expect_end(STACK_TRUNCATED, 1);
}

Test(stack_walk, resumes_after_a_missing_rule)
{
	set_word(0, 0x5000);
	set_word(1, 0x6000);
	begin(0, WORDS);
	cr_assert_eq(go(), WALK_NEEDS_RULE);
	cr_assert_eq(wanted, pc);
	put(pc, ordinary(DWARF_RSP, 8));
	cr_assert_eq(go(), WALK_NEEDS_RULE);
	cr_assert_eq(wanted, 0x5000 - 1);
	put(0x5000 - 1, ordinary(DWARF_RSP, 8));
	put_end(0x6000 - 1);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[0], pc);
	cr_assert_eq(walk.frames[1], 0x5000 - 1);
	cr_assert_eq(walk.frames[2], 0x6000 - 1);
}

Test(stack_walk, undefined_registers_are_broken)
{
	static const uint8_t lost[] = {DWARF_RIP, DWARF_RSP, DWARF_RBP};

	set_word(0, 0x5000);
	put(0x5000 - 1, ordinary(DWARF_RBP, 16));
	for (size_t i = 0; i < 3; i++) {
		struct unwind_rule rule = ordinary(DWARF_RSP, 8);

		rule.saved[lost[i]].how = SAVED_UNDEFINED;
		put(pc, rule);
		begin(base + 32, WORDS);
		expect_end(STACK_BROKEN, lost[i] == DWARF_RBP ? 2 : 1);
	}
}

/* What the kernel says of the sample that begin(0, WORDS) begins with. */
static struct returns_record said_of_begin(void)
{
	return (struct returns_record){
	    .kind = RECORD_RETURNS, .rip = pc, .rsp = base, .trampoline = 0x7000};
}

/* While a function's return is probed, the kernel has the return address and the stack has not. */
Test(stack_walk, displaced_return_addresses)
{
	struct returns_record said = said_of_begin();

	put(pc, ordinary(DWARF_RSP, 8));
	put(0x5000 - 1, ordinary(DWARF_RSP, 8));
	put(0x6000 - 1, ordinary(DWARF_RSP, 8));
	put_end(0x6100 - 1);
	set_word(0, 0x5000);
	set_word(1, 0x7000);
	set_word(2, 0x7000);
	said.returns[said.count++] = (struct displaced_return){base + 8, 0x6000};
	said.returns[said.count++] = (struct displaced_return){base + 16, 0x6100};
	begin(0, WORDS);
	walk_put_back(&walk, &said);
	expect_end(STACK_COMPLETE, 4);
	cr_assert_eq(walk.frames[2], 0x6000 - 1);
	cr_assert_eq(walk.frames[3], 0x6100 - 1);
}

/* A call that was left by a jump is still in the kernel's list; another one has its slot now. */
Test(stack_walk, only_the_trampoline_is_displaced)
{
	struct returns_record said = said_of_begin();

	put(pc, ordinary(DWARF_RSP, 8));
	put_end(0x5000 - 1);
	set_word(0, 0x5000);
	said.returns[said.count++] = (struct displaced_return){base, 0x6000};
	begin(0, WORDS);
	walk_put_back(&walk, &said);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[1], 0x5000 - 1);
}

/* Without a word of the kernel's the trampoline is what it is: nothing. */
Test(stack_walk, unknown_displaced_return_address)
{
	struct returns_record said = said_of_begin();

	put(pc, ordinary(DWARF_RSP, 8));
	put(0x7000 - 1, (struct unwind_rule){.kind = RULE_UNKNOWN});
	set_word(0, 0x7000);
	said.returns[said.count++] = (struct displaced_return){base + 8, 0x6000};
	begin(0, WORDS);
	walk_put_back(&walk, &said);
	expect_end(STACK_BROKEN, 2);
	cr_assert_eq(walk.frames[1], 0x7000 - 1);
}

/* In the trampoline the function has returned; the copy still begins where the sample's rsp was. */
Test(stack_walk, begins_elsewhere)
{
	struct returns_record said = said_of_begin();

	put(0x6000 - 1, ordinary(DWARF_RSP, 8));
	put_end(0x6100 - 1);
	set_word(0, 0x5000);
	set_word(3, 0x6100);
	said.rip = 0x6000;
	said.rsp = base + 24;
	said.is_return = 1;
	begin(0, WORDS);
	walk_put_back(&walk, &said);
	expect_end(STACK_COMPLETE, 2);
	cr_assert_eq(walk.frames[0], 0x6000 - 1);
	cr_assert_eq(walk.frames[1], 0x6100 - 1);
}

static void put_frame_pointer_guess(uint64_t address)
{
	put(address, unwind_rule_frame_pointer());
}

/* rbp points at the caller's rbp, above which is the return address. */
Test(stack_walk, guess_by_frame_pointers)
{
	put_frame_pointer_guess(pc);
	put_frame_pointer_guess(0x5000 - 1);
	put_end(0x6000 - 1);
	set_word(2, base + 5 * sizeof(uint64_t));
	set_word(3, 0x5000);
	set_word(5, 0);
	set_word(6, 0x6000);
	begin(base + 2 * sizeof(uint64_t), WORDS);
	expect_end(STACK_GUESSED, 3);
	cr_assert_eq(walk.frames[1], 0x5000 - 1);
	cr_assert_eq(walk.regs[DWARF_RBP], 0);
	cr_assert_eq(walk.regs[DWARF_RSP], base + 7 * sizeof(uint64_t));
}

/* A frame pointer that does not lead upwards ends the walk, and that is no guessed end. */
Test(stack_walk, guess_that_does_not_come_true)
{
	put_frame_pointer_guess(pc);
	set_word(0, base);
	set_word(1, pc + 1);
	begin(base - 2 * sizeof(uint64_t), WORDS);
	expect_end(STACK_BROKEN, 1);
	begin(base, WORDS);
	expect_end(STACK_BROKEN, 2);
}

Test(stack_walk, guess_counts_only_for_its_own_walk)
{
	put_frame_pointer_guess(pc);
	put_end(0x5000 - 1);
	put_end(0x7000);
	set_word(0, 0);
	set_word(1, 0x5000);
	begin(base, WORDS);
	expect_end(STACK_GUESSED, 2);
	begin_at(0x7000, base, NULL, 0);
	expect_end(STACK_COMPLETE, 1);
}

/* CFA is rsp + 8, and rbp, which was pushed there, has been popped. */
static struct unwind_rule popped_rule(void)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -16};
	return rule;
}

Test(stack_walk, popped_register_has_its_value_again)
{
	put(pc, popped_rule());
	put(0x5000 - 1, ordinary(DWARF_RBP, 16));
	put_end(0x6000 - 1);
	set_word(0, 0x5000);
	set_word(3, 0x6000);
	begin(base + 16, WORDS);
	expect_end(STACK_COMPLETE, 3);
	cr_assert_eq(walk.frames[2], 0x6000 - 1);
}

/* Where a caller is, nothing of its own has been popped: what lies outside the copy is not known. */
Test(stack_walk, only_the_innermost_frame_pops)
{
	struct unwind_rule rule = ordinary(DWARF_RSP, 8);

	rule.saved[DWARF_RBP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -800};
	put(pc, ordinary(DWARF_RSP, 8));
	put(0x5000 - 1, rule);
	put(0x6000 - 1, ordinary(DWARF_RBP, 16));
	set_word(0, 0x5000);
	set_word(1, 0x6000);
	begin(base + 16, WORDS);
	expect_end(STACK_BROKEN, 3);
}
