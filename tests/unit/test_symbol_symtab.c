/* symtab: which of a file's names an address gets. Looks at this very program. */
#include "config.h"

#include "symbol/symtab.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/module.h"
#include "symbol/spans.h"

/* Eight bytes for each line. Sizes are what is tested: mind the gaps. */
__asm__(".pushsection .text\n.p2align 4\n"
	".globl tab_begin\n.type tab_begin, @function\n.size tab_begin, 8\n"
	"tab_begin: .fill 8, 1, 0x90\n"
	"           .fill 8, 1, 0x90\n" /* past the end of tab_begin */
	"tab_plain: .fill 8, 1, 0x90\n" /* no type, no size */
	"           .fill 8, 1, 0x90\n"
	".type tab_local, @function\n.size tab_local, 16\n"
	".weak tab_weak\n.type tab_weak, @function\n.size tab_weak, 16\n"
	".globl __tab_global\n.type __tab_global, @function\n.size __tab_global, 16\n"
	".globl tab_global\n.type tab_global, @function\n.size tab_global, 16\n"
	".globl tab_unsized\n.type tab_unsized, @function\n"
	"tab_local:\ntab_weak:\n__tab_global:\ntab_global:\ntab_unsized:\n"
	"           .fill 8, 1, 0x90\n"
	"tab_label: .fill 8, 1, 0x90\n" /* a label inside a function */
	".globl tab_outer\n.type tab_outer, @function\n.size tab_outer, 32\n"
	".type tab_inner, @function\n.size tab_inner, 8\n"
	"tab_outer: .fill 8, 1, 0x90\n"
	"tab_inner: .fill 8, 1, 0x90\n"
	"           .fill 8, 1, 0x90\n" /* tab_outer again */
	"           .fill 8, 1, 0x90\n"
	".globl _Z10tab_manglev\n.type _Z10tab_manglev, @function\n.size _Z10tab_manglev, 8\n"
	"_Z10tab_manglev: .fill 8, 1, 0x90\n"
	".type tab_data, @object\n.size tab_data, 8\n"
	"tab_data:  .fill 8, 1, 0x90\n"
	".popsection\n");

static struct module *self;
static uint64_t first; /* ELF address of tab_begin */

static void open_self(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const struct segments *segments;
	struct symbol symbol;

	cr_assert_eq(module_open(&self, MODULE_ELF, fd, "/proc/self/exe"), 0);
	segments = &self->segments;
	for (size_t i = 0; i < segments->count && !first; i++) {
		const struct segment *part = &segments->items[i];

		for (uint64_t at = 0; at < part->size && !first; at += 8)
			if (symtab_find(module_symtab(self), part->vaddr + at, &symbol) &&
			    !strcmp(symbol.name, "tab_begin"))
				first = symbol.start;
	}
	cr_assert_neq(first, 0);
}

static void close_self(void)
{
	module_free(self);
}

TestSuite(symtab, .init = open_self, .fini = close_self);

/* The name `line` lines into the code above; NULL: none. */
static const char *name_of(uint64_t line)
{
	static char buf[256];
	struct symbol symbol;

	if (!symtab_find(module_symtab(self), first + 8 * line + 3, &symbol))
		return NULL;
	return symtab_name(buf, sizeof buf, &symbol);
}

Test(symtab, sized_symbol_ends_at_its_size)
{
	cr_assert_str_eq(name_of(0), "tab_begin");
	cr_assert_null(name_of(1));
}

Test(symtab, unsized_symbol_reaches_to_the_next)
{
	cr_assert_str_eq(name_of(2), "tab_plain");
	cr_assert_str_eq(name_of(3), "tab_plain");
}

Test(symtab, best_name_of_an_address)
{
	cr_assert_str_eq(name_of(4), "tab_global");
}

Test(symtab, label_in_a_function_is_no_function)
{
	cr_assert_str_eq(name_of(5), "tab_global");
}

Test(symtab, innermost_of_nested_ones)
{
	cr_assert_str_eq(name_of(6), "tab_outer");
	cr_assert_str_eq(name_of(7), "tab_inner");
	cr_assert_str_eq(name_of(8), "tab_outer");
	cr_assert_str_eq(name_of(9), "tab_outer");
}

Test(symtab, names_are_demangled)
{
	cr_assert_str_eq(name_of(10), "tab_mangle");
}

Test(symtab, data_has_no_name)
{
	cr_assert_null(name_of(11));
}

Test(symtab, stubs_have_the_name_of_their_function)
{
	const struct segment *code = self->segments.code;
	size_t found = 0;

	for (size_t i = 0; i < self->segments.code_count; i++)
		for (uint64_t at = 0; at < code[i].size; at += 8) {
			struct symbol symbol;
			char buf[64];

			if (symtab_find(module_symtab(self), code[i].vaddr + at, &symbol) &&
			    symbol.is_plt)
				found +=
				    !strcmp(symtab_name(buf, sizeof buf, &symbol), "open@plt") ||
				    !strcmp(buf, "strcmp@plt");
		}
	cr_assert_gt(found, 0);
}

Test(symtab, version_is_left_out)
{
	const struct symbol symbol = {.name = "malloc@@GLIBC_2.2.5"};
	const struct symbol stub = {.name = "free", .is_plt = true};
	char buf[32];

	cr_assert_str_eq(symtab_name(buf, sizeof buf, &symbol), "malloc");
	cr_assert_str_eq(symtab_name(buf, sizeof buf, &stub), "free@plt");
}

Test(spans, finds_like_a_search_through_all)
{
	struct spans spans = {0};

	srand(7);
	for (int i = 0; i < 500; i++) {
		uint64_t start = (uint64_t)rand() % 1000;

		cr_assert_eq(
		    spans_add(&spans,
			      &(struct span){.start = start, .end = start + (uint64_t)rand() % 60}),
		    0);
	}
	spans_sort(&spans);
	spans_link(&spans);
	for (uint64_t address = 0; address < 1100; address++) {
		const struct span *found = spans_find(&spans, address), *best = NULL;

		for (size_t i = 0; i < spans.count; i++)
			if (spans.items[i].start <= address && address < spans.items[i].end)
				best = &spans.items[i];
		cr_assert_eq(found, best, "%d", (int)address);
	}
	spans_fini(&spans);
	cr_assert_null(spans_find(&spans, 5));
}
