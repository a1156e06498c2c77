/* cfi: unwind rules of this very program, its C library and the vDSO. */
#include "config.h"

#include "symbol/cfi.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbol/fde_table.h"
#include "symbol/module.h"

/*
 * One function for each shape of CFI: after its first byte, the shape holds. Written as bytes where
 * the assembler has no directive: 0x0f is DW_CFA_def_cfa_expression, 0x10 DW_CFA_expression, 0x15
 * DW_CFA_val_offset_sf.
 */
#define SHAPE(name, cfi)                                                                   \
	".globl " name "\n.type " name ", @function\n" name ":\n.cfi_startproc\nnop\n" cfi \
	"\nnop\n.cfi_endproc\n.size " name ", . - " name "\n"

__asm__(".pushsection .text\n" /* */
	".balign 16\n"									/* */
	".globl shape_plt\nshape_plt:\n.cfi_startproc\n"
	".cfi_escape 0x0f,0x0b,0x77,0x08,0x80,0x00,0x3f,0x1a,0x3b,0x2a,0x33,0x24,0x22\n"
	".fill 16, 1, 0x90\n.cfi_endproc\n"						      /* */
	SHAPE("shape_openssl", ".cfi_escape 0x0f,0x06,0x77,0x98,0x02,0x06,0x23,0x08") /* */
	SHAPE("shape_realigned", ".cfi_escape 0x0f,0x03,0x76,0x78,0x06\n"
				 ".cfi_escape 0x10,0x06,0x02,0x76,0x00\n"
				 ".cfi_escape 0x10,0x03,0x02,0x76,0x68")	 /* */
	SHAPE("shape_r10", ".cfi_def_cfa 10, 0")				 /* */
	SHAPE("shape_twice", ".cfi_escape 0x0f,0x04,0x77,0x08,0x06,0x06")	 /* */
	SHAPE("shape_end", ".cfi_undefined 16")					 /* */
	SHAPE("shape_rbx_in_r12", ".cfi_register 3, 12")			 /* */
	SHAPE("shape_rsp_in_r12", ".cfi_register 7, 12")			 /* */
	SHAPE("shape_ra_in_rax", ".cfi_register 16, 0")				 /* */
	SHAPE("shape_rsp_offset", ".cfi_escape 0x15,0x07,0x7e")			 /* */
	SHAPE("shape_pushed", ".cfi_adjust_cfa_offset 24\n.cfi_rel_offset 6, 8") /* */
	SHAPE("shape_row", ".cfi_adjust_cfa_offset 24\n.fill 10, 1, 0x90\nnop")	 /* */
	SHAPE("shape_states", ".cfi_adjust_cfa_offset 24\n.cfi_remember_state\n.fill 10, 1, 0x90\n"
			      ".cfi_adjust_cfa_offset -24\n.fill 4, 1, 0x90\n.cfi_restore_state\n"
			      ".fill 8, 1, 0x90") /* */
	".popsection\n");

extern const char shape_plt[], shape_openssl[], shape_realigned[], shape_r10[], shape_twice[],
    shape_end[], shape_rbx_in_r12[], shape_rsp_in_r12[], shape_ra_in_rax[], shape_rsp_offset[],
    shape_pushed[], shape_row[], shape_states[], _start[];

static struct module *open_file(const char *path)
{
	struct module *module = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(module_open(&module, MODULE_ELF, fd, path), 0, "%s", path);
	return module;
}

/* The rule at an address of this process, from the file that is loaded there. */
static struct unwind_rule rule_at(const void *address)
{
	struct unwind_rule rule;
	struct module *module;
	Dl_info info;

	cr_assert(dladdr(address, &info));
	module = open_file(strchr(info.dli_fname, '/') && strstr(info.dli_fname, ".so")
			       ? info.dli_fname
			       : "/proc/self/exe");
	cfi_rule(&rule, module,
		 (uintptr_t)address - (uintptr_t)info.dli_fbase +
		     (module->segments.items[0].vaddr >= 0x400000 ? 0x400000 : 0));
	module_free(module);
	return rule;
}

static struct unwind_rule rule_of_shape(const char *shape)
{
	return rule_at(shape + 1);
}

static void expect_function_start(const struct unwind_rule *rule)
{
	cr_expect_eq(rule->kind, RULE_STEP);
	cr_expect_eq(rule->cfa_reg, DWARF_RSP);
	cr_expect_eq(rule->cfa_offset, 8);
	cr_expect_not(rule->cfa_deref);
	cr_expect_not(rule->signal_frame);
	cr_expect_eq(rule->saved[DWARF_RIP].how, SAVED_AT_CFA);
	cr_expect_eq(rule->saved[DWARF_RIP].offset, -8);
	cr_expect_eq(rule->saved[DWARF_RSP].how, SAVED_IS_CFA);
	cr_expect_eq(rule->saved[DWARF_RSP].offset, 0);
	cr_expect_eq(rule->saved[DWARF_RBP].how, SAVED_SAME);
	cr_expect_eq(rule->saved[3].how, SAVED_SAME);
	cr_expect_eq(rule->saved[0].how, SAVED_UNDEFINED);
	cr_expect(unwind_rule_valid(rule));
}

