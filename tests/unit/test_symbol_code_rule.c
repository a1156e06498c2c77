/*
 * code_rule: rules from code, of assembly whose stack heights are known and of this machine's
 * libraries, whose CFI says what is right.
 */
#include "config.h"

#include "symbol/code_rule.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "err.h"
#include "symbol/cfi.h"
#include "symbol/code_text.h"

enum { DWARF_RBX = 3, DWARF_R12 = 12 };

/* A function without CFI; AT names a place in it. */
#define FUNCTION(name, body)                                                                       \
	".globl " name "\n.type " name ", @function\n" name ":\n" body ".size " name ", . - " name \
	"\n"
#define AT(name) ".globl " name "\n" name ":\n"

__asm__(
    ".pushsection .text\n" /* */
    FUNCTION(
	"frame_rsp", /* */
	"push %rbx\n" AT("frame_rsp_1") "push %rbp\n" AT("frame_rsp_2") "sub $24, %rsp\n" AT("frame"
											     "_rsp_"
											     "3") "test %edi, %edi\nje 1f\nmov %edi, %ebx\ncall frame_rbp\n" AT(
	    "frame_rsp_4") "1: add $24, %rsp\n" AT("frame_rsp_5") "pop %rbp\n" AT("frame_rsp_6") "p"
												 "o"
												 "p"
												 " "
												 "%"
												 "r"
												 "b"
												 "x"
												 "\n" AT("frame_rsp_7") "ret\n") /* */
    FUNCTION("frame_rbp", /* */
	     "push %rbp\n" AT("frame_rbp_1") "mov %rsp, %rbp\n" AT(
		 "frame_rbp_2") "push %r12\nsub %rdi, %rsp\n" AT("frame_rbp_3") "nop\nlea "
										"-8(%rbp), "
										"%rsp\npop "
										"%r12\n" AT("frame_"
											    "rbp_4") "pop %rbp\n" AT("frame_rbp_5") "ret $16\n") /* */
    FUNCTION("frame_leave", /* */
	     "push %rbp\nmov %rsp, %rbp\nand $-64, %rsp\nsub $128, %rsp\n" AT(
		 "frame_leave_1") "nop\n"
				  "leave\n" AT("frame_leave_2") "ret\n") /* */
    FUNCTION(
	"frame_moved", /* */
	"sub $40, %rsp\nmov %rbp, 8(%rsp)\nmov %rbx, 16(%rsp)\n" AT("frame_moved_1") "xor %ebx, "
										     "%ebx\nmov "
										     "8(%rsp), "
										     "%rbp\nmov "
										     "16(%rsp), "
										     "%rbx\n" AT("f"
												 "r"
												 "a"
												 "m"
												 "e"
												 "_"
												 "m"
												 "o"
												 "v"
												 "e"
												 "d"
												 "_"
												 "2") "sub $-128, %rsp\nlea -88(%rsp), %rsp\n" AT(
											 "frame_"
											 "moved_3") "ret\n") /* */
    FUNCTION("frame_saved_rsp", /* */
	     "mov %rsp, %rax\nsub $64, %rsp\nand $-64, %rsp\nmov %rax, 32(%rsp)\n" AT(
		 "frame_saved_rsp_1") "nop\nmov 32(%rsp), %rsi\nmov -8(%rsi), %rbx\nlea (%rsi), "
				      "%rsp\n" AT("frame_saved_rsp_2") "ret\n") /* */
    FUNCTION(
	"realigned", /* */
	"lea 8(%rsp), %r10\nand $-32, %rsp\npush -8(%r10)\npush %rbp\nmov %rsp, %rbp\npush %r10\n"
	"sub $40, %rsp\n" AT("realigned_1") "nop\nadd $40, %rsp\npop %r10\npop %rbp\n"
					    "lea -8(%r10), %rsp\n" AT("realigned_2") "ret\n") /* */
    FUNCTION(
	"probes", /* */
	"push %rbx\nlea -0x4000(%rsp), %r11\n" AT("probes_1") "1: sub $0x1000, %rsp\norq $0, "
							      "(%rsp)\n" AT("probes_2") "cmp %r11, "
											"%rsp\njne "
											"1b\n" AT(
											    "probes"
											    "_3") "add $0x4000, %rsp\npop %rbx\nret\n") /* */
    FUNCTION("loops", /* */
	     "sub $8, %rsp\n1: " AT(
		 "loops_1") "dec %edi\njnz 1b\njmp 3f\n2: hlt\n3: cmp $9, %edi\nje 2b\n"
			    "add $8, %rsp\nret\n")					      /* */
    FUNCTION("endless", "push %rbp\npush %rbx\n" AT("endless_1") "1: pause\njmp 1b\n")	      /* */
    FUNCTION("tail", "push %rbx\n" AT("tail_1") "nop\npop %rbx\njmp frame_moved\n")	      /* */
    FUNCTION("tail_pointer", "push %rbx\n" AT("tail_pointer_1") "nop\npop %rbx\njmp *%rax\n") /* */
    FUNCTION("leaver",									      /* */
	     "sub $24, %rsp\ntest %edi, %edi\njne 1f\n" AT(
		 "leaver_1") "nop\nadd $24, %rsp\nret\n"
			     "1: push $1\npush $2\n" AT("leaver_2") "call quits\n" AT(
				 "leaver_3") "nopl (%rax)\nret\n") /* */
    FUNCTION("quits",
	     "mov $231, %eax\nsyscall\nmov $60, %edx\n1: mov %rdx, %rax\nsyscall\njmp 1b\n") /* */
    FUNCTION(
	"thread_first", /* */
	"xor %ebp, %ebp\n" AT("thread_first_0") "pop %rdi\ncall *%r9\n" AT(
	    "thread_first_1") "mov %eax, %edi\nxor %eax, %eax\nmov $60, %al\nsyscall\nhlt\n") /* */
    FUNCTION("process_first",								      /* */
	     "push %rbx\ncall frame_moved\n" AT("process_first_0") "call *%rbx\n" AT(
		 "process_first_1") "mov %eax, %edi\ncall quits\n.p2align 4\n")		       /* */
    FUNCTION("nonsense", "ret\n") "push %rax\n.byte 0x06\n"				       /* */
    FUNCTION("sinks", "ret\n") "push %rax\nret\n"					       /* */
    FUNCTION("far", "ret\n") "call frame_moved\npop %rsi\npop %rdi\nret\n"		       /* */
    FUNCTION("wild", "ret\n") "lea 0x7ffffff8(%rsp), %rsp\nlea 0x7ffffff8(%rsp), %rsp\nret\n"  /* */
    FUNCTION("resumer", "nop\n" AT("resumer_1") "mov $15, %rax\n" AT("resumer_2") "syscall\n") /* */
    ".popsection\n");

