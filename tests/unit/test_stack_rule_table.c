/* rule_table: the rules, and that the kernel is told of every change. */
#include "config.h"

#include "stack/rule_table.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/abi.h"

/* As rule_table.c has it; the kernel's map in bpf/unwind.bpf.h is as large. */
enum { CAPACITY = 1 << 17, PAGE = 4096, KEYS = 1 << 18 };

/* What the hook was told. */
struct changes {
	size_t put_count;
	size_t removed_count;
	uint64_t last_address;
	struct unwind_rule last_rule;
	uint64_t keys[KEYS]; /* that were put */
	bool was_removed[16];
};

static struct changes changes;
static struct rule_table *table;

static void on_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	struct changes *to = context;

	to->last_address = address;
	if (!rule) {
		to->removed_count++;
		if (address / PAGE < 16)
			to->was_removed[address / PAGE] = true;
		return;
	}
	to->keys[to->put_count % KEYS] = address;
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
	cr_assert_eq(changes.removed_count, 1);
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
	for (uint64_t page = 0; page < 10; page++)
		put(page * PAGE + page, 8);
	rule_table_remove(table, 3 * PAGE, 7 * PAGE);
	cr_assert_eq(changes.removed_count, 4);
	for (uint64_t page = 0; page < 10; page++) {
		bool inside = page >= 3 && page < 7;

		cr_expect_eq(rule_table_get(table, page * PAGE + page) == NULL, inside, "%d", (int)page);
		cr_expect_eq(changes.was_removed[page], inside, "%d", (int)page);
	}
}

/* More pages in the range than in the table, and fewer. */
Test(stack_rule_table, remove_of_a_range_larger_than_the_table)
{
	put(PAGE, 8);
	put(5 * PAGE, 8);
	put(1ULL << 46, 8);
	rule_table_remove(table, 2 * PAGE, 1ULL << 46);
	cr_assert_eq(changes.removed_count, 1);
	cr_assert_not_null(rule_table_get(table, PAGE));
	cr_assert_null(rule_table_get(table, 5 * PAGE));
	cr_assert_not_null(rule_table_get(table, 1ULL << 46));
}

/* Says how far the rule holds around the address. */
static void put_range(uint64_t address, int32_t offset, uint32_t before, uint32_t after)
{
	struct unwind_rule rule = rule_of(offset);

	rule.before = before;
	rule.after = after;
	rule_table_put(table, address, &rule);
}

static void expect_covered(uint64_t first, uint64_t last)
{
	for (uint64_t address = first - 40; address <= last + 40; address++)
		cr_expect_eq(rule_table_get(table, address) != NULL,
			     address >= first && address <= last, "0x%llx",
			     (unsigned long long)address);
}

Test(stack_rule_table, a_rule_holds_for_its_row_inside_its_page)
{
	uint64_t first, last;

	put_range(0x1085, 8, 5, 0x7a);
	expect_covered(0x1080, 0x10ff);
	put_range(0x3085, 8, 0, 0);
	expect_covered(0x3085, 0x3085);
	put_range(0x5040, 8, UINT32_MAX, UINT32_MAX);
	expect_covered(0x5000, 0x5fff);
	cr_assert(rule_table_row(table, 0x1090, &first, &last));
	cr_expect_eq(first, 0x1080);
	cr_expect_eq(last, 0x10ff);
	cr_assert(rule_table_row(table, 0x5ffe, &first, &last));
	cr_expect_eq(first, 0x5000);
	cr_expect_eq(last, 0x5fff);
	cr_expect_not(rule_table_row(table, 0x107f, &first, &last));
}

/* The kernel finds a rule by the address or by one of the blocks around it, of any size. */
static bool kernel_finds(uint64_t address)
{
	for (unsigned level = 0; level < RULE_LEVELS; level++)
		for (size_t i = 0; i < changes.put_count; i++)
			if (changes.keys[i] == rule_key(address, level))
				return true;
	return false;
}

static void expect_kernel_finds(uint64_t first, uint64_t last)
{
	for (uint64_t address = first - 40; address <= last + 40; address++)
		cr_expect_eq(kernel_finds(address), address >= first && address <= last, "0x%llx",
			     (unsigned long long)address);
}

