/* unwinder: what is asked for, who waits for it, and that every copy ends exactly once. */
#include "config.h"

#include "stack/unwinder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MAX = 512, WORDS = 8 };

static const uint64_t base = 0x7ffc00001000;
static const uint64_t pc = 0x401000;
/* Code is what lies from here up to twice this. */
static const uint64_t code = 0x400000;

static struct rule_table *rules;
static struct stack_table *stacks;
static struct unwinder *unwinder;
static uint64_t asked[LOG_MAX];
static bool asked_ahead[LOG_MAX];
static size_t asked_count;
enum { SOURCE = UNWINDER_SOURCES - 1 };

static struct unwind_tag ended[LOG_MAX];
static struct stack *ended_stacks[LOG_MAX];
static size_t ended_count;
static bool answer_at_once;
static uint64_t words[WORDS];

static void on_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	(void)context;
	(void)address;
	(void)rule;
}

static void on_new(void *context, struct stack *stack)
{
	(void)context;
	(void)stack;
}

static void give(uint64_t address, enum rule_kind kind)
{
	struct unwind_rule rule = {.kind = (uint8_t)kind, .cfa_reg = DWARF_RSP, .cfa_offset = 8};

	rule.saved[DWARF_RSP].how = SAVED_IS_CFA;
	rule.saved[DWARF_RIP] = (struct saved_reg){.how = SAVED_AT_CFA, .offset = -8};
	unwinder_rule(unwinder, address, &rule);
}

static void on_need_rule(void *context, uint64_t address, bool ahead)
{
	cr_assert_eq(context, &words);
	cr_assert_lt(asked_count, LOG_MAX);
	asked_ahead[asked_count] = ahead;
	asked[asked_count++] = address;
	if (answer_at_once)
		give(address, RULE_STEP);
}

static bool on_is_code(void *context, uint64_t address)
{
	cr_assert_eq(context, &words);
	return address >= code && address < 2 * code;
}

static void on_done(void *context, struct unwind_tag tag, struct stack *stack)
{
	cr_assert_eq(context, &words);
	cr_assert_lt(ended_count, LOG_MAX);
	ended[ended_count] = tag;
	ended_stacks[ended_count++] = stack;
}

static void set_up(void)
{
	const struct unwinder_hooks hooks = {on_need_rule, on_is_code, on_done, &words};

	rules = rule_table_new(on_changed, NULL);
	stacks = stack_table_new(on_new, NULL);
	unwinder = unwinder_new(rules, stacks, &hooks);
}

static void tear_down(void)
{
	unwinder_free(unwinder);
	stack_table_free(stacks);
	rule_table_free(rules);
}

TestSuite(stack_unwinder, .init = set_up, .fini = tear_down);

static void submit_sized(uint64_t rip, const void *stack, size_t size, uint64_t id, bool in_bulk)
{
	const uint64_t regs[DWARF_REG_COUNT] = {[DWARF_RSP] = base, [DWARF_RIP] = rip};
	const struct stack_copy copy = {
	    .regs = regs, .stack = stack, .stack_size = size, .in_bulk = in_bulk};

	unwinder_submit(unwinder, &copy, (struct unwind_tag){.source = SOURCE, .id = id});
}

static void submit(uint64_t rip, uint64_t id)
{
	submit_sized(rip, words, sizeof(words), id, false);
}

static size_t times_asked(uint64_t address)
{
	size_t times = 0;

	for (size_t i = 0; i < asked_count; i++)
		times += asked[i] == address;
	return times;
}

Test(stack_unwinder, free_of_null)
{
	unwinder_free(NULL);
}

Test(stack_unwinder, known_rules_end_at_once)
{
	words[0] = 0x402000;
	give(pc, RULE_STEP);
	give(0x402000 - 1, RULE_END);
	submit(pc, 42);
	cr_assert_eq(asked_count, 0);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended[0].source, 7);
	cr_assert_eq(ended[0].id, 42);
	cr_assert_eq(ended_stacks[0]->state, STACK_COMPLETE);
	cr_assert_eq(ended_stacks[0]->frame_count, 2);
	cr_assert_eq(ended_stacks[0]->frames[1], 0x402000 - 1);
}