#define DECLARE(name) extern const char name[]
DECLARE(frame_rsp);
DECLARE(frame_rsp_1);
DECLARE(frame_rsp_2);
DECLARE(frame_rsp_3);
DECLARE(frame_rsp_4);
DECLARE(frame_rsp_5);
DECLARE(frame_rsp_6);
DECLARE(frame_rsp_7);
DECLARE(frame_rbp);
DECLARE(frame_rbp_1);
DECLARE(frame_rbp_2);
DECLARE(frame_rbp_3);
DECLARE(frame_rbp_4);
DECLARE(frame_rbp_5);
DECLARE(frame_leave);
DECLARE(frame_leave_1);
DECLARE(frame_leave_2);
DECLARE(frame_moved);
DECLARE(frame_moved_1);
DECLARE(frame_moved_2);
DECLARE(frame_moved_3);
DECLARE(frame_saved_rsp);
DECLARE(frame_saved_rsp_1);
DECLARE(frame_saved_rsp_2);
DECLARE(realigned);
DECLARE(realigned_1);
DECLARE(realigned_2);
DECLARE(probes);
DECLARE(probes_1);
DECLARE(probes_2);
DECLARE(probes_3);
DECLARE(loops_1);
DECLARE(endless_1);
DECLARE(tail_1);
DECLARE(tail_pointer_1);
DECLARE(leaver_1);
DECLARE(leaver_2);
DECLARE(leaver_3);
DECLARE(thread_first_0);
DECLARE(thread_first_1);
DECLARE(process_first_0);
DECLARE(process_first_1);
DECLARE(nonsense);
DECLARE(sinks);
DECLARE(far);
DECLARE(wild);
DECLARE(resumer_1);
DECLARE(resumer_2);
DECLARE(_start);

