/* probe_site: each rule of the choice, on hand-assembled code. */
#include "config.h"

#include "symbol/probe_site.h"

#include <criterion/criterion.h>
#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, NO_REG = PROBE_NO_REGISTER };

static const struct allocator_arguments size_only = {.size = 0, .count = -1, .pointer = -1};
static const struct allocator_arguments pointer_only = {.size = -1, .count = -1, .pointer = 0};
static const struct allocator_arguments array = {.size = 2, .count = 1, .pointer = 0};

static struct probe_site site;

static void choose(const uint8_t *bytes, size_t size, const struct allocator_arguments *wanted)
{
	const struct probe_code code = {.bytes = bytes, .size = size, .length = size};

	probe_site_choose(&site, &code, wanted);
}

/* The code is a list of bytes. */
#define CHOOSE(wanted, ...)                                        \
	do {                                                       \
		static const uint8_t code_bytes[] = {__VA_ARGS__}; \
		choose(code_bytes, sizeof code_bytes, &(wanted));  \
	} while (0)

static void expect_first_byte(enum probe_reason reason)
{
	cr_expect_eq(site.delta, 0);
	cr_expect_eq(site.reason, reason, "%s", probe_reason_text(site.reason));
	cr_expect_not(site.emulated);
}

static void expect_emulated(uint32_t delta)
{
	cr_expect_eq(site.delta, delta, "%u", site.delta);
	cr_expect_eq(site.reason, PROBE_EMULATED, "%s", probe_reason_text(site.reason));
	cr_expect(site.emulated);
}

Test(probe_site, what_is_emulated)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		bool emulated;
	} cases[] = {
	    {{0x50}, 1, true},				/* push rax */
	    {{0x57}, 1, true},				/* push rdi */
	    {{0x41, 0x57}, 2, true},			/* push r15 */
	    {{0x90}, 1, true},				/* nop */
	    {{0xe9, 1, 0, 0, 0}, 5, true},		/* jmp */
	    {{0xeb, 1}, 2, true},			/* jmp */
	    {{0x74, 1}, 2, true},			/* je */
	    {{0x70, 1}, 2, true},			/* jo */
	    {{0x7f, 1}, 2, true},			/* jg */
	    {{0x0f, 0x84, 1, 0, 0, 0}, 6, true},	/* je */
	    {{0x0f, 0x8f, 1, 0, 0, 0}, 6, true},	/* jg */
	    {{0xe8, 1, 0, 0, 0}, 5, true},		/* call */
	    {{0x58}, 1, false},				/* pop rax */
	    {{0x4f}, 1, false},				/* a lone prefix */
	    {{0xc3}, 1, false},				/* ret */
	    {{0x66, 0x50}, 2, false},			/* push ax */
	    {{0x48, 0x50}, 2, false},			/* push rax with another prefix */
	    {{0x41, 0x90}, 2, false},			/* xchg r8d, eax */
	    {{0x66, 0x90}, 2, false},			/* nop */
	    {{0xf3, 0x90}, 2, false},			/* pause */
	    {{0x66, 0xe8, 1, 0, 0, 0}, 6, false},	/* callw */
	    {{0xf3, 0x0f, 0x1e, 0xfa}, 4, false},	/* endbr64 */
	    {{0x0f, 0x1f, 0x44, 0x00, 0x00}, 5, false}, /* nop */
	    {{0x48, 0x89, 0xf8}, 3, false},		/* mov rax, rdi */
	    {{0x48, 0x85, 0xff}, 3, false},		/* test rdi, rdi */
	    {{0x48, 0x83, 0xec, 0x08}, 4, false},	/* sub rsp, 8 */
	    {{0xe3, 1}, 2, false},			/* jrcxz */
	    {{0xe2, 1}, 2, false},			/* loop */
	    {{0x0f, 0x94, 0xc0, 0, 0, 0}, 6, false},	/* not a jump's second byte */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_expect_eq(probe_is_emulated(cases[i].bytes, cases[i].length), cases[i].emulated,
			     "case %zu", i);
}

Test(probe_site, first_instruction_of_a_function)
{
	CHOOSE(size_only, 0x41, 0x54, /* push r12 */ 0xc3);
	expect_emulated(0);
	cr_expect_eq(site.size_reg, RDI);
	cr_expect_eq(site.count_reg, NO_REG);
	cr_expect_eq(site.pointer_reg, NO_REG);
	cr_expect_str_eq(site.text, "push r12");
}

Test(probe_site, glibc_free)
{
	CHOOSE(pointer_only, 0x48, 0x85, 0xff, /* test rdi, rdi */ 0x74, 0x01, /* je */ 0xc3, 0xc3);
	expect_emulated(3);
	cr_expect_eq(site.pointer_reg, RDI);
	cr_expect_eq(site.size_reg, NO_REG);
}