Test(stack_unwinder, kernel_frames_and_return_address)
{
	const uint64_t regs[DWARF_REG_COUNT] = {[DWARF_RSP] = base, [DWARF_RIP] = pc + 1};
	const uint64_t kernel[] = {0xffffffff81000000};
	const struct stack_copy copy = {
	    .regs = regs, .is_return = true, .kernel = kernel, .kernel_count = 1};

	give(pc, RULE_END);
	unwinder_submit(unwinder, &copy, (struct unwind_tag){0});
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended_stacks[0]->frame_count, 2);
	cr_assert_eq(ended_stacks[0]->frames[0], kernel[0]);
	cr_assert_eq(ended_stacks[0]->frames[1], pc);
}

Test(stack_unwinder, miss_waits_for_the_rule)
{
	submit(pc, 1);
	cr_assert_eq(ended_count, 0);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 1);
	cr_assert_eq(asked_count, 1);
	cr_assert_eq(asked[0], pc);
	give(pc, RULE_END);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	cr_assert_not_null(rule_table_get(rules, pc));
}

/* The copy is the caller's again once it has been submitted. */
Test(stack_unwinder, waiting_walk_has_its_own_bytes)
{
	words[0] = 0x900000;
	submit(pc, 1);
	memset(words, 0xff, sizeof(words));
	give(pc, RULE_STEP);
	give(0x900000 - 1, RULE_END);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended_stacks[0]->frame_count, 2);
	cr_assert_eq(ended_stacks[0]->frames[1], 0x900000 - 1);
}

Test(stack_unwinder, several_walks_wait_for_one_rule)
{
	for (uint64_t id = 0; id < 5; id++)
		submit(pc, id);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 5);
	cr_assert_eq(times_asked(pc), 1);
	give(pc, RULE_END);
	cr_assert_eq(ended_count, 5);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	for (uint64_t id = 0; id < 5; id++) {
		cr_assert_eq(ended[id].id, id, "in the order in which they came");
		cr_assert_eq(ended_stacks[id], ended_stacks[0]);
	}
}

/* Walks that part after the address they waited for, and one that comes back to it. */
Test(stack_unwinder, walks_go_on_to_different_addresses)
{
	words[0] = 0x900001;
	submit(pc, 1);
	words[0] = 0x900002;
	submit(pc, 2);
	words[0] = pc + 1;
	submit(pc, 3);
	give(pc, RULE_STEP);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 2);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended[0].id, 3);
	cr_assert_eq(times_asked(0x900000), 1);
	cr_assert_eq(times_asked(0x900001), 1);
	give(0x900001, RULE_END);
	cr_assert_eq(ended_count, 2);
	cr_assert_eq(ended[1].id, 2);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 1);
	give(0x900000, RULE_UNKNOWN);
	cr_assert_eq(ended[2].id, 1);
	cr_assert_eq(ended_stacks[2]->state, STACK_BROKEN);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
}

Test(stack_unwinder, rules_are_asked_ahead)
{
	words[0] = 0x402000;
	words[1] = 1234;
	words[2] = 0x403000;
	words[3] = 0x402000;
	words[4] = 0x404000;
	give(0x404000 - 1, RULE_END);
	submit(pc, 1);
	cr_assert_eq(asked_count, 3, "%zu questions", asked_count);
	cr_assert_eq(times_asked(pc), 1);
	cr_assert_eq(times_asked(0x402000 - 1), 1);
	cr_assert_eq(times_asked(0x403000 - 1), 1);
	/* Answers in any order: the walk waits for what it is at. */
	give(0x403000 - 1, RULE_END);
	give(0x402000 - 1, RULE_END);
	cr_assert_eq(ended_count, 0);
	give(pc, RULE_STEP);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended_stacks[0]->frame_count, 2);
	cr_assert_eq(asked_count, 3);
}