/* The byte before a label, which the compiler takes for an object that begins there. */
static const char *before(const char *label)
{
	__asm__("" : "+r"(label));
	return label - 1;
}

static struct module *open_file(const char *path)
{
	struct module *module = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(module_open(&module, MODULE_ELF, fd, path), 0, "%s", path);
	return module;
}

/* Rules by code and by CFI at a lookup address of this process. */
static void rules_at(const char *address, struct unwind_rule *ret_code, struct unwind_rule *ret_cfi)
{
	struct module *module;
	Dl_info info;
	uint64_t vaddr;

	cr_assert(dladdr(address, &info));
	module = open_file(strstr(info.dli_fname, ".so") ? info.dli_fname : "/proc/self/exe");
	vaddr = (uintptr_t)address - (uintptr_t)info.dli_fbase +
		(module->segments.items[0].vaddr >= 0x400000 ? 0x400000 : 0);
	memset(ret_code, 0xff, sizeof *ret_code);
	code_rule(ret_code, module, vaddr);
	if (ret_cfi)
		cfi_rule(ret_cfi, module, vaddr);
	cr_assert(unwind_rule_valid(ret_code));
	cr_assert(ret_code->kind == RULE_UNKNOWN || ret_code->guess);
	module_free(module);
}

static struct unwind_rule rule_at(const char *address)
{
	struct unwind_rule rule;

	rules_at(address, &rule, NULL);
	return rule;
}

static void expect_cfa(const char *name, const char *address, unsigned reg, int32_t offset)
{
	struct unwind_rule rule = rule_at(address);

	cr_expect_eq(rule.kind, RULE_STEP, "%s: %u", name, rule.kind);
	cr_expect_eq(rule.cfa_reg, reg, "%s: register %u", name, rule.cfa_reg);
	cr_expect_eq(rule.cfa_offset, offset, "%s: offset %d", name, rule.cfa_offset);
	cr_expect_not(rule.cfa_deref, "%s", name);
	cr_expect_not(rule.signal_frame, "%s", name);
	cr_expect_eq(rule.saved[DWARF_RIP].how, SAVED_AT_CFA, "%s", name);
	cr_expect_eq(rule.saved[DWARF_RIP].offset, -8, "%s", name);
	cr_expect_eq(rule.saved[DWARF_RSP].how, SAVED_IS_CFA, "%s", name);
	cr_expect_eq(rule.saved[DWARF_RSP].offset, 0, "%s", name);
}

#define EXPECT_CFA(place, reg, offset) expect_cfa(#place, place, reg, offset)

static void expect_saved(const char *name, const char *address, unsigned reg, enum saved_how how,
			 int32_t offset)
{
	struct unwind_rule rule = rule_at(address);

	cr_expect_eq(rule.saved[reg].how, how, "%s: how %u", name, rule.saved[reg].how);
	cr_expect_eq(rule.saved[reg].offset, offset, "%s: at %d", name, rule.saved[reg].offset);
}

#define EXPECT_SAVED(place, reg, how, offset) expect_saved(#place, place, reg, how, offset)

