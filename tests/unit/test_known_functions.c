#include <criterion/criterion.h>

#include "symbol/known_functions.h"
#include "symbol/symbol_store.h"

static struct symbol first, second, third;

Test(known_functions, addresses_are_found_in_their_function)
{
	struct known_functions known = {0};

	cr_expect_null(known_functions_find(&known, 0));
	known_functions_add(&known, 0x300, 0x400, &third);
	known_functions_add(&known, 0x100, 0x180, &first);
	known_functions_add(&known, 0x180, 0x200, &second);
	cr_expect_null(known_functions_find(&known, 0xff));
	cr_expect_eq(known_functions_find(&known, 0x100), &first);
	cr_expect_eq(known_functions_find(&known, 0x17f), &first);
	cr_expect_eq(known_functions_find(&known, 0x180), &second);
	cr_expect_null(known_functions_find(&known, 0x200));
	cr_expect_eq(known_functions_find(&known, 0x3ff), &third);
	cr_expect_null(known_functions_find(&known, UINT64_MAX));
	known_functions_fini(&known);
	cr_expect_null(known_functions_find(&known, 0x100));
}

/* Whoever gives them may be wrong. */
Test(known_functions, what_overlaps_or_is_empty_is_left_out)
{
	struct known_functions known = {0};

	known_functions_add(&known, 0x100, 0x200, &first);
	known_functions_add(&known, 0x100, 0x200, &second);
	known_functions_add(&known, 0x80, 0x101, &second);
	known_functions_add(&known, 0x1ff, 0x300, &second);
	known_functions_add(&known, 0, UINT64_MAX, &second);
	known_functions_add(&known, 0x400, 0x400, &second);
	known_functions_add(&known, 0x500, 0x400, &second);
	cr_expect_eq(known_functions_find(&known, 0x150), &first);
	cr_expect_null(known_functions_find(&known, 0x80));
	cr_expect_null(known_functions_find(&known, 0x250));
	cr_expect_null(known_functions_find(&known, 0x400));
	cr_expect_eq(known.count, 1);
	known_functions_fini(&known);
}

Test(known_functions, many)
{
	struct known_functions known = {0};

	for (uint64_t i = 0; i < 5000; i++)
		known_functions_add(&known, (i * 7919 % 5000) * 16, (i * 7919 % 5000) * 16 + 16,
				    i % 2 ? &first : &second);
	cr_expect_eq(known.count, 5000);
	for (uint64_t i = 0; i < 5000; i++)
		cr_expect_eq(known_functions_find(&known, (i * 7919 % 5000) * 16 + 7),
			     i % 2 ? &first : &second);
	known_functions_fini(&known);
}
