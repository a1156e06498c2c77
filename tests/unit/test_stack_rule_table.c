/* rule_table: the rules, and that the kernel is told of every change. */
#include "config.h"

#include "stack/rule_table.h"

#include <criterion/criterion.h>
#include <stdbool.h>

/* As rule_table.c has it; the kernel's map in bpf/unwind.bpf.h is as large. */
enum { CAPACITY = 1 << 16 };

/* What the hook was told. */
struct changes {
	size_t put_count;
	size_t removed_count;
	uint64_t last_address;
	struct unwind_rule last_rule;
	uint64_t address_sum;
	bool was_removed[16];
};

static struct changes changes;
static struct rule_table *table;

static void on_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	struct changes *to = context;

	to->last_address = address;
	to->address_sum += address;
	if (!rule) {
		to->removed_count++;
		if (address < 16)
			to->was_removed[address] = true;
		return;
	}
	to->put_count++;
	to->last_rule = *rule;
}

static void make_table(void)
{
	table = rule_table_new(on_changed, &changes);
}

static void free_table(void)
{
	rule_table_free(table);
}

TestSuite(stack_rule_table, .init = make_table, .fini = free_table);

static struct unwind_rule rule_of(int32_t offset)
{
	return (struct unwind_rule){.kind = RULE_STEP, .cfa_reg = DWARF_RSP, .cfa_offset = offset};
}

static void put(uint64_t address, int32_t offset)
{
	struct unwind_rule rule = rule_of(offset);

	rule_table_put(table, address, &rule);
}

Test(stack_rule_table, free_of_null)
{
	rule_table_free(NULL);
}

Test(stack_rule_table, unknown_address)
{
	cr_assert_null(rule_table_get(table, 0x1000));
	put(0x1000, 8);
	cr_assert_null(rule_table_get(table, 0xfff));
	cr_assert_null(rule_table_get(table, 0x1001));
}

Test(stack_rule_table, put_keeps_a_copy_and_tells)
{
	struct unwind_rule rule = rule_of(24);

	rule_table_put(table, 0x1000, &rule);
	rule.cfa_offset = 0;
	cr_assert_not_null(rule_table_get(table, 0x1000));
	cr_assert_eq(rule_table_get(table, 0x1000)->cfa_offset, 24);
	cr_assert_eq(changes.put_count, 1);
	cr_assert_eq(changes.removed_count, 0);
	cr_assert_eq(changes.last_address, 0x1000);
	cr_assert_eq(changes.last_rule.cfa_offset, 24);
}

Test(stack_rule_table, replace_tells_the_new_rule)
{
	put(0x1000, 8);
	put(0x1000, 16);
	cr_assert_eq(rule_table_get(table, 0x1000)->cfa_offset, 16);
	cr_assert_eq(changes.put_count, 2);
	cr_assert_eq(changes.removed_count, 0);
	cr_assert_eq(changes.last_rule.cfa_offset, 16);
}

Test(stack_rule_table, the_largest_and_smallest_address)
{
	put(0, 8);
	put(UINT64_MAX, 16);
	cr_assert_eq(rule_table_get(table, 0)->cfa_offset, 8);
	cr_assert_eq(rule_table_get(table, UINT64_MAX)->cfa_offset, 16);
}

Test(stack_rule_table, remove_takes_start_but_not_end)
{
	for (uint64_t address = 0; address < 10; address++)
		put(address, 8);
	rule_table_remove(table, 3, 7);
	cr_assert_eq(changes.removed_count, 4);
	for (uint64_t address = 0; address < 10; address++) {
		bool inside = address >= 3 && address < 7;

		cr_expect_eq(rule_table_get(table, address) == NULL, inside, "%d", (int)address);
		cr_expect_eq(changes.was_removed[address], inside, "%d", (int)address);
	}
}

Test(stack_rule_table, remove_of_an_empty_range)
{
	put(5, 8);
	rule_table_remove(table, 5, 5);
	rule_table_remove(table, 6, 5);
	cr_assert_eq(changes.removed_count, 0);
	cr_assert_not_null(rule_table_get(table, 5));
}

Test(stack_rule_table, removed_rule_can_come_again)
{
	put(5, 8);
	rule_table_remove(table, 0, 16);
	put(5, 32);
	cr_assert_eq(rule_table_get(table, 5)->cfa_offset, 32);
	cr_assert_eq(changes.put_count, 2);
}

Test(stack_rule_table, replay_tells_what_is_there)
{
	rule_table_replay(table);
	cr_assert_eq(changes.put_count, 0);
	for (uint64_t address = 1; address <= 8; address++)
		put(address, 8);
	rule_table_remove(table, 8, 9);
	changes = (struct changes){0};
	rule_table_replay(table);
	cr_assert_eq(changes.put_count, 7);
	cr_assert_eq(changes.removed_count, 0);
	cr_assert_eq(changes.address_sum, 1 + 2 + 3 + 4 + 5 + 6 + 7);
	cr_assert_eq(changes.last_rule.cfa_offset, 8);
}

Test(stack_rule_table, full_table_forgets_all_and_learns_anew)
{
	for (uint64_t address = 0; address < CAPACITY; address++)
		put(address, 8);
	cr_assert_eq(changes.removed_count, 0);
	/* One that is there already needs no room. */
	put(0, 16);
	cr_assert_eq(changes.removed_count, 0);
	put(CAPACITY, 24);
	cr_assert_eq(changes.removed_count, CAPACITY);
	cr_assert_null(rule_table_get(table, 0));
	cr_assert_null(rule_table_get(table, CAPACITY - 1));
	cr_assert_eq(rule_table_get(table, CAPACITY)->cfa_offset, 24);
	changes = (struct changes){0};
	rule_table_replay(table);
	cr_assert_eq(changes.put_count, 1);
}