/* What was asked ahead for one walk is not asked again for the next. */
Test(stack_unwinder, asked_ahead_once_for_all)
{
	words[0] = 0x402000;
	submit(pc, 1);
	submit(0x402000 - 1, 2);
	submit(pc + 16, 3);
	cr_assert_eq(asked_count, 3);
	cr_assert_eq(times_asked(0x402000 - 1), 1);
	give(0x402000 - 1, RULE_END);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended[0].id, 2);
}

/* Bytes behind the last whole word are no word, and the number of questions has its limit. */
Test(stack_unwinder, asking_ahead_is_bounded)
{
	uint64_t many[1000];

	words[0] = 0x402000;
	submit_sized(pc, words, 7, 1, false);
	cr_assert_eq(asked_count, 1);
	for (size_t i = 0; i < 1000; i++)
		many[i] = code + 0x10000 + i;
	submit_sized(pc + 1, many, sizeof(many), 2, false);
	cr_assert_leq(asked_count, 1 + 257);
	cr_assert_geq(asked_count, 100);
	cr_assert_eq(times_asked(pc + 1), 1);
}

/* What only looks like a return address is given up when it is not easily known, and a frame is not. */
Test(stack_unwinder, no_rule_ahead)
{
	words[0] = 0x402001;
	words[1] = 0x403001;
	submit(pc, 1);
	cr_assert_eq(asked_count, 3);
	for (size_t i = 0; i < asked_count; i++)
		cr_expect_eq(asked_ahead[i], asked[i] != pc, "%#jx", (uintmax_t)asked[i]);
	unwinder_no_rule(unwinder, 0x403000);
	cr_assert_eq(asked_count, 3);
	give(pc, RULE_STEP);
	cr_assert_eq(asked_count, 3, "it waits for what was asked ahead");
	unwinder_no_rule(unwinder, 0x402000);
	cr_assert_eq(asked_count, 4);
	cr_assert_eq(asked[3], 0x402000);
	cr_assert_not(asked_ahead[3]);
	give(0x402000, RULE_STEP);
	cr_assert_eq(asked_count, 5);
	cr_assert_eq(asked[4], 0x403000);
	cr_assert_not(asked_ahead[4], "nobody waited for it when it was given up");
	give(0x403000, RULE_END);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended_stacks[0]->state, STACK_COMPLETE);
	unwinder_no_rule(unwinder, 0x404000);
	cr_assert_eq(asked_count, 5, "one that nobody has asked for");
}

/* As session.c does for the kernel's own page: unwinder_rule() inside need_rule. */
Test(stack_unwinder, answers_at_once)
{
	answer_at_once = true;
	words[0] = 0x402000;
	words[1] = 0x900001;
	words[2] = 0x403000;
	submit(pc, 1);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	cr_assert_eq(ended_stacks[0]->state, STACK_COMPLETE);
	cr_assert_eq(ended_stacks[0]->frame_count, 4);
	cr_assert_eq(ended_stacks[0]->frames[2], 0x900000);
	for (size_t i = 0; i < asked_count; i++)
		cr_assert_eq(times_asked(asked[i]), 1);
}

/* A row of so many bytes around an address. */
static void give_row(uint64_t first, uint32_t bytes, enum rule_kind kind)
{
	struct unwind_rule rule = {.kind = (uint8_t)kind, .cfa_reg = DWARF_RSP, .cfa_offset = 8};

	rule.after = bytes - 1;
	unwinder_rule(unwinder, first, &rule);
}

/* Both neighbours of the row, then theirs; what is known is stepped over. */
Test(stack_unwinder, rows_around_an_address_are_learnt)
{
	give_row(0x500010, 16, RULE_STEP);
	unwinder_learn_around(unwinder, 0x500018);
	cr_assert_eq(asked_count, 2);
	cr_assert_eq(times_asked(0x50000f), 1);
	cr_assert_eq(times_asked(0x500020), 1);
	give_row(0x500024, 4, RULE_STEP);
	give_row(0x500020, 4, RULE_STEP);
	cr_assert_eq(asked_count, 3);
	cr_assert_eq(times_asked(0x500028), 1);
	/* A gap in the CFI is the end of the function, and so is the end of the code. */
	give_row(0x500028, 1, RULE_UNKNOWN);
	give_row(0x50000f, 1, RULE_END);
	cr_assert_eq(asked_count, 3);
	unwinder_learn_around(unwinder, 0x500018);
	cr_assert_eq(asked_count, 3);
	give_row(code, 4, RULE_STEP);
	unwinder_learn_around(unwinder, code);
	cr_assert_eq(asked_count, 4);
	cr_assert_eq(times_asked(code + 4), 1);
}

