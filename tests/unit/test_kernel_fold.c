/* kernel_fold: one row for the kernel, in its place in the order. */
#include "config.h"

#include "profile/kernel_fold.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4 };

static struct snapshot_function rows[ROWS];
static struct snapshot snapshot;

static void set_up(void)
{
	rows[0] = (struct snapshot_function){.id = 1, .name = "a", .self_samples = 50};
	rows[1] = (struct snapshot_function){
	    .id = 2, .name = "k", .kernel = true, .self_samples = 20, .total_samples = 30};
	rows[2] = (struct snapshot_function){
	    .id = 3, .name = "b", .self_samples = 20, .total_samples = 20};
	rows[3] = (struct snapshot_function){
	    .id = 4, .name = "l", .kernel = true, .self_samples = 10, .total_samples = 30};
	snapshot = (struct snapshot){.cpu = {.samples = 100, .kernel_samples = 30},
				     .function_count = ROWS,
				     .functions = rows};
}

static void tear_down(void)
{
	free(snapshot.folded);
}

TestSuite(kernel_fold, .init = set_up, .fini = tear_down);

Test(kernel_fold, one_row_in_order)
{
	const struct snapshot_function *kernel;

	snapshot_fold_kernel(&snapshot);
	cr_assert_eq(snapshot.folded_count, 3);
	cr_assert_str_eq(snapshot.folded[0].name, "a");
	cr_assert_str_eq(snapshot.folded[2].name, "b");
	kernel = &snapshot.folded[1];
	cr_assert_str_eq(kernel->name, "[kernel]");
	cr_assert_str_eq(kernel->module, "[kernel]");
	cr_assert(kernel->kernel && kernel->folded);
	cr_assert_eq(kernel->self_samples, 30);
	cr_assert_eq(kernel->total_samples, 30);
	cr_assert_float_eq(kernel->self_pct, 30.0, 1e-9);
	cr_assert_float_eq(kernel->total_pct, 30.0, 1e-9);
	cr_assert_eq(snapshot.function_count, ROWS, "the functions stay");
}

Test(kernel_fold, first_and_last)
{
	snapshot.cpu.kernel_samples = 60;
	snapshot_fold_kernel(&snapshot);
	cr_assert_str_eq(snapshot.folded[0].name, "[kernel]");
	free(snapshot.folded);
	snapshot.cpu.kernel_samples = 1;
	snapshot_fold_kernel(&snapshot);
	cr_assert_eq(snapshot.folded_count, 3);
	cr_assert_str_eq(snapshot.folded[2].name, "[kernel]");
}

Test(kernel_fold, id_is_always_the_same)
{
	uint64_t id;

	snapshot_fold_kernel(&snapshot);
	id = snapshot.folded[1].id;
	free(snapshot.folded);
	snapshot.cpu.kernel_samples = 60;
	rows[1].name = "other";
	rows[1].id = 77;
	snapshot_fold_kernel(&snapshot);
	cr_assert_eq(snapshot.folded[0].id, id);
}

Test(kernel_fold, no_kernel_no_row)
{
	rows[1].kernel = rows[3].kernel = false;
	snapshot.cpu.kernel_samples = 0;
	snapshot_fold_kernel(&snapshot);
	cr_assert_eq(snapshot.folded_count, ROWS);
	for (size_t i = 0; i < ROWS; i++)
		cr_expect_eq(snapshot.folded[i].id, rows[i].id);
}

Test(kernel_fold, nothing_at_all)
{
	snapshot.function_count = 0;
	snapshot.cpu.samples = 0;
	snapshot_fold_kernel(&snapshot);
	cr_assert_eq(snapshot.folded_count, 0);
}
