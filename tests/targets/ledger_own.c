/*
 * ledger_own: calls every function that jemalloc, mimalloc and tcmalloc have under names of their
 * own, in the library that the environment variable LEDGER_LIBRARY names. It is loaded when the first
 * wait is over; after the second all functions that it has are called. The options and the report:
 * ledger.h.
 */
#include <dlfcn.h>

#include "ledger.h"

/* What a function is called with. */
enum argument { END, SIZE, COUNT, POINTER, ALIGNMENT, HEAP, ZERO };

enum action { ALLOC, REALLOC, RESIZE, FREE };

/* realloc and free are given what `malloc` of the same library returned. */
struct function {
	const char *symbol;
	const char *malloc;
	enum action action;
	enum argument arguments[5];
};

#define MX "mallocx"
#define MI "mi_malloc"
#define TC "tc_malloc"

static const struct function functions[] = {
	{ "mallocx", MX, ALLOC, { SIZE, ZERO } },
	{ "rallocx", MX, REALLOC, { POINTER, SIZE, ZERO } },
	{ "xallocx", MX, RESIZE, { POINTER, SIZE, ZERO, ZERO } },
	{ "dallocx", MX, FREE, { POINTER, ZERO } },
	{ "sdallocx", MX, FREE, { POINTER, SIZE, ZERO } },

	{ "mi_malloc", MI, ALLOC, { SIZE } },
	{ "mi_malloc_small", MI, ALLOC, { SIZE } },
	{ "mi_zalloc", MI, ALLOC, { SIZE } },
	{ "mi_zalloc_small", MI, ALLOC, { SIZE } },
	{ "mi_calloc", MI, ALLOC, { COUNT, SIZE } },
	{ "mi_mallocn", MI, ALLOC, { COUNT, SIZE } },
	{ "mi_malloc_aligned", MI, ALLOC, { SIZE, ALIGNMENT } },
	{ "mi_malloc_aligned_at", MI, ALLOC, { SIZE, ALIGNMENT, ZERO } },
	{ "mi_zalloc_aligned", MI, ALLOC, { SIZE, ALIGNMENT } },
	{ "mi_zalloc_aligned_at", MI, ALLOC, { SIZE, ALIGNMENT, ZERO } },
	{ "mi_calloc_aligned", MI, ALLOC, { COUNT, SIZE, ALIGNMENT } },
	{ "mi_calloc_aligned_at", MI, ALLOC, { COUNT, SIZE, ALIGNMENT, ZERO } },
	{ "mi_memalign", MI, ALLOC, { ALIGNMENT, SIZE } },
	{ "mi_valloc", MI, ALLOC, { SIZE } },
	{ "mi_pvalloc", MI, ALLOC, { SIZE } },
	{ "mi_new", MI, ALLOC, { SIZE } },
	{ "mi_new_aligned", MI, ALLOC, { SIZE, ALIGNMENT } },
	{ "mi_new_nothrow", MI, ALLOC, { SIZE } },
	{ "mi_new_aligned_nothrow", MI, ALLOC, { SIZE, ALIGNMENT } },
	{ "mi_new_n", MI, ALLOC, { COUNT, SIZE } },
	{ "mi_heap_malloc", MI, ALLOC, { HEAP, SIZE } },
	{ "mi_heap_malloc_small", MI, ALLOC, { HEAP, SIZE } },
	{ "mi_heap_zalloc", MI, ALLOC, { HEAP, SIZE } },
	{ "mi_heap_calloc", MI, ALLOC, { HEAP, COUNT, SIZE } },
	{ "mi_heap_mallocn", MI, ALLOC, { HEAP, COUNT, SIZE } },
	{ "mi_heap_malloc_aligned", MI, ALLOC, { HEAP, SIZE, ALIGNMENT } },
	{ "mi_heap_malloc_aligned_at", MI, ALLOC, { HEAP, SIZE, ALIGNMENT, ZERO } },
	{ "mi_heap_zalloc_aligned", MI, ALLOC, { HEAP, SIZE, ALIGNMENT } },
	{ "mi_heap_zalloc_aligned_at", MI, ALLOC, { HEAP, SIZE, ALIGNMENT, ZERO } },
	{ "mi_heap_calloc_aligned", MI, ALLOC, { HEAP, COUNT, SIZE, ALIGNMENT } },
	{ "mi_heap_calloc_aligned_at", MI, ALLOC, { HEAP, COUNT, SIZE, ALIGNMENT, ZERO } },
	{ "mi_heap_alloc_new", MI, ALLOC, { HEAP, SIZE } },
	{ "mi_heap_alloc_new_n", MI, ALLOC, { HEAP, COUNT, SIZE } },
	{ "mi_realloc", MI, REALLOC, { POINTER, SIZE } },
	{ "mi_reallocf", MI, REALLOC, { POINTER, SIZE } },
	{ "mi_rezalloc", MI, REALLOC, { POINTER, SIZE } },
	{ "mi_reallocn", MI, REALLOC, { POINTER, COUNT, SIZE } },
	{ "mi_recalloc", MI, REALLOC, { POINTER, COUNT, SIZE } },
	{ "mi_reallocarray", MI, REALLOC, { POINTER, COUNT, SIZE } },
	{ "mi_realloc_aligned", MI, REALLOC, { POINTER, SIZE, ALIGNMENT } },
	{ "mi_realloc_aligned_at", MI, REALLOC, { POINTER, SIZE, ALIGNMENT, ZERO } },
	{ "mi_rezalloc_aligned", MI, REALLOC, { POINTER, SIZE, ALIGNMENT } },
	{ "mi_rezalloc_aligned_at", MI, REALLOC, { POINTER, SIZE, ALIGNMENT, ZERO } },
	{ "mi_recalloc_aligned", MI, REALLOC, { POINTER, COUNT, SIZE, ALIGNMENT } },
	{ "mi_recalloc_aligned_at", MI, REALLOC, { POINTER, COUNT, SIZE, ALIGNMENT, ZERO } },
	{ "mi_aligned_recalloc", MI, REALLOC, { POINTER, COUNT, SIZE, ALIGNMENT } },
	{ "mi_aligned_offset_recalloc", MI, REALLOC, { POINTER, COUNT, SIZE, ALIGNMENT, ZERO } },
	{ "mi_new_realloc", MI, REALLOC, { POINTER, SIZE } },
	{ "mi_new_reallocn", MI, REALLOC, { POINTER, COUNT, SIZE } },
	{ "mi_heap_realloc", MI, REALLOC, { HEAP, POINTER, SIZE } },
	{ "mi_heap_reallocf", MI, REALLOC, { HEAP, POINTER, SIZE } },
	{ "mi_heap_rezalloc", MI, REALLOC, { HEAP, POINTER, SIZE } },
	{ "mi_heap_reallocn", MI, REALLOC, { HEAP, POINTER, COUNT, SIZE } },
	{ "mi_heap_recalloc", MI, REALLOC, { HEAP, POINTER, COUNT, SIZE } },
	{ "mi_heap_realloc_aligned", MI, REALLOC, { HEAP, POINTER, SIZE, ALIGNMENT } },
	{ "mi_heap_realloc_aligned_at", MI, REALLOC, { HEAP, POINTER, SIZE, ALIGNMENT, ZERO } },
	{ "mi_heap_rezalloc_aligned", MI, REALLOC, { HEAP, POINTER, SIZE, ALIGNMENT } },
	{ "mi_heap_recalloc_aligned", MI, REALLOC, { HEAP, POINTER, COUNT, SIZE, ALIGNMENT } },
	{ "mi_free", MI, FREE, { POINTER } },
	{ "mi_cfree", MI, FREE, { POINTER } },
	{ "mi_free_size", MI, FREE, { POINTER, SIZE } },
	{ "mi_free_size_aligned", MI, FREE, { POINTER, SIZE, ALIGNMENT } },
	{ "mi_free_aligned", MI, FREE, { POINTER, ALIGNMENT } },

	{ "tc_malloc", TC, ALLOC, { SIZE } },
	{ "tc_malloc_skip_new_handler", TC, ALLOC, { SIZE } },
	{ "tc_calloc", TC, ALLOC, { COUNT, SIZE } },
	{ "tc_memalign", TC, ALLOC, { ALIGNMENT, SIZE } },
	{ "tc_valloc", TC, ALLOC, { SIZE } },
	{ "tc_pvalloc", TC, ALLOC, { SIZE } },
	{ "tc_new", TC, ALLOC, { SIZE } },
	{ "tc_new_nothrow", TC, ALLOC, { SIZE } },
	{ "tc_new_aligned", TC, ALLOC, { SIZE, ALIGNMENT } },
	{ "tc_newarray", TC, ALLOC, { SIZE } },
	{ "tc_newarray_aligned_nothrow", TC, ALLOC, { SIZE, ALIGNMENT } },
	{ "tc_realloc", TC, REALLOC, { POINTER, SIZE } },
	{ "tc_free", TC, FREE, { POINTER } },
	{ "tc_free_sized", TC, FREE, { POINTER, SIZE } },
	{ "tc_delete", TC, FREE, { POINTER } },
	{ "tc_delete_nothrow", TC, FREE, { POINTER } },
	{ "tc_delete_sized", TC, FREE, { POINTER, SIZE } },
	{ "tc_deletearray", TC, FREE, { POINTER } },
	{ "tc_deletearray_sized", TC, FREE, { POINTER, SIZE } },
};