Test(probe_site, behind_endbr64)
{
	CHOOSE(pointer_only, 0xf3, 0x0f, 0x1e, 0xfa, 0x55, /* push rbp */ 0xc3);
	expect_emulated(4);
}

Test(probe_site, jump_as_the_place)
{
	CHOOSE(size_only, 0x31, 0xc9, /* xor ecx, ecx */ 0xe9, 0, 1, 0, 0);
	expect_emulated(2);
}

Test(probe_site, argument_is_followed)
{
	CHOOSE(pointer_only, 0x48, 0x89, 0xf8, /* mov rax, rdi */
	       0x49, 0x89, 0xc2,	       /* mov r10, rax */
	       0x31, 0xff,		       /* xor edi, edi */
	       0x48, 0xc1, 0xe8, 0x1a,	       /* shr rax, 26 */
	       0x53, /* push rbx */ 0xc3);
	expect_emulated(12);
	cr_expect_eq(site.pointer_reg, R10);
}

Test(probe_site, own_register_is_preferred)
{
	CHOOSE(pointer_only, 0x48, 0x89, 0xf8, /* mov rax, rdi */ 0x53, 0xc3);
	expect_emulated(3);
	cr_expect_eq(site.pointer_reg, RDI);
}

Test(probe_site, argument_is_overwritten)
{
	CHOOSE(pointer_only, 0x31, 0xff, /* xor edi, edi */ 0x53, 0xc3);
	expect_first_byte(PROBE_ARGUMENT_LOST);
	cr_expect_eq(site.pointer_reg, RDI);
	cr_expect_str_eq(site.text, "xor edi, edi");
}

Test(probe_site, hidden_operands_overwrite)
{
	CHOOSE(array, 0x48, 0x89, 0xf0, /* mov rax, rsi */ 0x48, 0xf7, 0xe2, /* mul rdx */ 0x53,
	       0xc3);
	expect_first_byte(PROBE_ARGUMENT_LOST);
	cr_expect_eq(site.pointer_reg, RDI);
	cr_expect_eq(site.count_reg, RSI);
	cr_expect_eq(site.size_reg, RDX);
}

Test(probe_site, parts_of_a_register_overwrite)
{
	CHOOSE(pointer_only, 0x40, 0xb7, 0x01, /* mov dil, 1 */ 0x53, 0xc3);
	expect_first_byte(PROBE_ARGUMENT_LOST);
}

Test(probe_site, half_a_copy_is_none)
{
	CHOOSE(size_only, 0x89, 0xf8, /* mov eax, edi */ 0x31, 0xff, /* xor edi, edi */ 0x53, 0xc3);
	expect_first_byte(PROBE_ARGUMENT_LOST);
}

Test(probe_site, arguments_change_places)
{
	CHOOSE(array, 0x48, 0x89, 0xd0, /* mov rax, rdx */
	       0x48, 0x89, 0xf2,	/* mov rdx, rsi */
	       0x48, 0x89, 0xfe,	/* mov rsi, rdi */
	       0xe9, 0, 1, 0, 0);
	expect_emulated(9);
	cr_expect_eq(site.pointer_reg, RDI);
	cr_expect_eq(site.count_reg, RDX);
	cr_expect_eq(site.size_reg, RAX);
}

Test(probe_site, stack_pointer_moves)
{
	CHOOSE(size_only, 0x48, 0x83, 0xec, 0x18, /* sub rsp, 24 */ 0x53, 0xc3);
	expect_first_byte(PROBE_STACK_MOVED);
	CHOOSE(size_only, 0x6a, 0x01, /* push 1 */ 0x53, 0xc3);
	expect_first_byte(PROBE_STACK_MOVED);
	CHOOSE(size_only, 0x48, 0x89, 0xe5, /* mov rbp, rsp */ 0x53, 0xc3);
	expect_emulated(3);
}

Test(probe_site, not_past_what_leaves_the_line)
{
	CHOOSE(size_only, 0x31, 0xc0, 0xc3, /* ret */ 0x53);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0xff, 0xd0, /* call rax */ 0x53, 0xc3);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0xff, 0x25, 0, 0, 0, 0, /* jmp [rip] */ 0x53);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0xe3, 0x01, /* jrcxz */ 0x53, 0xc3);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0x0f, 0x05, /* syscall */ 0x53, 0xc3);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0xcc, /* int3 */ 0x53, 0xc3);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0x0f, 0x0b, /* ud2 */ 0x53, 0xc3);
	expect_first_byte(PROBE_NOT_STRAIGHT);
	CHOOSE(size_only, 0x66, 0xe9, 0, 1, 0, 0, /* jmp with a prefix */ 0x53, 0xc3);
	cr_expect_neq(site.reason, PROBE_EMULATED);
}