Test(stack_rule_table, the_kernel_gets_the_whole_row_and_nothing_else)
{
	put_range(0x1085, 8, 5, 0x7a);
	expect_kernel_finds(0x1080, 0x10ff);
	cr_expect_eq(changes.put_count, 1, "one block");
	put_range(0x2400, 8, 0, 1023);
	expect_kernel_finds(0x2400, 0x27ff);
	cr_expect_eq(changes.put_count, 2, "one block");
	put_range(0x3105, 8, 0x86, 0x0c);
	expect_kernel_finds(0x307f, 0x3111);
	cr_expect_eq(changes.put_count, 2 + 1 + 1 + 1 + 2, "a byte, two blocks, two bytes");
	put_range(0x4003, 8, 1, 1);
	expect_kernel_finds(0x4002, 0x4004);
}

Test(stack_rule_table, what_is_used_often_gets_its_own_key)
{
	put_range(0x1040, 8, 0x40, 0x3f);
	cr_expect_eq(changes.put_count, 1);
	rule_table_use(table, 0x1051, false);
	cr_expect_eq(changes.put_count, 1, "found by its block");
	rule_table_use(table, 0x1051, true);
	cr_expect_eq(changes.put_count, 2);
	cr_expect_eq(changes.last_address, 0x1051);
	cr_expect_eq(changes.last_rule.cfa_offset, 8);
	rule_table_use(table, 0x1051, true);
	rule_table_use(table, 0x9000, true);
	cr_expect_eq(changes.put_count, 2, "neither one that has it nor one that is unknown");
	rule_table_remove(table, 0x1000, 0x2000);
	cr_expect_eq(changes.removed_count, 2);
}

/* The same answer comes for each address of a row that was asked for. */
Test(stack_rule_table, the_same_row_again_changes_nothing)
{
	put_range(0x1040, 8, 0x40, 0x3f);
	put_range(0x1080, 16, 0, 0x7f);
	memset(&changes, 0, sizeof(changes));
	put_range(0x1050, 8, 0x50, 0x2f);
	cr_expect_eq(changes.put_count, 0);
	cr_expect_eq(changes.removed_count, 0);
	cr_expect_eq(rule_table_get(table, 0x1081)->cfa_offset, 16);
}

/* What overlaps it was learnt of other code: the page is learnt anew. */
Test(stack_rule_table, another_row_there_makes_the_page_forgotten)
{
	put_range(0x1040, 8, 0x40, 0x3f);
	put(0x1200, 24);
	put(0x2200, 24);
	put_range(0x1050, 16, 0, 0);
	cr_expect_null(rule_table_get(table, 0x1040));
	cr_expect_null(rule_table_get(table, 0x1200));
	cr_expect_eq(rule_table_get(table, 0x1050)->cfa_offset, 16);
	cr_expect_not_null(rule_table_get(table, 0x2200));
	cr_expect_eq(changes.removed_count, 2);
}

Test(stack_rule_table, removed_rule_can_come_again)
{
	put(5, 8);
	rule_table_remove(table, 0, 16);
	put(5, 32);
	cr_assert_eq(rule_table_get(table, 5)->cfa_offset, 32);
	cr_assert_eq(changes.put_count, 2);
}

Test(stack_rule_table, full_table_forgets_the_first_pages)
{
	uint64_t page = 0;

	while (changes.removed_count == 0)
		for (uint64_t last = (++page) * PAGE, at = last - PAGE; at < last; at++)
			put(at, 8);
	cr_expect_leq(page * PAGE, CAPACITY);
	cr_expect_gt(page * PAGE, CAPACITY - 2 * PAGE);
	cr_expect_null(rule_table_get(table, 5));
	cr_expect_not_null(rule_table_get(table, page * PAGE - 1));
	cr_expect_not_null(rule_table_get(table, CAPACITY / 2));
	put(5, 16);
	cr_expect_eq(rule_table_get(table, 5)->cfa_offset, 16);
}
