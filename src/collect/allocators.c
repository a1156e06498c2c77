/*
 * Sources of the lists: the psABI's C library, jemalloc(3), mimalloc.h, gperftools/tcmalloc.h, the C++
 * standard with the Itanium ABI's mangling, and Rust's alloc crate. Left out is mi_reallocarr(), which calls
 * mi_reallocarray().
 */
#include "config.h"

#include "collect/allocators.h"

#include <stdio.h>
#include <string.h>

#include "bpf/abi.h"

/* A list is a set of names that go with the same prefixes. */
enum {
	LIST_C = 1 << 0,
	LIST_JEMALLOC = 1 << 1,
	LIST_MIMALLOC = 1 << 2,
	LIST_NEW = 1 << 3, /* mimalloc's without a heap in front: mi_heap_new() makes one */
	LIST_TCMALLOC = 1 << 4,
	LIST_CXX = 1 << 5,
	LIST_RUST = 1 << 6,
	LIST_MMAP = 1 << 7,
};

enum { NONE = ALLOCATOR_NO_ARGUMENT };

/* No function of the lists has a longer name, with its prefix. */
enum { LENGTH_MAX = 48 };

/* clang-format off */
#define ALLOC(list, name, size) {name, list, HEAP_CALL_ALLOC, {size, NONE, NONE}}
#define ALLOC_ARRAY(list, name, count, size) {name, list, HEAP_CALL_ALLOC, {size, count, NONE}}
#define REALLOC(list, name) {name, list, HEAP_CALL_REALLOC, {1, NONE, 0}}
#define REALLOC_ARRAY(list, name) {name, list, HEAP_CALL_REALLOC, {2, 1, 0}}
#define FREE(list, name) {name, list, HEAP_CALL_FREE, {NONE, NONE, 0}}