Test(code_rule, pushes_and_pops)
{
	EXPECT_CFA(frame_rsp, DWARF_RSP, 8);
	EXPECT_CFA(frame_rsp_1, DWARF_RSP, 16);
	EXPECT_CFA(frame_rsp_2, DWARF_RSP, 24);
	EXPECT_CFA(frame_rsp_3, DWARF_RSP, 48);
	EXPECT_CFA(before(frame_rsp_4), DWARF_RSP, 48);
	EXPECT_CFA(frame_rsp_4, DWARF_RSP, 48);
	EXPECT_CFA(frame_rsp_5, DWARF_RSP, 24);
	EXPECT_CFA(frame_rsp_6, DWARF_RSP, 16);
	EXPECT_CFA(frame_rsp_7, DWARF_RSP, 8);
}

Test(code_rule, saved_registers)
{
	EXPECT_SAVED(frame_rsp, DWARF_RBP, SAVED_SAME, 0);
	EXPECT_SAVED(frame_rsp_1, DWARF_RBX, SAVED_AT_CFA, -16);
	EXPECT_SAVED(frame_rsp_1, DWARF_RBP, SAVED_SAME, 0);
	EXPECT_SAVED(before(frame_rsp_4), DWARF_RBX, SAVED_AT_CFA, -16);
	EXPECT_SAVED(before(frame_rsp_4), DWARF_RBP, SAVED_AT_CFA, -24);
	EXPECT_SAVED(before(frame_rsp_4), DWARF_R12, SAVED_SAME, 0);
	EXPECT_SAVED(frame_rsp_7, DWARF_RBX, SAVED_SAME, 0);
	EXPECT_SAVED(frame_rsp, 0, SAVED_UNDEFINED, 0);
}

Test(code_rule, frame_pointer)
{
	EXPECT_CFA(frame_rbp, DWARF_RSP, 8);
	EXPECT_CFA(frame_rbp_1, DWARF_RSP, 16);
	EXPECT_CFA(frame_rbp_2, DWARF_RBP, 16);
	EXPECT_CFA(frame_rbp_3, DWARF_RBP, 16);
	EXPECT_CFA(frame_rbp_4, DWARF_RSP, 16);
	EXPECT_CFA(frame_rbp_5, DWARF_RSP, 8);
	EXPECT_SAVED(frame_rbp_3, DWARF_RBP, SAVED_AT_CFA, -16);
	EXPECT_SAVED(frame_rbp_3, DWARF_R12, SAVED_AT_CFA, -24);
	EXPECT_SAVED(frame_rbp_4, DWARF_R12, SAVED_SAME, 0);
	EXPECT_CFA(frame_leave, DWARF_RSP, 8);
	EXPECT_CFA(frame_leave_1, DWARF_RBP, 16);
	EXPECT_SAVED(frame_leave_1, DWARF_RBP, SAVED_AT_CFA, -16);
	EXPECT_CFA(frame_leave_2, DWARF_RSP, 8);
}

Test(code_rule, moves_and_arithmetic)
{
	EXPECT_CFA(frame_moved, DWARF_RSP, 8);
	EXPECT_SAVED(frame_moved, DWARF_RBP, SAVED_SAME, 0);
	EXPECT_CFA(frame_moved_1, DWARF_RSP, 48);
	EXPECT_SAVED(frame_moved_1, DWARF_RBP, SAVED_AT_CFA, -40);
	EXPECT_SAVED(frame_moved_1, DWARF_RBX, SAVED_AT_CFA, -32);
	EXPECT_CFA(frame_moved_2, DWARF_RSP, 48);
	EXPECT_SAVED(frame_moved_2, DWARF_RBX, SAVED_SAME, 0);
	EXPECT_CFA(frame_moved_3, DWARF_RSP, 8);
}