enum site { OWN_ALLOC, OWN_REALLOC, OWN_RESIZE, OWN_FREE, SITES };

static struct book books[SITES] = {
	[OWN_ALLOC] = { .function = "site_own_alloc" },
	[OWN_REALLOC] = { .function = "site_own_realloc" },
	[OWN_RESIZE] = { .function = "site_own_resize" },
	[OWN_FREE] = { .function = "site_own_free" },
};

/* No function has more arguments; it does not look at those that it has not. */
typedef void *(*call_fn)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

static void *library;
static uintptr_t heap;

static call_fn find(const char *symbol)
{
	return (call_fn)(uintptr_t)dlsym(library, symbol);
}

/* Puts the values of a call's arguments in their order. */
static void arrange(uintptr_t to[5], const struct function *function, void *pointer, size_t count,
		    size_t size)
{
	const uintptr_t values[] = {
		[END] = 0,	  [SIZE] = size, [COUNT] = count, [POINTER] = (uintptr_t)pointer,
		[ALIGNMENT] = 64, [HEAP] = heap, [ZERO] = 0,
	};
	size_t i;

	for (i = 0; i < 5; i++)
		to[i] = values[function->arguments[i]];
}

/* A macro, so that the innermost function of the target's is the site. */
#define CALL(fn, to) (fn)((to)[0], (to)[1], (to)[2], (to)[3], (to)[4])

