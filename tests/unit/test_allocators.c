/* allocators: which symbols are whose functions. */
#include "config.h"

#include "collect/allocators.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "bpf/abi.h"

enum { NONE = ALLOCATOR_NO_ARGUMENT };

struct expected {
	const char *symbol;
	enum allocator_family family;
	uint32_t call;
	struct allocator_arguments arguments;
};

static const struct expected expected[] = {
    {"malloc", ALLOCATOR_C, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"malloc@@GLIBC_2.2.5", ALLOCATOR_C, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"calloc", ALLOCATOR_C, HEAP_CALL_ALLOC, {1, 0, NONE}},
    {"realloc", ALLOCATOR_C, HEAP_CALL_REALLOC, {1, NONE, 0}},
    {"reallocarray", ALLOCATOR_C, HEAP_CALL_REALLOC, {2, 1, 0}},
    {"posix_memalign", ALLOCATOR_C, HEAP_CALL_ALLOC_OUT, {2, NONE, 0}},
    {"aligned_alloc", ALLOCATOR_C, HEAP_CALL_ALLOC, {1, NONE, NONE}},
    {"free_aligned_sized", ALLOCATOR_C, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"mallocx", ALLOCATOR_JEMALLOC, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"xallocx", ALLOCATOR_JEMALLOC, HEAP_CALL_RESIZE, {1, NONE, 0}},
    {"sdallocx", ALLOCATOR_JEMALLOC, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"je_malloc", ALLOCATOR_JEMALLOC, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"je_rallocx", ALLOCATOR_JEMALLOC, HEAP_CALL_REALLOC, {1, NONE, 0}},
    {"_rjem_calloc", ALLOCATOR_JEMALLOC, HEAP_CALL_ALLOC, {1, 0, NONE}},
    {"_rjem_sdallocx", ALLOCATOR_JEMALLOC, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"mi_malloc", ALLOCATOR_MIMALLOC, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"mi_recalloc", ALLOCATOR_MIMALLOC, HEAP_CALL_REALLOC, {2, 1, 0}},
    {"mi_heap_malloc", ALLOCATOR_MIMALLOC, HEAP_CALL_ALLOC, {1, NONE, NONE}},
    {"mi_heap_calloc_aligned_at", ALLOCATOR_MIMALLOC, HEAP_CALL_ALLOC, {2, 1, NONE}},
    {"mi_heap_reallocn", ALLOCATOR_MIMALLOC, HEAP_CALL_REALLOC, {3, 2, 1}},
    {"mi_heap_alloc_new_n", ALLOCATOR_MIMALLOC, HEAP_CALL_ALLOC, {2, 1, NONE}},
    {"mi_new", ALLOCATOR_MIMALLOC, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"mi_free_size_aligned", ALLOCATOR_MIMALLOC, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"tc_newarray_nothrow", ALLOCATOR_TCMALLOC, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"tc_delete_sized", ALLOCATOR_TCMALLOC, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"tc_posix_memalign", ALLOCATOR_TCMALLOC, HEAP_CALL_ALLOC_OUT, {2, NONE, 0}},
    {"_Znwm", ALLOCATOR_CXX, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", ALLOCATOR_CXX, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"_ZdaPvmSt11align_val_t", ALLOCATOR_CXX, HEAP_CALL_FREE, {NONE, NONE, 0}},
    {"__rust_alloc", ALLOCATOR_RUST, HEAP_CALL_ALLOC, {0, NONE, NONE}},
    {"__rust_realloc", ALLOCATOR_RUST, HEAP_CALL_REALLOC, {3, NONE, 0}},
    {"_RNvCs5QKde7ScR4H_7___rustc12___rust_alloc",
     ALLOCATOR_RUST,
     HEAP_CALL_ALLOC,
     {0, NONE, NONE}},
    {"_RNvCs5QKde7ScR4H_7___rustc14___rust_dealloc",
     ALLOCATOR_RUST,
     HEAP_CALL_FREE,
     {NONE, NONE, 0}},
    {"_RNvCs5QKde7ScR4H_7___rustc19___rust_alloc_zeroed",
     ALLOCATOR_RUST,
     HEAP_CALL_ALLOC,
     {0, NONE, NONE}},
};

Test(allocators, match)
{
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct expected *want = &expected[i];
		struct allocator_match match;

		cr_assert(allocator_match(want->symbol, &match), "%s", want->symbol);
		cr_expect_eq(match.family, want->family, "%s", want->symbol);
		cr_expect_lt(match.prefix, allocator_prefix_count);
		cr_assert_lt(match.function, allocator_function_count);
		cr_expect_eq(allocator_functions[match.function].call, want->call, "%s",
			     want->symbol);
		cr_expect_eq(match.arguments.size, want->arguments.size, "%s", want->symbol);
		cr_expect_eq(match.arguments.count, want->arguments.count, "%s", want->symbol);
		cr_expect_eq(match.arguments.pointer, want->arguments.pointer, "%s", want->symbol);
	}
}