Test(code_rule, stack_pointer_kept_in_memory)
{
	struct unwind_rule rule = rule_at(frame_saved_rsp_1);

	EXPECT_CFA(frame_saved_rsp, DWARF_RSP, 8);
	cr_expect_eq(rule.kind, RULE_STEP);
	cr_expect(rule.cfa_deref);
	cr_expect_eq(rule.cfa_reg, DWARF_RSP);
	cr_expect_eq(rule.cfa_offset, 32);
	cr_expect_eq(rule.cfa_offset_after, 8);
	cr_expect_eq(rule.saved[DWARF_RBX].how, SAVED_AT_CFA);
	cr_expect_eq(rule.saved[DWARF_RBX].offset, -16);
	EXPECT_CFA(frame_saved_rsp_2, DWARF_RSP, 8);
}

Test(code_rule, realigned_stack)
{
	struct unwind_rule rule = rule_at(realigned_1);

	EXPECT_CFA(realigned, DWARF_RSP, 8);
	EXPECT_SAVED(realigned, DWARF_RBP, SAVED_SAME, 0);
	cr_expect_eq(rule.kind, RULE_STEP);
	cr_expect(rule.cfa_deref);
	cr_expect_eq(rule.cfa_offset, 40);
	cr_expect_eq(rule.cfa_offset_after, 0);
	cr_expect_eq(rule.saved[DWARF_RBP].how, SAVED_AT_REG);
	cr_expect_eq(rule.saved[DWARF_RBP].offset, 48);
	EXPECT_CFA(realigned_2, DWARF_RSP, 8);
}

Test(code_rule, stack_probes)
{
	EXPECT_CFA(probes, DWARF_RSP, 8);
	EXPECT_CFA(probes_1, 11, 0x4010);
	EXPECT_CFA(probes_2, 11, 0x4010);
	EXPECT_CFA(probes_3, DWARF_RSP, 0x4010);
}

Test(code_rule, jumps)
{
	EXPECT_CFA(loops_1, DWARF_RSP, 16);
	EXPECT_CFA(tail_1, DWARF_RSP, 16);
	EXPECT_SAVED(tail_1, DWARF_RBX, SAVED_AT_CFA, -16);
	EXPECT_CFA(tail_pointer_1, DWARF_RSP, 16);
}

/* The end of `call`'s displacement with `pop; pop` is, read alone, a call of another segment. */
Test(code_rule, far_calls_are_none)
{
	EXPECT_CFA(far + 7, DWARF_RSP, 16);
}

Test(code_rule, functions_that_do_not_return)
{
	EXPECT_CFA(leaver_1, DWARF_RSP, 32);
	EXPECT_CFA(leaver_2, DWARF_RSP, 48);
	EXPECT_CFA(before(leaver_3), DWARF_RSP, 48);
	EXPECT_CFA(endless_1, DWARF_RSP, 24);
	EXPECT_SAVED(endless_1, DWARF_RBP, SAVED_AT_CFA, -16);
	EXPECT_SAVED(endless_1, DWARF_RBX, SAVED_AT_CFA, -24);
	EXPECT_SAVED(endless_1, DWARF_R12, SAVED_SAME, 0);
}

Test(code_rule, first_functions)
{
	cr_expect_eq(rule_at(_start).kind, RULE_END);
	cr_expect_eq(rule_at(thread_first_0).kind, RULE_END);
	cr_expect_eq(rule_at(before(thread_first_1)).kind, RULE_END);
	cr_expect_eq(rule_at(before(process_first_0)).kind, RULE_END);
	cr_expect_eq(rule_at(before(process_first_1)).kind, RULE_END);
}

Test(code_rule, what_makes_no_sense_is_unknown)
{
	static const char data[16];

	cr_expect_eq(rule_at(nonsense + 1).kind, RULE_UNKNOWN);
	cr_expect_eq(rule_at(data).kind, RULE_UNKNOWN);
	cr_expect_eq(rule_at(wild + 1).kind, RULE_UNKNOWN);
	cr_expect_eq(rule_at(sinks + 1).kind, RULE_UNKNOWN);
}

