/*
 * A walk straight from the function's first byte, with the set of registers that each argument is
 * in. Conditional jumps are emulated, so nothing is ever walked past that a call may not pass; what
 * could make one pass the place twice is a branch back, which a linear sweep over the whole
 * function looks for. The sweep may take data for instructions: then it finds branches that are
 * none.
 */
#include "config.h"

#include "symbol/probe_site.h"

#include <string.h>

#include <Zydis/Zydis.h>

enum {
	ARGUMENTS = 3, /* size, count, pointer */
	REGISTERS = 16,
	REG_RSP = 4,
	REX_B = 0x41,
	BYTE_NOP = 0x90,
};

struct walk {
	ZydisDecoder decoder;
	const struct probe_code *code;
	bool wanted[ARGUMENTS];
	uint8_t home[ARGUMENTS];     /* the register that it is passed in */
	uint16_t holders[ARGUMENTS]; /* bits: the registers that hold it now */
};

struct insn {
	ZydisDecodedInstruction decoded;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/*
 * As push_setup_xol_ops() and branch_setup_xol_ops() of arch/x86/kernel/uprobes.c, without what
 * depends on the kernel's version and without prefixes that compilers do not write.
 */
bool probe_is_emulated(const uint8_t *bytes, size_t length)
{
	if (length == 1)
		return (bytes[0] & 0xf8) == 0x50 || bytes[0] == BYTE_NOP;
	if (length == 2)
		return (bytes[0] == REX_B && (bytes[1] & 0xf8) == 0x50) || bytes[0] == 0xeb ||
		       (bytes[0] & 0xf0) == 0x70;
	if (length == 5)
		return bytes[0] == 0xe8 || bytes[0] == 0xe9;
	return length == 6 && bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80;
}

static bool decode(const struct walk *walk, size_t at, struct insn *insn)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&walk->decoder, walk->code->bytes + at,
						   walk->code->size - at, &insn->decoded,
						   insn->operands));
}

/* The general register that a register is or is a part of; REGISTERS: none. */
static unsigned general_register(ZydisRegister part)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, part);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return REGISTERS;
	return (unsigned)(whole - ZYDIS_REGISTER_RAX);
}

static bool is_whole_register(const ZydisDecodedOperand *operand)
{
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->size == 64 &&
	       general_register(operand->reg.value) < REGISTERS;
}

static uint16_t written_registers(const struct insn *insn)
{
	uint16_t written = 0;

	for (size_t i = 0; i < insn->decoded.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operands[i];
		unsigned reg;

		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		reg = general_register(operand->reg.value);
		if (reg < REGISTERS)
			written |= (uint16_t)(1U << reg);
	}
	return written;
}

static bool is_copy(const struct insn *insn)
{
	return insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
	       is_whole_register(&insn->operands[0]) && is_whole_register(&insn->operands[1]);
}

/* Takes the effect of an instruction that is walked past on where the arguments are. */
static void step(struct walk *walk, const struct insn *insn, uint16_t written)
{
	unsigned from = is_copy(insn) ? general_register(insn->operands[1].reg.value) : REGISTERS;

	for (int i = 0; i < ARGUMENTS; i++) {
		bool copied = walk->holders[i] >> from & 1;

		walk->holders[i] &= (uint16_t)~written;
		if (copied)
			walk->holders[i] |= written;
	}
}

static bool has_arguments(const struct walk *walk)
{
	for (int i = 0; i < ARGUMENTS; i++)
		if (walk->wanted[i] && !walk->holders[i])
			return false;
	return true;
}

static bool leaves_straight_line(const struct insn *insn)
{
	switch (insn->decoded.meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return true;
	default:
		return insn->decoded.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
		       insn->decoded.mnemonic == ZYDIS_MNEMONIC_UD2;
	}
}

/* The first instruction of those that are emulated, if all before it may be passed. */
static enum probe_reason find_emulated(struct walk *walk, size_t *ret_at)
{
	struct insn insn;
	uint16_t written;
	size_t at = 0;

	while (at <= PROBE_DELTA_MAX) {
		if (at >= walk->code->size || !decode(walk, at, &insn))
			return PROBE_NOT_DECODED;
		if (probe_is_emulated(walk->code->bytes + at, insn.decoded.length)) {
			*ret_at = at;
			return PROBE_EMULATED;
		}
		written = written_registers(&insn);
		if (leaves_straight_line(&insn))
			return PROBE_NOT_STRAIGHT;
		if (written >> REG_RSP & 1)
			return PROBE_STACK_MOVED;
		step(walk, &insn, written);
		if (!has_arguments(walk))
			return PROBE_ARGUMENT_LOST;
		at += insn.decoded.length;
	}
	return PROBE_NOT_FOUND;
}

/* A jump through a fixed place in memory is to another function; any other may be a jump table. */
static bool is_unknown_jump(const struct insn *insn)
{
	const ZydisDecodedOperand *to = &insn->operands[0];

	return insn->decoded.meta.category == ZYDIS_CATEGORY_UNCOND_BR &&
	       to->type != ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       (to->type != ZYDIS_OPERAND_TYPE_MEMORY || to->mem.base != ZYDIS_REGISTER_RIP ||
		to->mem.index != ZYDIS_REGISTER_NONE);
}