const struct allocator_function allocator_functions[] = {
    ALLOC(LIST_C, "malloc", 0),
    ALLOC_ARRAY(LIST_C, "calloc", 0, 1),
    REALLOC(LIST_C, "realloc"),
    REALLOC_ARRAY(LIST_C, "reallocarray"),
    {"posix_memalign", LIST_C, HEAP_CALL_ALLOC_OUT, {2, NONE, 0}},
    ALLOC(LIST_C, "aligned_alloc", 1),
    ALLOC(LIST_C, "memalign", 1),
    ALLOC(LIST_C, "valloc", 0),
    ALLOC(LIST_C, "pvalloc", 0),
    FREE(LIST_C, "free"),
    FREE(LIST_C, "cfree"),
    FREE(LIST_C, "free_sized"),
    FREE(LIST_C, "free_aligned_sized"),

    ALLOC(LIST_JEMALLOC, "mallocx", 0),
    REALLOC(LIST_JEMALLOC, "rallocx"),
    {"xallocx", LIST_JEMALLOC, HEAP_CALL_RESIZE, {1, NONE, 0}},
    FREE(LIST_JEMALLOC, "dallocx"),
    FREE(LIST_JEMALLOC, "sdallocx"),

    ALLOC(LIST_MIMALLOC, "malloc_small", 0),
    ALLOC(LIST_MIMALLOC, "zalloc", 0),
    ALLOC(LIST_MIMALLOC, "zalloc_small", 0),
    ALLOC_ARRAY(LIST_MIMALLOC, "mallocn", 0, 1),
    REALLOC_ARRAY(LIST_MIMALLOC, "reallocn"),
    REALLOC(LIST_MIMALLOC, "reallocf"),
    REALLOC(LIST_MIMALLOC, "rezalloc"),
    REALLOC_ARRAY(LIST_MIMALLOC, "recalloc"),
    ALLOC(LIST_MIMALLOC, "malloc_aligned", 0),
    ALLOC(LIST_MIMALLOC, "malloc_aligned_at", 0),
    ALLOC(LIST_MIMALLOC, "zalloc_aligned", 0),
    ALLOC(LIST_MIMALLOC, "zalloc_aligned_at", 0),
    ALLOC_ARRAY(LIST_MIMALLOC, "calloc_aligned", 0, 1),
    ALLOC_ARRAY(LIST_MIMALLOC, "calloc_aligned_at", 0, 1),
    REALLOC(LIST_MIMALLOC, "realloc_aligned"),
    REALLOC(LIST_MIMALLOC, "realloc_aligned_at"),
    REALLOC(LIST_MIMALLOC, "rezalloc_aligned"),
    REALLOC(LIST_MIMALLOC, "rezalloc_aligned_at"),
    REALLOC_ARRAY(LIST_MIMALLOC, "recalloc_aligned"),
    REALLOC_ARRAY(LIST_MIMALLOC, "recalloc_aligned_at"),
    REALLOC_ARRAY(LIST_NEW, "aligned_recalloc"),
    REALLOC_ARRAY(LIST_NEW, "aligned_offset_recalloc"),
    ALLOC(LIST_NEW, "new", 0),
    ALLOC(LIST_NEW, "new_aligned", 0),
    ALLOC(LIST_NEW, "new_nothrow", 0),
    ALLOC(LIST_NEW, "new_aligned_nothrow", 0),
    ALLOC_ARRAY(LIST_NEW, "new_n", 0, 1),
    REALLOC(LIST_NEW, "new_realloc"),
    REALLOC_ARRAY(LIST_NEW, "new_reallocn"),
    ALLOC(LIST_MIMALLOC, "alloc_new", 0),
    ALLOC_ARRAY(LIST_MIMALLOC, "alloc_new_n", 0, 1),
    FREE(LIST_NEW, "free_size"),
    FREE(LIST_NEW, "free_size_aligned"),
    FREE(LIST_NEW, "free_aligned"),

    ALLOC(LIST_TCMALLOC, "malloc_skip_new_handler", 0),
    ALLOC(LIST_TCMALLOC, "new", 0),
    ALLOC(LIST_TCMALLOC, "new_nothrow", 0),
    ALLOC(LIST_TCMALLOC, "new_aligned", 0),
    ALLOC(LIST_TCMALLOC, "new_aligned_nothrow", 0),
    ALLOC(LIST_TCMALLOC, "newarray", 0),
    ALLOC(LIST_TCMALLOC, "newarray_nothrow", 0),
    ALLOC(LIST_TCMALLOC, "newarray_aligned", 0),
    ALLOC(LIST_TCMALLOC, "newarray_aligned_nothrow", 0),
    FREE(LIST_TCMALLOC, "delete"),
    FREE(LIST_TCMALLOC, "delete_nothrow"),
    FREE(LIST_TCMALLOC, "delete_sized"),
    FREE(LIST_TCMALLOC, "delete_aligned"),
    FREE(LIST_TCMALLOC, "delete_aligned_nothrow"),
    FREE(LIST_TCMALLOC, "delete_sized_aligned"),
    FREE(LIST_TCMALLOC, "deletearray"),
    FREE(LIST_TCMALLOC, "deletearray_nothrow"),
    FREE(LIST_TCMALLOC, "deletearray_sized"),
    FREE(LIST_TCMALLOC, "deletearray_aligned"),
    FREE(LIST_TCMALLOC, "deletearray_aligned_nothrow"),
    FREE(LIST_TCMALLOC, "deletearray_sized_aligned"),

    ALLOC(LIST_CXX, "_Znwm", 0),
    ALLOC(LIST_CXX, "_ZnwmRKSt9nothrow_t", 0),
    ALLOC(LIST_CXX, "_ZnwmSt11align_val_t", 0),
    ALLOC(LIST_CXX, "_ZnwmSt11align_val_tRKSt9nothrow_t", 0),
    ALLOC(LIST_CXX, "_Znam", 0),
    ALLOC(LIST_CXX, "_ZnamRKSt9nothrow_t", 0),
    ALLOC(LIST_CXX, "_ZnamSt11align_val_t", 0),
    ALLOC(LIST_CXX, "_ZnamSt11align_val_tRKSt9nothrow_t", 0),
    FREE(LIST_CXX, "_ZdlPv"),
    FREE(LIST_CXX, "_ZdlPvm"),
    FREE(LIST_CXX, "_ZdlPvRKSt9nothrow_t"),
    FREE(LIST_CXX, "_ZdlPvSt11align_val_t"),
    FREE(LIST_CXX, "_ZdlPvSt11align_val_tRKSt9nothrow_t"),
    FREE(LIST_CXX, "_ZdlPvmSt11align_val_t"),
    FREE(LIST_CXX, "_ZdaPv"),
    FREE(LIST_CXX, "_ZdaPvm"),
    FREE(LIST_CXX, "_ZdaPvRKSt9nothrow_t"),
    FREE(LIST_CXX, "_ZdaPvSt11align_val_t"),
    FREE(LIST_CXX, "_ZdaPvSt11align_val_tRKSt9nothrow_t"),
    FREE(LIST_CXX, "_ZdaPvmSt11align_val_t"),

    ALLOC(LIST_RUST, "__rust_alloc", 0),
    ALLOC(LIST_RUST, "__rust_alloc_zeroed", 0),
    {"__rust_realloc", LIST_RUST, HEAP_CALL_REALLOC, {3, NONE, 0}},
    FREE(LIST_RUST, "__rust_dealloc"),

    /* In the place of a count are the flags. */
    {"mmap", LIST_MMAP, HEAP_CALL_MAP, {1, 3, NONE}},
    {"mmap64", LIST_MMAP, HEAP_CALL_MAP, {1, 3, NONE}},
    {"mremap", LIST_MMAP, HEAP_CALL_REMAP, {2, NONE, 0}},
    {"munmap", LIST_MMAP, HEAP_CALL_UNMAP, {1, NONE, 0}},
};
/* clang-format on */

const size_t allocator_function_count = sizeof(allocator_functions) / sizeof(allocator_functions[0]);