static void on_signal(int number)
{
	(void)number;
}

/* The C library's CFI describes its trampoline, which has the same bytes in every C library. */
Test(code_rule, signal_trampoline)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		const char *restorer;
		uint64_t mask;
	} action = {0};
	struct unwind_rule code, cfi;

	signal(SIGUSR1, on_signal);
	cr_assert_eq(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, sizeof action.mask), 0);
	rules_at(before(action.restorer), &code, &cfi);
	cfi.guess = 1;
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		cr_expect_arr_eq(&code.saved[reg], &cfi.saved[reg], sizeof cfi.saved[reg], "%d",
				 reg);
	cr_expect_eq(code.kind, RULE_STEP);
	cr_expect(code.signal_frame);
	cr_expect(code.cfa_deref);
	cr_expect_eq(code.cfa_reg, cfi.cfa_reg);
	cr_expect_eq(code.cfa_offset, cfi.cfa_offset);
	cr_expect_eq(code.cfa_offset_after, cfi.cfa_offset_after);
	cr_expect(rule_at(before(resumer_1)).signal_frame);
	cr_expect(rule_at(resumer_1).signal_frame);
	cr_expect(rule_at(resumer_2).signal_frame);
}

/* --- hostile files ------------------------------------------------------------------------ */

enum { IMAGE_CODE = 0x1000, IMAGE_VADDR = 0x400000, CODE_BYTES = 0x4000 };

/* An ELF file of one segment, which says that it has `segment_size` bytes; the file has CODE_BYTES.
 */
static struct module *make_module(const uint8_t *code, uint64_t segment_size)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr load;
	} head = {
	    .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				   EV_CURRENT},
		       .e_type = ET_EXEC,
		       .e_machine = EM_X86_64,
		       .e_version = EV_CURRENT,
		       .e_entry = IMAGE_VADDR + CODE_BYTES - 1,
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_ehsize = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 1},
	    .load = {.p_type = PT_LOAD,
		     .p_flags = PF_R | PF_X,
		     .p_offset = IMAGE_CODE,
		     .p_vaddr = IMAGE_VADDR,
		     .p_filesz = segment_size,
		     .p_memsz = segment_size,
		     .p_align = IMAGE_CODE},
	};
	struct module *module = NULL;
	int fd = memfd_create("hostile", MFD_CLOEXEC);

	cr_assert_eq(pwrite(fd, &head, sizeof head, 0), (ssize_t)sizeof head);
	cr_assert_eq(pwrite(fd, code, CODE_BYTES, IMAGE_CODE), CODE_BYTES);
	cr_assert_eq(module_open(&module, MODULE_ELF, fd, "hostile"), 0);
	return module;
}

static unsigned ask_everywhere(struct module *module, uint64_t step)
{
	unsigned rules = 0;

	for (uint64_t at = 0; at <= CODE_BYTES + 16; at += step) {
		struct unwind_rule rule;

		code_rule(&rule, module, IMAGE_VADDR + at);
		cr_assert(unwind_rule_valid(&rule), "%lu", at);
		cr_assert(at < CODE_BYTES || rule.kind == RULE_UNKNOWN, "%lu", at);
		rules += rule.kind == RULE_STEP;
	}
	return rules;
}

/* Bytes at random, half of them such that move the stack pointer, jump or call. */
Test(code_rule, random_bytes)
{
	static const uint8_t likely[] = {0x48, 0x83, 0xec, 0xc4, 0x8d, 0x64, 0x24, 0x55,
					 0x5d, 0xc9, 0x89, 0xe5, 0x74, 0xeb, 0xe8, 0xff,
					 0xe0, 0x0f, 0x84, 0x90, 0xc3, 0x41};
	static uint8_t code[CODE_BYTES];
	struct drand48_data random;
	struct module *module;

	srand48_r(2, &random);
	for (size_t i = 0; i < sizeof code; i++) {
		long number;

		lrand48_r(&random, &number);
		code[i] = (uint8_t)number;
		if (number & 0x100)
			code[i] = likely[(size_t)(number >> 9) % sizeof likely];
	}
	module = make_module(code, CODE_BYTES);
	cr_assert_gt(ask_everywhere(module, 3), CODE_BYTES / 30);
	module_free(module);
}