/* A place in this program, as it was linked. */
static uint64_t linked_at(const char *code)
{
	Dl_info info;

	cr_assert(dladdr(code, &info));
	return (uintptr_t)code - (uintptr_t)info.dli_fbase;
}

/* Each shape is a function of its own, with bytes between some that belong to none. */
Test(cfi, start_of_a_function_without_symbol)
{
	const char *const shapes[] = {shape_plt, shape_openssl, shape_row, shape_states};
	struct module *module = open_file("/proc/self/exe");
	uint64_t start;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (size_t at = 0; at < 2; at++) {
			start = 0;
			cr_expect(fde_table_start(module, linked_at(shapes[i]) + at, &start));
			cr_expect_eq(start, linked_at(shapes[i]), "%zu+%zu: %#jx", i, at, (uintmax_t)start);
		}
	}
	cr_expect_not(fde_table_start(module, 0, &start));
	cr_expect_not(fde_table_start(module, 0x10, &start));
	cr_expect_not(fde_table_start(module, UINT64_MAX, &start));
	module_free(module);
}

Test(cfi, function_start)
{
	struct unwind_rule own = rule_at(shape_row);
	struct unwind_rule libc = rule_at(dlsym(RTLD_DEFAULT, "qsort"));

	expect_function_start(&own);
	expect_function_start(&libc);
}

Test(cfi, start_is_the_end)
{
	struct unwind_rule rule = rule_at(_start);

	cr_assert_eq(rule.kind, RULE_END);
}

static void on_signal(int number)
{
	(void)number;
}

/* The kernel's struct sigaction tells where the C library's trampoline is. */
Test(cfi, signal_trampoline)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		const char *restorer;
		uint64_t mask;
	} action = {0};
	struct unwind_rule rule;

	signal(SIGUSR1, on_signal);
	cr_assert_eq(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, sizeof action.mask), 0);
	rule = rule_at(action.restorer);
	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert(rule.signal_frame);
	cr_assert(rule.cfa_deref);
	cr_assert_eq(rule.cfa_reg, DWARF_RSP);
	cr_assert_eq(rule.cfa_offset, 160);
	cr_assert_eq(rule.cfa_offset_after, 0);
	cr_assert_eq(rule.saved[DWARF_RIP].how, SAVED_AT_REG);
	cr_assert_eq(rule.saved[DWARF_RIP].reg, DWARF_RSP);
	cr_assert_eq(rule.saved[DWARF_RIP].offset, 168);
	cr_assert_eq(rule.saved[DWARF_RBP].how, SAVED_AT_REG);
	cr_assert_eq(rule.saved[DWARF_RBP].offset, 120);
	cr_assert_eq(rule.saved[0].how, SAVED_AT_REG);
	cr_assert(unwind_rule_valid(&rule));
}

/* From the instruction on that has pushed the index, the return address is 8 further up. */
Test(cfi, lazy_plt)
{
	for (uintptr_t at = 0; at < 16; at++) {
		struct unwind_rule rule = rule_at(shape_plt + at);

		cr_assert_eq((uintptr_t)shape_plt & 15, 0);
		cr_expect_eq(rule.kind, RULE_STEP);
		cr_expect_eq(rule.cfa_reg, DWARF_RSP);
		cr_expect_eq(rule.cfa_offset, at >= 11 ? 16 : 8, "at %d", (int)at);
		cr_expect_eq(rule.before + rule.after, 0, "holds for one address only");
	}
}

/* A row that begins by restoring the state of an earlier one does not reach back to that. */
Test(cfi, range_behind_a_restored_state)
{
	struct unwind_rule remembered = rule_at(shape_states + 5);
	struct unwind_rule between = rule_at(shape_states + 12);
	struct unwind_rule restored = rule_at(shape_states + 17);

	cr_expect_eq(remembered.cfa_offset, 32);
	cr_expect_eq(remembered.before, 4);
	cr_expect_eq(remembered.after, 5);
	cr_expect_eq(between.cfa_offset, 8);
	cr_expect_eq(between.before, 1);
	cr_expect_eq(between.after, 2);
	cr_expect_eq(restored.cfa_offset, 32);
	cr_expect_eq(restored.before, 2);
	cr_expect_eq(restored.after, 6);
}

