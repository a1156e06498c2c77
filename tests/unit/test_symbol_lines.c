/* lines: inlined functions of this very program. Must be compiled with -g. */
#include "config.h"

#include "symbol/lines.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "symbol/answer.h"
#include "symbol/module.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

static uint32_t inner_decl, inner_line, middle_line, outer_line;
static struct reply reply;

/* Returns the address of an instruction of its own. */
ALWAYS_INLINE uintptr_t inner(void)
{
	uintptr_t pc;

	inner_decl = __LINE__ - 4;
	inner_line = __LINE__ + 1;
	__asm__ volatile("1: lea 1b(%%rip), %0" : "=r"(pc));
	return pc;
}

ALWAYS_INLINE uintptr_t middle(void)
{
	middle_line = __LINE__ + 1;
	return inner();
}

__attribute__((noinline)) static uintptr_t outer(void)
{
	outer_line = __LINE__ + 1;
	return middle();
}

/* The program itself is the first that is reported. */
static int take_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

static bool find(uintptr_t pc, const char *symbol_name)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct module *module = NULL;
	uintptr_t base = 0;
	bool found;

	dl_iterate_phdr(take_base, &base);
	answer_init(&reply, &(struct request){.kind = REQUEST_LINES});
	cr_assert_eq(module_open(&module, MODULE_ELF, fd, "/proc/self/exe"), 0);
	found = lines_find(module_lines(module), pc - base, symbol_name, &reply);
	reply.found = found;
	cr_assert(protocol_reply_valid(&reply, protocol_reply_size(&reply)));
	module_free(module);
	return found;
}

static void expect_frame(size_t i, const char *function, uint32_t line, bool inlined)
{
	const struct reply_frame *frame = &reply.frames[i];
	const char *file = protocol_text(&reply, frame->file);

	cr_assert_str_eq(protocol_text(&reply, frame->function), function);
	cr_assert_eq(frame->line, line, "%s: %u, not %u", function, frame->line, line);
	cr_assert_eq(frame->inlined, inlined);
	cr_assert_not_null(file);
	cr_assert(strstr(file, "test_symbol_lines.c"), "%s", file);
}

Test(lines, inlined_functions_innermost_first)
{
	cr_assert(find(outer(), NULL));
	cr_assert_eq(reply.frame_count, 3);
	expect_frame(0, "inner", inner_line, true);
	expect_frame(1, "middle", middle_line, true);
	expect_frame(2, "outer", outer_line, false);
	cr_assert_eq(reply.frames[0].decl_line, inner_decl);
	cr_assert(strstr(protocol_text(&reply, reply.frames[0].decl_file), "test_symbol_lines.c"));
	cr_assert_not_null(protocol_text(&reply, reply.folder));
}

Test(lines, last_frame_bears_the_symbols_name)
{
	cr_assert(find(outer(), "outer.constprop.0"));
	expect_frame(1, "middle", middle_line, true);
	expect_frame(2, "outer.constprop.0", outer_line, false);
}

Test(lines, nothing_outside_code)
{
	cr_assert_not(find(0, NULL));
	cr_assert_not(find((uintptr_t)&reply, NULL));
	cr_assert_not(find(UINTPTR_MAX, "x"));
}

Test(lines, file_without_dwarf)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	struct module *module = NULL;

	cr_assert_eq(module_open(&module, MODULE_ELF, fd, "/nowhere/true"), 0);
	answer_init(&reply, &(struct request){.kind = REQUEST_LINES});
	cr_assert_not(
	    lines_find(module_lines(module), module->segments.items[0].vaddr, NULL, &reply));
	cr_assert_eq(reply.frame_count, 0);
	module_free(module);
}