/* A segment that is said to be longer than the file. */
Test(code_rule, cut_file)
{
	static uint8_t code[CODE_BYTES];
	struct module *module;

	memset(code, 0x50, sizeof code); /* push %rax, and no end */
	module = make_module(code, 16 * CODE_BYTES);
	cr_assert_eq(ask_everywhere(module, 64), 0);
	module_free(module);
	memset(code, 0xc3, sizeof code);
	module = make_module(code, UINT64_MAX / 2);
	cr_assert_eq(ask_everywhere(module, 64), CODE_BYTES / 64);
	module_free(module);
}

/* Functions that call each other with padding behind the call, none of which ever returns. */
Test(code_rule, calls_without_end)
{
	static uint8_t code[CODE_BYTES];
	struct module *module;

	for (int32_t at = 0; at + 8 <= CODE_BYTES; at += 8) {
		int32_t to = (at * 37 + 4096) % CODE_BYTES / 8 * 8 - (at + 5);

		code[at] = 0xe8;
		memcpy(code + at + 1, &to, sizeof to);
		memset(code + at + 5, 0x90, 3);
	}
	module = make_module(code, CODE_BYTES);
	cr_assert_eq(ask_everywhere(module, 128), 0);
	module_free(module);
}

/* --- code that has CFI -------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
enum { SAMPLES = 1000 };
#else
enum { SAMPLES = 20000 };
#endif
enum { INSTRUCTIONS_PER_FILE_MAX = 4000000 };

struct places {
	uint64_t
	    *lookups; /* addresses at the start of an instruction, or the last bytes of calls */
	size_t count;
};

static bool is_filler(const struct code_insn *insn)
{
	return insn->decoded.mnemonic == ZYDIS_MNEMONIC_NOP ||
	       (insn->decoded.mnemonic == ZYDIS_MNEMONIC_XCHG &&
		insn->operands[0].reg.value == insn->operands[1].reg.value);
}

static void add_function(struct places *places, struct code_text *text, uint64_t start,
			 uint64_t size)
{
	struct code_insn insn;
	bool is_behind_end = false;

	for (uint64_t vaddr = start; vaddr - start < size; vaddr = code_insn_end(&insn)) {
		if (places->count + 2 > INSTRUCTIONS_PER_FILE_MAX ||
		    !code_text_decode(text, vaddr, &insn))
			return;
		/* What aligns the next block is never executed. */
		if (is_behind_end && is_filler(&insn))
			continue;
		is_behind_end = insn.decoded.meta.category == ZYDIS_CATEGORY_RET ||
				insn.decoded.mnemonic == ZYDIS_MNEMONIC_JMP;
		places->lookups[places->count++] = vaddr;
		if (insn.decoded.mnemonic == ZYDIS_MNEMONIC_CALL)
			places->lookups[places->count++] = code_insn_end(&insn) - 1;
	}
}

/* Each instruction of all functions that have a symbol with a size. */
static struct places find_places(struct module *module)
{
	struct places places = {xcalloc(INSTRUCTIONS_PER_FILE_MAX, sizeof *places.lookups), 0};
	struct code_text text;
	GElf_Addr bias;
	int count = dwfl_module_getsymtab(module->elf);

	code_text_init(&text, dwfl_module_getelf(module->elf, &bias), &module->segments, SIZE_MAX);
	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		const char *name =
		    dwfl_module_getsym_info(module->elf, i, &sym, &address, NULL, NULL, NULL);