/* The row of the table, from the first byte on, which is its first in the function, or behind it. */
Test(cfi, range_of_a_row)
{
	struct unwind_rule first = rule_at(shape_pushed), second = rule_at(shape_pushed + 1);
	struct unwind_rule end = rule_at(shape_end + 1);

	cr_expect_eq(first.before, 0);
	cr_expect_eq(first.after, 0);
	cr_expect_eq(second.before, 0);
	cr_expect_eq(second.after, 0);
	first = rule_at(shape_row);
	second = rule_at(shape_row + 5);
	cr_expect_eq(first.cfa_offset, 8);
	cr_expect_eq(first.after, 0);
	cr_expect_eq(second.cfa_offset, 32);
	cr_expect_eq(second.before, 4);
	cr_expect_eq(second.after, 7);
	cr_expect_eq(end.kind, RULE_END);
	cr_expect_eq(end.before + end.after, 0);
}

Test(cfi, openssl)
{
	struct unwind_rule rule = rule_of_shape(shape_openssl);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert(rule.cfa_deref);
	cr_assert_eq(rule.cfa_reg, DWARF_RSP);
	cr_assert_eq(rule.cfa_offset, 280);
	cr_assert_eq(rule.cfa_offset_after, 8);
}

Test(cfi, realigned_stack)
{
	struct unwind_rule rule = rule_of_shape(shape_realigned);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert(rule.cfa_deref);
	cr_assert_eq(rule.cfa_reg, DWARF_RBP);
	cr_assert_eq(rule.cfa_offset, -8);
	cr_assert_eq(rule.cfa_offset_after, 0);
	cr_assert_eq(rule.saved[DWARF_RBP].how, SAVED_AT_REG);
	cr_assert_eq(rule.saved[DWARF_RBP].reg, DWARF_RBP);
	cr_assert_eq(rule.saved[DWARF_RBP].offset, 0);
	cr_assert_eq(rule.saved[3].offset, -24);
}

Test(cfi, other_register)
{
	struct unwind_rule rule = rule_of_shape(shape_r10);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert_eq(rule.cfa_reg, 10);
	cr_assert_eq(rule.cfa_offset, 0);
}

Test(cfi, pushed_register)
{
	struct unwind_rule rule = rule_of_shape(shape_pushed);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert_eq(rule.cfa_offset, 32);
	cr_assert_eq(rule.saved[DWARF_RBP].how, SAVED_AT_CFA);
	cr_assert_eq(rule.saved[DWARF_RBP].offset, -24);
}

Test(cfi, stack_pointer_by_offset)
{
	struct unwind_rule rule = rule_of_shape(shape_rsp_offset);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert_eq(rule.saved[DWARF_RSP].how, SAVED_IS_CFA);
	cr_assert_eq(rule.saved[DWARF_RSP].offset, 16);
}

Test(cfi, undefined_return_address_is_the_end)
{
	cr_assert_eq(rule_of_shape(shape_end).kind, RULE_END);
}

Test(cfi, what_cannot_be_expressed_is_unknown)
{
	cr_assert_eq(rule_of_shape(shape_twice).kind, RULE_UNKNOWN);
	cr_assert_eq(rule_of_shape(shape_rsp_in_r12).kind, RULE_UNKNOWN);
	cr_assert_eq(rule_of_shape(shape_ra_in_rax).kind, RULE_UNKNOWN);
}

Test(cfi, inessential_register_is_undefined)
{
	struct unwind_rule rule = rule_of_shape(shape_rbx_in_r12);

	cr_assert_eq(rule.kind, RULE_STEP);
	cr_assert_eq(rule.saved[3].how, SAVED_UNDEFINED);
}

Test(cfi, no_code_is_unknown)
{
	static const char data[16];

	cr_assert_eq(rule_at(data).kind, RULE_UNKNOWN);
}

Test(cfi, vdso)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	struct module *module = NULL;
	struct symbol symbol;
	Elf64_Ehdr header;
	size_t size, steps = 0, named = 0;
	int fd;

	if (!image)
		cr_skip_test("this kernel has no vDSO");
	memcpy(&header, image, sizeof header);
	size = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	cr_assert_eq(write(fd, image, size), (ssize_t)size);
	cr_assert_eq(module_open(&module, MODULE_ELF, fd, "[vdso]"), 0);
	for (uint64_t offset = 0; offset < size; offset += 4) {
		struct unwind_rule rule;
		uint64_t vaddr;

		if (!segments_vaddr(&module->segments, offset, &vaddr))
			continue;
		cfi_rule(&rule, module, vaddr);
		steps += rule.kind == RULE_STEP;
		named += symtab_find(module_symtab(module), vaddr, &symbol) &&
			 strstr(symbol.name, "clock_gettime");
	}
	cr_assert_gt(steps, 10);
	cr_assert_gt(named, 10);
	module_free(module);
}