/* The functions of a heap that the caller names have it as their first argument. */
static const struct prefix {
	const char *text;
	enum allocator_family family;
	uint32_t lists;
	int8_t arguments_before;
} prefixes[] = {
    {"", ALLOCATOR_C, LIST_C, 0},
    {"", ALLOCATOR_JEMALLOC, LIST_JEMALLOC, 0},
    {"je_", ALLOCATOR_JEMALLOC, LIST_C | LIST_JEMALLOC, 0},
    {"_rjem_", ALLOCATOR_JEMALLOC, LIST_C | LIST_JEMALLOC, 0},
    {"mi_", ALLOCATOR_MIMALLOC, LIST_C | LIST_MIMALLOC | LIST_NEW, 0},
    {"mi_heap_", ALLOCATOR_MIMALLOC, LIST_C | LIST_MIMALLOC, 1},
    {"tc_", ALLOCATOR_TCMALLOC, LIST_C | LIST_TCMALLOC, 0},
    {"", ALLOCATOR_CXX, LIST_CXX, 0},
    {"", ALLOCATOR_RUST, LIST_RUST, 0},
    {"", ALLOCATOR_MMAP, LIST_MMAP, 0},
};

const size_t allocator_prefix_count = sizeof(prefixes) / sizeof(prefixes[0]);

static const char rust_mangled[] = "_RNvC";

static bool is_mangled_rust(const char *symbol)
{
	return strncmp(symbol, rust_mangled, sizeof(rust_mangled) - 1) == 0;
}

/* Since Rust 1.90 they are in a crate of their own: _RNvC, its hash, "7___rustc", 12___rust_alloc. */
static bool is_in_rust_crate(const char *symbol, size_t length, const char *name)
{
	char end[64];
	int size = snprintf(end, sizeof(end), "_7___rustc%zu_%s", strlen(name), name);

	return size > 0 && (size_t)size < length &&
	       memcmp(symbol + length - (size_t)size, end, (size_t)size) == 0;
}

/* A symbol table has hundreds of thousands of names: nearly all end at the first character. */
static bool is_named(const struct prefix *prefix, const struct allocator_function *function,
		     const char *symbol, size_t length)
{
	size_t prefix_length;

	if (prefix->family == ALLOCATOR_RUST && is_mangled_rust(symbol) &&
	    is_in_rust_crate(symbol, length, function->name))
		return true;
	prefix_length = strlen(prefix->text);
	return symbol[prefix_length] == function->name[0] && length == prefix_length + strlen(function->name) &&
	       memcmp(symbol + prefix_length, function->name, length - prefix_length) == 0;
}

static int8_t shift(int8_t argument, int8_t by)
{
	return argument == NONE ? argument : (int8_t)(argument + by);
}

static bool match_prefix(const struct prefix *prefix, const char *symbol, size_t length,
			 struct allocator_match *ret_match)
{
	for (size_t i = 0; i < allocator_function_count; i++) {
		const struct allocator_function *function = &allocator_functions[i];
		const struct allocator_arguments *plain = &function->arguments;

		if (!(function->lists & prefix->lists) ||
		    !is_named(prefix, function, symbol, length))
			continue;
		*ret_match = (struct allocator_match){
		    .function = (uint32_t)i,
		    .prefix = (uint32_t)(prefix - prefixes),
		    .family = prefix->family,
		    .arguments = {.size = shift(plain->size, prefix->arguments_before),
				  .count = shift(plain->count, prefix->arguments_before),
				  .pointer = shift(plain->pointer, prefix->arguments_before)},
		};
		return true;
	}
	return false;
}

bool allocator_match(const char *symbol, struct allocator_match *ret_match)
{
	size_t length = strcspn(symbol, "@");

	if (length > LENGTH_MAX && !is_mangled_rust(symbol))
		return false;
	for (size_t i = 0; i < allocator_prefix_count; i++) {
		const char *text = prefixes[i].text;

		if (strncmp(symbol, text, strlen(text)) == 0 &&
		    match_prefix(&prefixes[i], symbol, length, ret_match))
			return true;
	}
	return false;
}

bool allocator_frees(const struct allocator_function *function)
{
	return function->call == HEAP_CALL_FREE || function->call == HEAP_CALL_UNMAP;
}

bool allocator_reallocates(const struct allocator_function *function)
{
	return heap_call_reallocates(function->call);
}

const char *allocator_family_name(enum allocator_family family)
{
	static const char *const names[ALLOCATOR_FAMILIES] = {
	    [ALLOCATOR_GLIBC] = "glibc",	 [ALLOCATOR_MUSL] = "musl",
	    [ALLOCATOR_JEMALLOC] = "jemalloc", [ALLOCATOR_MIMALLOC] = "mimalloc",
	    [ALLOCATOR_TCMALLOC] = "tcmalloc", [ALLOCATOR_RUST] = "rust",
	    [ALLOCATOR_MMAP] = "mmap",
	};

	return names[family];
}