		if (name && GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_size)
			add_function(&places, &text, address, sym.st_size);
	}
	return places;
}

static bool same_cfa(const struct unwind_rule *left, const struct unwind_rule *right)
{
	return left->kind == right->kind && left->cfa_reg == right->cfa_reg &&
	       left->cfa_offset == right->cfa_offset && left->cfa_deref == right->cfa_deref &&
	       left->cfa_offset_after == right->cfa_offset_after;
}

/* CFI still says that a register is on the stack when it has been popped, and has its value again.
 */
static bool same_rbp(const struct unwind_rule *code, const struct unwind_rule *cfi)
{
	const struct saved_reg *a = &code->saved[DWARF_RBP], *b = &cfi->saved[DWARF_RBP];

	if (a->how == SAVED_SAME && b->how == SAVED_AT_CFA && cfi->cfa_reg == DWARF_RSP &&
	    b->offset < -cfi->cfa_offset)
		return true;
	return a->how == b->how && a->reg == b->reg && a->offset == b->offset;
}

/*
 * At random instructions: at least `floor` per cent have the CFA that CFI says. A few differ that
 * are as right: CFI counts from rbp where rsp does as well.
 */
static void compare_with_cfi(const char *path, double floor)
{
	struct module *module = open_file(path);
	struct places places = find_places(module);
	unsigned compared = 0, same = 0, unknown = 0, rbp = 0;
	struct drand48_data random;

	cr_assert_gt(places.count, 100, "%s", path);
	srand48_r(1, &random);
	for (int i = 0; i < SAMPLES; i++) {
		struct unwind_rule code, cfi;
		long number;

		lrand48_r(&random, &number);
		uint64_t vaddr = places.lookups[(size_t)number % places.count];

		cfi_rule(&cfi, module, vaddr);
		if (cfi.kind != RULE_STEP)
			continue;
		code_rule(&code, module, vaddr);
		compared++;
		same += same_cfa(&code, &cfi);
		unknown += code.kind != RULE_STEP;
		rbp += same_cfa(&code, &cfi) && same_rbp(&code, &cfi);
	}
	fprintf(stderr, "%s: %u places, same CFA %.2f %%, and same rbp %.2f %%, no rule %.2f %%\n",
		path, compared, 100.0 * same / compared, 100.0 * rbp / compared,
		100.0 * unknown / compared);
	cr_assert_gt(compared, SAMPLES / 2, "%s", path);
	cr_assert_geq(100.0 * same / compared, floor, "%s", path);
	cr_assert_geq(100.0 * rbp / compared, floor - 3, "%s", path);
	free(places.lookups);
	module_free(module);
}

static void compare_library(void *function, double floor)
{
	Dl_info info;

	cr_assert(function && dladdr(function, &info));
	compare_with_cfi(info.dli_fname, floor);
}

Test(code_rule, agrees_with_cfi_in_this_program)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("instrumented code counts from rbp where rsp does as well");
#endif
	compare_with_cfi("/proc/self/exe", 98);
}

Test(code_rule, agrees_with_cfi_in_the_c_library)
{
	compare_library(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), 98);
}

Test(code_rule, agrees_with_cfi_in_elfutils)
{
	compare_library(dlsym(RTLD_DEFAULT, "dwfl_begin"), 98);
}

Test(code_rule, agrees_with_cfi_in_python)
{
	if (access("/usr/bin/python3", R_OK))
		cr_skip_test("there is no python3");
	compare_with_cfi("/usr/bin/python3", 98);
}

Test(code_rule, agrees_with_cfi_in_hand_written_code)
{
	void *library = dlopen("libcrypto.so.3", RTLD_LAZY);

	if (!library)
		cr_skip_test("there is no libcrypto");
	compare_library(dlsym(library, "SHA256_Update"), 98);
	dlclose(library);
}