static int has(const struct function *function, enum argument argument)
{
	size_t i;

	for (i = 0; i < 5; i++)
		if (function->arguments[i] == argument)
			return 1;
	return 0;
}

OWN_FUNCTION void site_own_alloc(const struct function *function, call_fn fn, size_t size)
{
	size_t count = has(function, COUNT) ? 3 : 1;
	uintptr_t arguments[5];

	arrange(arguments, function, NULL, count, size);
	ledger_must(CALL(fn, arguments));
	book_alloc(&books[OWN_ALLOC], count * size);
}

OWN_FUNCTION void site_own_realloc(const struct function *function, call_fn fn, call_fn plain,
				   size_t size)
{
	size_t count = has(function, COUNT) ? 5 : 1;
	void *pointer = ledger_must(plain(size, 0, 0, 0, 0));
	uintptr_t arguments[5];

	book_alloc(&books[OWN_REALLOC], size);
	arrange(arguments, function, pointer, count, size * 2);
	ledger_must(CALL(fn, arguments));
	book_free(&books[OWN_REALLOC], size);
	book_alloc(&books[OWN_REALLOC], count * size * 2);
}

/* Once to what its size class has room for, once to what it has not: there it stays as it is. */
OWN_FUNCTION void site_own_resize(const struct function *function, call_fn fn, call_fn plain)
{
	void *pointer = ledger_must(plain(1000, 0, 0, 0, 0));
	uintptr_t arguments[5];

	book_alloc(&books[OWN_RESIZE], 1000);
	arrange(arguments, function, pointer, 1, 1020);
	if ((uintptr_t)CALL(fn, arguments) < 1020)
		exit(1);
	book_free(&books[OWN_RESIZE], 1000);
	book_alloc(&books[OWN_RESIZE], 1020);
	arrange(arguments, function, pointer, 1, (size_t)1 << 30);
	if ((uintptr_t)CALL(fn, arguments) >= (size_t)1 << 30)
		exit(1);
}

/* 512 bytes are aligned to what the functions are told in every allocator. */
OWN_FUNCTION void site_own_free(const struct function *function, call_fn fn, call_fn plain)
{
	void *pointer = ledger_must(plain(512, 0, 0, 0, 0));
	uintptr_t arguments[5];

	book_alloc(&books[OWN_FREE], 512);
	arrange(arguments, function, pointer, 1, 512);
	CALL(fn, arguments);
	NO_TAIL_CALL();
	book_free(&books[OWN_FREE], 512);
}

/* Returns how many functions the library has. */
static int call_all(void)
{
	int called = 0;
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct function *function = &functions[i];
		call_fn fn = find(function->symbol), plain = find(function->malloc);

		called += fn != NULL;
		if (fn && function->action == ALLOC)
			site_own_alloc(function, fn, 100 + i);
		else if (fn && function->action == REALLOC)
			site_own_realloc(function, fn, plain, 100 + i);
		else if (fn && function->action == RESIZE)
			site_own_resize(function, fn, plain);
		else if (fn)
			site_own_free(function, fn, plain);
	}
	return called;
}

int main(int argc, char **argv)
{
	const char *path = getenv("LEDGER_LIBRARY");
	struct ledger_options options;
	call_fn get_heap;

	if (!path || ledger_parse(&options, argc, argv) < 0)
		return 2;
	if (options.wait)
		ledger_wait();
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "ledger: %s\n", dlerror());
		return 1;
	}
	if (options.wait)
		ledger_wait();
	get_heap = find("mi_heap_get_default");
	if (get_heap)
		heap = (uintptr_t)get_heap(0, 0, 0, 0, 0);
	if (call_all() == 0)
		return 1;
	return ledger_report(&options, books, SITES);
}
