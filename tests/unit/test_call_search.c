/* call_search: on functions of this program, whose calls are known. */
#include "config.h"

#include "symbol/call_search.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>

#include "symbol/module.h"

/* clang-format off */
#define FUNCTION(name, body) ".type " name ", @function\n" name ":\n" body ".size " name ", . - " name "\n"

__asm__(".pushsection .text\n"
	FUNCTION("cs_wanted", "ret\n")
	FUNCTION("cs_other", "ret\n")
	FUNCTION("cs_direct", "push %rbx\ncall cs_other\ncall cs_wanted\npop %rbx\nret\n")
	FUNCTION("cs_jumps", "test %rdi, %rdi\njne cs_wanted\nret\n")
	FUNCTION("cs_none", "push %rbx\n1: call cs_other\ndec %ebx\njne 1b\npop %rbx\nret\ncall cs_wanted\n")
	FUNCTION("cs_one_deep", "call cs_direct\nret\n")
	FUNCTION("cs_two_deep", "call cs_one_deep\nret\n")
	FUNCTION("cs_three_deep", "call cs_two_deep\nret\n")
	FUNCTION("cs_cold_part", "nop\njmp cs_hot_behind\n")
	FUNCTION("cs_hot", "xor %eax, %eax\n" "cs_hot_behind: push %rbx\ntest %edi, %edi\njne cs_cold_part\npop %rbx\nret\n")
	FUNCTION("cs_recursive", "test %edi, %edi\nje 1f\ncall cs_recursive\n1: ret\n")
	".popsection\n");
/* clang-format on */

extern const char cs_wanted[], cs_direct[], cs_jumps[], cs_none[], cs_one_deep[], cs_two_deep[],
    cs_three_deep[], cs_hot[], cs_hot_behind[], cs_recursive[];

static struct module *module;
static uint64_t wanted;

static uint64_t vaddr(const char *symbol)
{
	Dl_info info;

	cr_assert(dladdr(symbol, &info));
	return (uint64_t)(symbol - (const char *)info.dli_fbase);
}

static bool is_wanted(void *context, uint64_t target)
{
	cr_assert_eq(context, &wanted);
	return target == wanted;
}

static struct call_search_result search(const char *symbol, const char *prologue_end, size_t budget)
{
	struct code_text text;
	struct call_search call_search = {
	    .text = &text,
	    .is_wanted = is_wanted,
	    .context = &wanted,
	    .start = vaddr(symbol),
	    .prologue_end = vaddr(prologue_end),
	};
	GElf_Addr bias;

	wanted = vaddr(cs_wanted);
	if (!module)
		cr_assert_eq(module_open(&module, MODULE_ELF, open("/proc/self/exe", O_RDONLY),
					 "self"),
			     0);
	code_text_init(&text, dwfl_module_getelf(module_elf(module), &bias), &module->segments,
		       budget);
	return call_search_run(&call_search);
}

static bool calls(const char *symbol)
{
	return search(symbol, symbol, 100000).calls_wanted;
}

Test(call_search, direct_calls_and_jumps)
{
	cr_expect(calls(cs_direct));
	cr_expect(calls(cs_jumps));
	cr_expect_not(calls(cs_none));
	cr_expect_not(calls(cs_recursive));
	module_free(module);
}

Test(call_search, two_calls_deep)
{
	cr_expect(calls(cs_one_deep));
	cr_expect(calls(cs_two_deep));
	cr_expect_not(calls(cs_three_deep));
	module_free(module);
}

Test(call_search, part_elsewhere_that_jumps_back)
{
	cr_expect(search(cs_hot, cs_hot_behind, 100000).branches_into);
	cr_expect_not(search(cs_hot, cs_hot, 100000).branches_into);
	cr_expect_not(search(cs_none, cs_none, 100000).branches_into);
	module_free(module);
}

/* What was not looked at may be what is looked for. */
Test(call_search, budget)
{
	cr_expect(search(cs_none, cs_none, 2).calls_wanted);
	cr_expect(search(cs_none, cs_none, 0).calls_wanted);
	module_free(module);
}
