/* stack_table: one entry for one stack, under the id that the kernel computes for it too. */
#include "config.h"

#include "stack/stack_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* As stack_table.c has it. */
enum { CAPACITY = 1 << 18 };

struct seen {
	size_t count;
	const struct stack *last;
};

static struct seen seen;
static struct stack_table *table;

/* Writes to every symbol, so that an array too short for the frames is found. */
static void on_new(void *context, struct stack *stack)
{
	struct seen *to = context;

	to->count++;
	to->last = stack;
	for (uint32_t i = 0; i < stack->frame_count; i++)
		stack->symbols[i] = (struct symbol *)&seen;
}

static void make_table(void)
{
	table = stack_table_new(on_new, &seen);
}

static void free_table(void)
{
	stack_table_free(table);
}

TestSuite(stack_table, .init = make_table, .fini = free_table);

static const uint64_t frames[] = {0xffffffff81000000, 0x401000, 0x402000, 0x403000};
enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };

/* Written out from the comment in bpf/abi.h and not by its function. */
static uint64_t id_by_hand(const uint64_t *values, size_t count, uint64_t state)
{
	uint64_t id = 0;

	for (size_t i = 0; i <= count; i++) {
		id ^= i < count ? values[i] : state;
		id *= UINT64_C(0x9e3779b97f4a7c15);
		id ^= id >> 29;
	}
	return id & ~(UINT64_C(1) << 63);
}

Test(stack_table, free_of_null)
{
	stack_table_free(NULL);
}

Test(stack_table, id_is_the_kernels)
{
	for (size_t count = 0; count <= FRAMES; count++)
		for (unsigned state = STACK_COMPLETE; state <= STACK_UNLEARNT; state++)
			cr_expect_eq(stack_table_id(frames, count, state),
				     id_by_hand(frames, count, state), "%zu frames, state %u",
				     count, state);
}

/* The program for the kernel includes the same function: steps as unwind_stack() makes them. */
Test(stack_table, id_is_made_of_the_shared_steps)
{
	__u64 id = 0;

	for (size_t i = 0; i < FRAMES; i++)
		id = stack_id_step(id, frames[i]);
	id = stack_id_step(id, STACK_TRUNCATED) & STACK_ID_MASK;
	cr_assert_eq(stack_table_id(frames, FRAMES, STACK_TRUNCATED), id);
}

Test(stack_table, id_is_never_provisional)
{
	uint64_t values[2] = {0, 0x401000};

	for (values[0] = 0; values[0] < 1000; values[0]++)
		cr_expect_eq(stack_table_id(values, 2, STACK_COMPLETE) & STACK_ID_PROVISIONAL, 0);
}

Test(stack_table, id_depends_on_order_state_and_length)
{
	const uint64_t swapped[] = {0x402000, 0x401000};
	uint64_t id = stack_table_id(&frames[1], 2, STACK_COMPLETE);

	cr_expect_neq(stack_table_id(swapped, 2, STACK_COMPLETE), id);
	cr_expect_neq(stack_table_id(&frames[1], 2, STACK_BROKEN), id);
	cr_expect_neq(stack_table_id(&frames[1], 3, STACK_COMPLETE), id);
	cr_expect_neq(stack_table_id(&frames[1], 1, STACK_COMPLETE), id);
}

Test(stack_table, intern_copies)
{
	uint64_t copy[FRAMES];
	struct stack *stack;

	memcpy(copy, frames, sizeof(copy));
	stack = stack_table_intern(table, copy, FRAMES, STACK_TRUNCATED);
	memset(copy, 0, sizeof(copy));
	cr_assert_not_null(stack);
	cr_assert_eq(stack->frame_count, FRAMES);
	cr_assert_eq(stack->state, STACK_TRUNCATED);
	cr_assert_eq(stack->id, stack_table_id(frames, FRAMES, STACK_TRUNCATED));
	cr_assert_arr_eq(stack->frames, frames, sizeof(frames));
	cr_assert_not_null(stack->symbols);
}

Test(stack_table, same_frames_same_entry)
{
	struct stack *first = stack_table_intern(table, frames, FRAMES, STACK_COMPLETE);
	struct stack *other = stack_table_intern(table, frames, FRAMES, STACK_BROKEN);
	struct stack *shorter = stack_table_intern(table, frames, FRAMES - 1, STACK_COMPLETE);

	cr_assert_eq(stack_table_intern(table, frames, FRAMES, STACK_COMPLETE), first);
	cr_assert_neq(other, first);
	cr_assert_neq(shorter, first);
	cr_assert_neq(shorter, other);
}