Test(stack_unwinder, learning_around_is_bounded)
{
	answer_at_once = true;
	give(0x500100, RULE_STEP);
	unwinder_learn_around(unwinder, 0x500100);
	cr_assert_eq(asked_count, 24);
	for (size_t i = 0; i < asked_count; i++)
		cr_expect(asked[i] >= 0x500100 - 12 && asked[i] <= 0x500100 + 12);
}

/* Several walks wait, and the first answer sets off all others inside of each other. */
Test(stack_unwinder, answers_at_once_to_many)
{
	for (uint64_t id = 0; id < 100; id++) {
		words[0] = 0x900000 + id % 10;
		words[1] = 0xa00000 + id % 7;
		submit(pc, id);
	}
	answer_at_once = true;
	give(pc, RULE_STEP);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	cr_assert_eq(ended_count, 100);
	for (size_t i = 0; i < 100; i++) {
		cr_expect_eq(ended_stacks[i]->frame_count, 3);
		cr_expect_eq(ended_stacks[i]->frames[1], 0x900000 + ended[i].id % 10 - 1);
		cr_expect_eq(ended_stacks[i]->frames[2], 0xa00000 + ended[i].id % 7 - 1);
	}
	for (size_t i = 0; i < asked_count; i++)
		cr_expect_eq(times_asked(asked[i]), 1);
}

/* So many MiB of copies may wait; the next one ends with the frames it has. */
static void expect_room(size_t mebibytes, bool in_bulk)
{
	enum { SIZE = 1 << 20 };
	uint64_t *big = calloc(1, SIZE);
	size_t waiting;

	give(pc, RULE_STEP);
	big[0] = 0x900001;
	for (waiting = 0; waiting < 2 * mebibytes && !ended_count; waiting++)
		submit_sized(pc, big, SIZE, waiting, in_bulk);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), mebibytes - 1);
	cr_assert_eq(ended_count, 1);
	cr_assert_eq(ended[0].id, mebibytes - 1);
	cr_assert_eq(ended_stacks[0]->state, STACK_UNLEARNT);
	cr_assert_eq(ended_stacks[0]->frame_count, 2);
	cr_assert_eq(ended_stacks[0]->frames[0], pc);
	cr_assert_eq(ended_stacks[0]->frames[1], 0x900000);
	/* A small one still has room, and with the rule all of them go on. */
	submit_sized(pc, big, 8, 99, in_bulk);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), mebibytes);
	give(0x900000, RULE_END);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 0);
	cr_assert_eq(ended_count, mebibytes + 1);
	submit_sized(0xb00000, big, SIZE, 100, in_bulk);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 1, "the room is free again");
	free(big);
}

Test(stack_unwinder, full_queue_ends_unlearnt)
{
	expect_room(32, false);
}

/* What comes in bulk leaves room for the others. */
Test(stack_unwinder, bulk_fills_a_part_of_the_queue)
{
	expect_room(24, true);
}

Test(stack_unwinder, a_rule_nobody_waits_for)
{
	give(pc, RULE_END);
	cr_assert_eq(ended_count, 0);
	cr_assert_not_null(rule_table_get(rules, pc));
}

/* The sanitizer build sees whether what still waits is freed. */
Test(stack_unwinder, free_with_waiting_walks)
{
	words[0] = 0x402000;
	submit(pc, 1);
	submit(pc, 2);
	submit(pc + 8, 3);
	cr_assert_eq(unwinder_pending(unwinder, SOURCE), 3);
}