/* Whether it goes to behind the function's first byte, up to `place`. */
static bool branches_into(const struct insn *insn, size_t at, size_t place)
{
	const ZydisDecodedOperand *to = &insn->operands[0];
	uint64_t target;

	if (!insn->decoded.operand_count || to->type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    !to->imm.is_relative)
		return false;
	target = at + insn->decoded.length + to->imm.value.u;
	return target > 0 && target <= place;
}

static enum probe_reason sweep(const struct walk *walk, size_t place)
{
	struct insn insn;

	if (walk->code->length > walk->code->size)
		return PROBE_TOO_LONG;
	for (size_t at = 0; at < walk->code->size; at += insn.decoded.length) {
		if (!decode(walk, at, &insn)) {
			insn.decoded.length = 1;
			continue;
		}
		if (branches_into(&insn, at, place))
			return PROBE_BRANCH_INTO;
		if (is_unknown_jump(&insn))
			return PROBE_INDIRECT_JUMP;
	}
	return PROBE_EMULATED;
}

static void write_text(const struct walk *walk, struct probe_site *site)
{
	ZydisFormatter formatter;
	struct insn insn;

	if (site->delta >= walk->code->size || !decode(walk, site->delta, &insn) ||
	    !ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
	    !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		&formatter, &insn.decoded, insn.operands, insn.decoded.operand_count_visible,
		site->text, sizeof(site->text), ZYDIS_RUNTIME_ADDRESS_NONE, NULL))) {
		site->text[0] = '\0';
		return;
	}
	site->emulated = probe_is_emulated(walk->code->bytes + site->delta, insn.decoded.length);
}

static void start(struct walk *walk, const struct probe_code *code,
		  const struct allocator_arguments *wanted)
{
	/* rdi, rsi, rdx, rcx, r8, r9 */
	static const uint8_t passed_in[] = {7, 6, 2, 1, 8, 9};
	const int8_t arguments[ARGUMENTS] = {wanted->size, wanted->count, wanted->pointer};

	*walk = (struct walk){.code = code};
	(void)ZydisDecoderInit(&walk->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (int i = 0; i < ARGUMENTS; i++) {
		walk->home[i] = PROBE_NO_REGISTER;
		walk->wanted[i] = arguments[i] >= 0 && (size_t)arguments[i] < sizeof(passed_in);
		if (!walk->wanted[i])
			continue;
		walk->home[i] = passed_in[arguments[i]];
		walk->holders[i] = (uint16_t)(1U << walk->home[i]);
	}
}

/* Where an argument was passed, if it is still there. */
static uint8_t holder(const struct walk *walk, int argument)
{
	uint16_t holders = walk->holders[argument];

	if (!walk->wanted[argument] || holders >> walk->home[argument] & 1)
		return walk->home[argument];
	return (uint8_t)__builtin_ctz(holders);
}

static void finish(const struct walk *walk, struct probe_site *site)
{
	site->size_reg = holder(walk, 0);
	site->count_reg = holder(walk, 1);
	site->pointer_reg = holder(walk, 2);
	write_text(walk, site);
}

void probe_site_choose(struct probe_site *ret_site, const struct probe_code *code,
		       const struct allocator_arguments *wanted)
{
	struct walk walk;
	size_t place = 0;
	enum probe_reason reason;

	start(&walk, code, wanted);
	reason = find_emulated(&walk, &place);
	if (reason == PROBE_EMULATED && place > 0)
		reason = sweep(&walk, place);
	if (reason != PROBE_EMULATED) {
		probe_site_retreat(ret_site, code, wanted, reason);
		return;
	}
	*ret_site = (struct probe_site){.delta = (uint32_t)place, .reason = reason};
	finish(&walk, ret_site);
}

void probe_site_retreat(struct probe_site *site, const struct probe_code *code,
			const struct allocator_arguments *wanted, enum probe_reason reason)
{
	struct walk walk;

	start(&walk, code, wanted);
	*site = (struct probe_site){.reason = reason};
	finish(&walk, site);
}

bool probe_site_confirm(struct probe_site *ret_site, const struct probe_code *code,
			const struct allocator_arguments *wanted, uint32_t delta)
{
	struct walk walk;
	size_t place = 0;

	start(&walk, code, wanted);
	*ret_site = (struct probe_site){.delta = delta};
	if (delta && (find_emulated(&walk, &place) != PROBE_EMULATED || place != delta))
		return false;
	finish(&walk, ret_site);
	return ret_site->text[0] != '\0';
}

const char *probe_reason_text(enum probe_reason reason)
{
	static const char *const texts[PROBE_REASONS] = {
	    [PROBE_EMULATED] = "first emulated instruction",
	    [PROBE_ARGUMENT_LOST] = "no emulated instruction before an argument is overwritten",
	    [PROBE_STACK_MOVED] = "no emulated instruction before the stack pointer moves",
	    [PROBE_NOT_STRAIGHT] = "no emulated instruction before a call, jump or return",
	    [PROBE_NOT_FOUND] = "no emulated instruction near the start",
	    [PROBE_NOT_DECODED] = "code that cannot be decoded",
	    [PROBE_BRANCH_INTO] = "a branch leads back into the prologue",
	    [PROBE_INDIRECT_JUMP] = "an indirect jump may lead back into the prologue",
	    [PROBE_TOO_LONG] = "the function is too long to be searched for branches",
	};

	return texts[reason];
}