Test(stack_table, new_stacks_are_told_once)
{
	struct stack *stack = stack_table_intern(table, frames, FRAMES, STACK_COMPLETE);

	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.last, stack);
	(void)stack_table_intern(table, frames, FRAMES, STACK_COMPLETE);
	cr_assert_eq(seen.count, 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		cr_assert_eq((void *)stack->symbols[i], &seen);
	(void)stack_table_intern(table, frames, FRAMES, STACK_UNLEARNT);
	cr_assert_eq(seen.count, 2);
}

Test(stack_table, a_stack_without_frames)
{
	struct stack *stack = stack_table_intern(table, NULL, 0, STACK_BROKEN);

	cr_assert_not_null(stack);
	cr_assert_eq(stack->frame_count, 0);
	cr_assert_not_null(stack->symbols);
	cr_assert_eq(stack_table_intern(table, NULL, 0, STACK_BROKEN), stack);
	cr_assert_eq(stack_table_find(table, stack->id), stack);
}

Test(stack_table, find)
{
	struct stack *stack = stack_table_intern(table, frames, FRAMES, STACK_COMPLETE);

	cr_assert_eq(stack_table_find(table, stack->id), stack);
	cr_assert_null(stack_table_find(table, stack->id + 1));
	cr_assert_null(stack_table_find(table, stack->id | STACK_ID_PROVISIONAL));
	cr_assert_null(stack_table_find(table, 0));
	cr_assert_eq(seen.count, 1, "looking for a stack makes none");
}

/* Entries stay where they are, and beyond the capacity stacks are refused and counted. */
Test(stack_table, full, .timeout = 60)
{
	struct stack *first = NULL, *refused;
	uint64_t id;

	for (uint64_t frame = 1; frame <= CAPACITY; frame++) {
		struct stack *stack = stack_table_intern(table, &frame, 1, STACK_COMPLETE);

		cr_assert_not_null(stack, "stack %d", (int)frame);
		if (!first)
			first = stack;
	}
	cr_assert_eq(stack_table_refused(table), 0);
	refused = stack_table_intern(table, frames, FRAMES, STACK_COMPLETE);
	cr_assert_null(refused);
	cr_assert_null(stack_table_intern(table, frames, FRAMES, STACK_COMPLETE));
	cr_assert_eq(stack_table_refused(table), 2);
	cr_assert_eq(seen.count, CAPACITY);
	id = stack_table_id(frames, FRAMES, STACK_COMPLETE);
	cr_assert_null(stack_table_find(table, id));
	/* Those that are there are still found, without being counted as refused. */
	cr_assert_eq(stack_table_intern(table, &(uint64_t){1}, 1, STACK_COMPLETE), first);
	cr_assert_eq(first->frames[0], 1);
	cr_assert_eq(stack_table_refused(table), 2);
}

static void add_frame(void *context, struct stack *stack, uint64_t amount)
{
	*(uint64_t *)context += stack->frames[0] + amount;
}

Test(stack_table, each)
{
	uint64_t sum = 0;

	stack_table_each(table, add_frame, &sum);
	cr_expect_eq(sum, 0);
	for (uint64_t frame = 1; frame <= 100; frame++)
		(void)stack_table_intern(table, &frame, 1, STACK_COMPLETE);
	stack_table_each(table, add_frame, &sum);
	cr_expect_eq(sum, 5050);
}

/* What nobody marked goes, what is marked stays where it is. */
Test(stack_table, sweep)
{
	struct stack *kept[50];

	for (uint64_t frame = 1; frame <= 100; frame++) {
		struct stack *stack = stack_table_intern(table, &frame, 1, STACK_COMPLETE);

		if (frame % 2 == 0) {
			stack->mark = 7;
			kept[frame / 2 - 1] = stack;
		}
	}
	cr_assert_eq(stack_table_count(table), 100);
	stack_table_sweep(table, 7);
	cr_assert_eq(stack_table_count(table), 50);
	for (uint64_t frame = 1; frame <= 100; frame++) {
		uint64_t id = stack_table_id(&frame, 1, STACK_COMPLETE);

		cr_expect_eq(stack_table_find(table, id), frame % 2 ? NULL : kept[frame / 2 - 1]);
	}
	seen.count = 0;
	cr_assert_not_null(stack_table_intern(table, &(uint64_t){1}, 1, STACK_COMPLETE));
	cr_assert_eq(seen.count, 1, "it is new again");
	stack_table_sweep(table, 8);
	cr_assert_eq(stack_table_count(table), 0);
}