/* mov; push; ...; jmp to the push: it would be passed once more. */
Test(probe_site, branch_back_to_the_place)
{
	CHOOSE(size_only, 0x48, 0x89, 0xf8, 0x53, 0x5b, 0x75, 0xfc, /* jne to the push */ 0xc3);
	expect_first_byte(PROBE_BRANCH_INTO);
}

Test(probe_site, branch_back_in_front_of_the_place)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x31, 0xc9, 0x53, 0x5b, 0xeb, 0xfa, /* jmp to the second */);
	expect_first_byte(PROBE_BRANCH_INTO);
}

/* What the walk goes past for the first byte passes it again as the next call would. */
Test(probe_site, branch_back_to_the_start)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0xeb, 0xfa /* jmp to the start */);
	expect_emulated(2);
}

Test(probe_site, branch_behind_the_place)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0xeb, 0xfd /* jmp to the pop */);
	expect_emulated(2);
}

Test(probe_site, branch_of_32_bits)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0xe9, 0xf9, 0xff, 0xff, 0xff /* to the push */);
	expect_first_byte(PROBE_BRANCH_INTO);
}

/* Nothing can be said of where it goes, but the first byte is only passed by calls. */
Test(probe_site, jump_table)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0x3e, 0xff, 0xe0 /* notrack jmp rax */);
	expect_first_byte(PROBE_INDIRECT_JUMP);
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0xff, 0x24, 0xc5, 0, 0, 0, 0 /* jmp [rax*8] */);
	expect_first_byte(PROBE_INDIRECT_JUMP);
	CHOOSE(size_only, 0x53, 0x5b, 0xff, 0xe0 /* jmp rax */);
	expect_emulated(0);
}

Test(probe_site, jump_through_the_offset_table)
{
	CHOOSE(size_only, 0x31, 0xc0, 0x53, 0x5b, 0xff, 0x25, 1, 2, 3, 4 /* jmp [rip + n] */);
	expect_emulated(2);
}

Test(probe_site, more_than_can_be_read)
{
	static const uint8_t bytes[] = {0x31, 0xc0, 0x53, 0x5b, 0xc3};
	struct probe_code code = {.bytes = bytes, .size = sizeof bytes, .length = 100000};

	probe_site_choose(&site, &code, &size_only);
	expect_first_byte(PROBE_TOO_LONG);
	code.bytes = bytes + 2;
	code.size -= 2;
	probe_site_choose(&site, &code, &size_only);
	expect_emulated(0);
}

Test(probe_site, nothing_near_the_start)
{
	static uint8_t bytes[2 * PROBE_DELTA_MAX];

	for (size_t i = 0; i < sizeof bytes; i += 2)
		memcpy(bytes + i, (const uint8_t[]){0x31, 0xc0}, 2);
	bytes[sizeof bytes - 2] = 0x53;
	bytes[sizeof bytes - 1] = 0xc3;
	choose(bytes, sizeof bytes, &size_only);
	expect_first_byte(PROBE_NOT_FOUND);
}

Test(probe_site, no_code)
{
	choose((const uint8_t *)"", 0, &size_only);
	expect_first_byte(PROBE_NOT_DECODED);
	cr_expect_str_eq(site.text, "");
	CHOOSE(size_only, 0x06, /* no instruction */ 0x53);
	expect_first_byte(PROBE_NOT_DECODED);
	cr_expect_str_eq(site.text, "");
}

/* Cut anywhere, the answer is within what is there, and the byte at the place is what is said. */
Test(probe_site, cut_and_random_bytes)
{
	static uint8_t bytes[64];
	uint32_t random = 2463534242u;

	for (int round = 0; round < 200000; round++) {
		size_t size = (size_t)round % (sizeof bytes + 1);

		for (size_t i = 0; i < sizeof bytes; i++) {
			random ^= random << 13;
			random ^= random >> 17;
			random ^= random << 5;
			bytes[i] = (uint8_t)random;
		}
		choose(bytes, size, round % 2 ? &array : &pointer_only);
		cr_assert_lt(site.reason, PROBE_REASONS);
		cr_assert(site.delta == 0 || site.delta < size);
		cr_assert(site.delta == 0 || site.emulated);
		cr_assert_lt(site.pointer_reg, 16);
		cr_assert_not_null(memchr(site.text, '\0', sizeof site.text));
	}
}

Test(probe_site, every_reason_has_words)
{
	for (int reason = 0; reason < PROBE_REASONS; reason++)
		cr_expect_gt(strlen(probe_reason_text((enum probe_reason)reason)), 0);
}