Test(allocators, what_is_none)
{
	static const char *const others[] = {
	    "",
	    "@",
	    "mallo",
	    "malloc_",
	    "malloc_usable_size",
	    "je_",
	    "je_malloc_default",
	    "je_arena_malloc",
	    /* Makes a heap, and so do its relatives; these take away a whole one. */
	    "mi_heap_new",
	    "mi_heap_delete",
	    "mi_heap_destroy",
	    "mi_",
	    "mi_heap_",
	    /* Returns a pointer by a pointer. */
	    "mi_reallocarr",
	    "tc_malloc_size",
	    "_ZnwmPv",
	    "_RNvCs1_7___rustc12___rust_allocx",
	    "_RNvCs1_6__rustc12___rust_alloc",
	    "7___rustc12___rust_alloc",
	    "__rust_no_alloc_shim_is_unstable",
	};
	struct allocator_match match;

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		cr_expect_not(allocator_match(others[i], &match), "%s", others[i]);
}

/* Whether the name, with one of the prefixes, is a symbol of the function. */
static bool is_found(const char *name, size_t function)
{
	static const char *const prefixes[] = {"", "je_", "_rjem_", "mi_", "mi_heap_", "tc_"};
	struct allocator_match match;
	char symbol[128];

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		(void)snprintf(symbol, sizeof symbol, "%s%s", prefixes[i], name);
		if (allocator_match(symbol, &match) && match.function == function)
			return true;
	}
	return false;
}

/* Every name is found again as itself, under some prefix, and no argument is in memory. */
Test(allocators, table_is_consistent)
{
	for (size_t i = 0; i < allocator_function_count; i++) {
		const struct allocator_function *function = &allocator_functions[i];
		const struct allocator_arguments *arguments = &function->arguments;
		bool has_size = function->call != HEAP_CALL_FREE;
		bool has_pointer = function->call != HEAP_CALL_ALLOC && function->call != HEAP_CALL_MAP;

		cr_expect_eq(arguments->size != NONE, has_size, "%s", function->name);
		cr_expect_eq(arguments->pointer != NONE, has_pointer, "%s", function->name);
		cr_expect_lt(arguments->size, 5, "%s", function->name);
		cr_expect(is_found(function->name, i), "%s", function->name);
		for (size_t j = 0; j < i; j++)
			cr_expect(!(allocator_functions[j].lists & function->lists) ||
				      strcmp(allocator_functions[j].name, function->name) != 0,
				  "%s twice", function->name);
	}
}

Test(allocators, names_of_families)
{
	cr_expect_str_eq(allocator_family_name(ALLOCATOR_TCMALLOC), "tcmalloc");
	cr_expect_str_eq(allocator_family_name(ALLOCATOR_RUST), "rust");
	cr_expect_null(allocator_family_name(ALLOCATOR_C));
	cr_expect_null(allocator_family_name(ALLOCATOR_CXX));
}
