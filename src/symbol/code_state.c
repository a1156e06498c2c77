/*
 * Symbolic execution of the few instructions by which compilers and people move the stack pointer,
 * save registers and restore them. Whatever else writes a register makes its value unknown. Memory
 * is followed only where its address is a register's first value plus a constant, and only eight
 * bytes at a time; stores through other pointers are taken not to hit these places.
 */
#include "config.h"

#include "symbol/code_state.h"

enum { DWARF_RAX = 0, DWARF_RBX = 3, DWARF_R12 = 12, DWARF_R15 = 15, SLOT_BYTES = 8 };

static const struct code_value unknown = {.kind = CODE_UNKNOWN};

bool code_reg_is_callee_saved(unsigned reg)
{
	return reg == DWARF_RBX || reg == DWARF_RBP || (reg >= DWARF_R12 && reg <= DWARF_R15);
}

/* The DWARF number of the general register that a part of it belongs to; DWARF_RIP: none. */
static uint8_t dwarf_reg(ZydisRegister part)
{
	static const uint8_t numbers[] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, part);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return DWARF_RIP;
	return numbers[whole - ZYDIS_REGISTER_RAX];
}

/* The general register of 64 bits that an operand is; DWARF_RIP: it is something else. */
static uint8_t whole_reg(const ZydisDecodedOperand *operand)
{
	if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || operand->size != 64)
		return DWARF_RIP;
	return dwarf_reg(operand->reg.value);
}

static struct code_value constant(int64_t number)
{
	if (number < INT32_MIN || number > INT32_MAX)
		return unknown;
	return (struct code_value){.kind = CODE_CONST, .offset = (int32_t)number};
}

static struct code_value plus(struct code_value value, int64_t number)
{
	int64_t sum;
	int32_t *part = value.kind == CODE_LOAD ? &value.after : &value.offset;

	if (value.kind == CODE_UNKNOWN || value.kind == CODE_RESULT ||
	    value.kind == CODE_LOAD_LOAD || __builtin_add_overflow(*part, number, &sum) ||
	    sum < INT32_MIN || sum > INT32_MAX)
		return unknown;
	*part = (int32_t)sum;
	return value;
}

static struct code_slot *find_slot(struct code_state *state, const struct code_value *address)
{
	for (size_t i = 0; i < state->slot_count; i++) {
		struct code_slot *slot = &state->slots[i];

		if (slot->reg == address->reg && slot->offset == address->offset)
			return slot;
	}
	return NULL;
}

static struct code_value load(struct code_state *state, struct code_value address)
{
	const struct code_slot *slot;

	if (address.kind == CODE_LOAD) {
		address.kind = CODE_LOAD_LOAD;
		return address;
	}
	if (address.kind != CODE_REG)
		return unknown;
	slot = find_slot(state, &address);
	if (slot)
		return slot->value;
	if (address.reg == CODE_MOVED_RSP)
		return unknown;
	address.kind = CODE_LOAD;
	address.after = 0;
	return address;
}

static void store(struct code_state *state, const struct code_value *address,
		  struct code_value value)
{
	struct code_slot *slot;

	if (address->kind != CODE_REG)
		return;
	slot = find_slot(state, address);
	if (slot) {
		slot->value = value;
	} else if (value.kind != CODE_UNKNOWN && value.kind != CODE_CONST &&
		   state->slot_count < CODE_SLOTS_MAX) {
		state->slots[state->slot_count++] = (struct code_slot){
		    .reg = address->reg, .offset = address->offset, .value = value};
	}
}

static struct code_value address_of(const struct code_state *state,
				    const ZydisDecodedOperand *operand)
{
	uint8_t base;

	if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
	    operand->mem.index != ZYDIS_REGISTER_NONE ||
	    operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS)
		return unknown;
	if (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, operand->mem.base) != 64)
		return unknown;
	base = dwarf_reg(operand->mem.base);
	return base == DWARF_RIP ? unknown : plus(state->regs[base], operand->mem.disp.value);
}

static struct code_value value_of(struct code_state *state, const ZydisDecodedOperand *operand)
{
	uint8_t reg = whole_reg(operand);

	if (reg != DWARF_RIP)
		return state->regs[reg];
	if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return constant(operand->imm.value.s);
	if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->size == 64)
		return load(state, address_of(state, operand));
	return unknown;
}

static void push(struct code_state *state, struct code_value value)
{
	struct code_value *rsp = &state->regs[DWARF_RSP];

	*rsp = plus(*rsp, -SLOT_BYTES);
	store(state, rsp, value);
}

static struct code_value pop(struct code_state *state)
{
	struct code_value *rsp = &state->regs[DWARF_RSP];
	struct code_value value = load(state, *rsp);

	*rsp = plus(*rsp, SLOT_BYTES);
	return value;
}

/* Whatever the instruction writes is unknown; a stack pointer it moves is a register of its own. */
static void forget_written(struct code_state *state, const struct code_insn *insn)
{
	for (size_t i = 0; i < insn->decoded.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operands[i];
		struct code_value address;
		uint8_t reg;

		if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			address = address_of(state, operand);
			store(state, &address, unknown);
			continue;
		}
		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		reg = dwarf_reg(operand->reg.value);
		if (reg != DWARF_RIP)
			state->regs[reg] = unknown;
	}
}

/* An `and` to align it, or a subtraction of a variable: below what was there, unknown how far. */
static void move_rsp(struct code_state *state)
{
	if (state->moved_rsp) {
		state->regs[DWARF_RSP] = unknown;
		return;
	}
	state->moved_rsp = true;
	state->regs[DWARF_RSP] = (struct code_value){.kind = CODE_REG, .reg = CODE_MOVED_RSP};
}

static void step_mov(struct code_state *state, const struct code_insn *insn)
{
	const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
	struct code_value value = value_of(state, from), address;
	bool is_reg = to->type == ZYDIS_OPERAND_TYPE_REGISTER;
	uint8_t reg = is_reg ? dwarf_reg(to->reg.value) : DWARF_RIP;

	if (!is_reg && to->size == 64) {
		address = address_of(state, to);
		store(state, &address, value);
		return;
	}
	if (reg != DWARF_RIP && from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && to->size == 8 &&
	    state->regs[reg].kind == CODE_CONST && to->reg.value >= ZYDIS_REGISTER_AL &&
	    to->reg.value <= ZYDIS_REGISTER_BL) {
		state->regs[reg].offset =
		    (state->regs[reg].offset & ~0xff) | (int32_t)(from->imm.value.u & 0xff);
		return;
	}
	if (reg != DWARF_RIP && to->size == 32 && from->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    dwarf_reg(from->reg.value) != DWARF_RIP) {
		value = state->regs[dwarf_reg(from->reg.value)];
		state->regs[reg] =
		    value.kind == CODE_CONST || value.kind == CODE_RESULT ? value : unknown;
		return;
	}
	forget_written(state, insn);
	if (reg != DWARF_RIP && to->size >= 32)
		state->regs[reg] = value;
}

/* add and sub: `sign` is 1 or -1. */
static void step_add(struct code_state *state, const struct code_insn *insn, int sign)
{
	uint8_t reg = whole_reg(&insn->operands[0]);
	struct code_value value, change = value_of(state, &insn->operands[1]);

	if (reg == DWARF_RIP) {
		forget_written(state, insn);
		return;
	}
	value = state->regs[reg];
	if (change.kind == CODE_CONST)
		state->regs[reg] = plus(value, (int64_t)sign * change.offset);
	else if (reg == DWARF_RSP)
		move_rsp(state);
	else
		state->regs[reg] = unknown;
}

static void step_lea(struct code_state *state, const struct code_insn *insn)
{
	uint8_t reg = whole_reg(&insn->operands[0]);
	struct code_value value = address_of(state, &insn->operands[1]);

	forget_written(state, insn);
	if (reg != DWARF_RIP)
		state->regs[reg] = value;
}

static void step_and(struct code_state *state, const struct code_insn *insn)
{
	if (whole_reg(&insn->operands[0]) == DWARF_RSP)
		move_rsp(state);
	else
		forget_written(state, insn);
}

/* With itself it is 0. */
static void step_xor(struct code_state *state, const struct code_insn *insn)
{
	const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
	bool is_zero = to->type == ZYDIS_OPERAND_TYPE_REGISTER && to->size >= 32 &&
		       from->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       from->reg.value == to->reg.value;
	uint8_t reg = is_zero ? dwarf_reg(to->reg.value) : DWARF_RIP;

	forget_written(state, insn);
	if (reg != DWARF_RIP)
		state->regs[reg] = constant(0);
}

static void step_pop(struct code_state *state, const struct code_insn *insn)
{
	uint8_t reg = whole_reg(&insn->operands[0]);
	struct code_value value = pop(state);

	if (reg != DWARF_RIP)
		state->regs[reg] = value;
}

static void step_xchg(struct code_state *state, const struct code_insn *insn)
{
	uint8_t left = whole_reg(&insn->operands[0]), right = whole_reg(&insn->operands[1]);
	struct code_value value;

	if (left == DWARF_RIP || right == DWARF_RIP) {
		forget_written(state, insn);
		return;
	}
	value = state->regs[left];
	state->regs[left] = state->regs[right];
	state->regs[right] = value;
}

static void step_call(struct code_state *state, const struct code_insn *insn)
{
	uint64_t target;

	/* A call of what comes next is there to push its own address. */
	if (code_insn_target(insn, &target) && target == code_insn_end(insn)) {
		push(state, unknown);
		return;
	}
	for (unsigned reg = 0; reg < DWARF_RIP; reg++)
		if (reg != DWARF_RSP && !code_reg_is_callee_saved(reg))
			state->regs[reg] = unknown;
	if (!code_insn_target(insn, &target))
		state->regs[DWARF_RAX] = (struct code_value){.kind = CODE_RESULT};
}

static void step_cmp(struct code_state *state, const struct code_insn *insn)
{
	uint8_t left = whole_reg(&insn->operands[0]), right = whole_reg(&insn->operands[1]);

	if (left == DWARF_RSP)
		state->compared = right;
	else if (right == DWARF_RSP)
		state->compared = left;
}

void code_state_init(struct code_state *state, bool after_call)
{
	*state = (struct code_state){.compared = DWARF_RIP};
	for (unsigned reg = 0; reg < DWARF_RIP; reg++)
		if (!after_call || reg == DWARF_RSP || code_reg_is_callee_saved(reg))
			state->regs[reg] =
			    (struct code_value){.kind = CODE_REG, .reg = (uint8_t)reg};
	if (after_call)
		state->regs[DWARF_RAX] = (struct code_value){.kind = CODE_RESULT};
}

void code_state_step(struct code_state *state, const struct code_insn *insn)
{
	if (insn->decoded.meta.category == ZYDIS_CATEGORY_COND_BR)
		return;
	state->compared = DWARF_RIP;
	switch (insn->decoded.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		push(state, value_of(state, &insn->operands[0]));
		break;
	case ZYDIS_MNEMONIC_PUSHFQ:
		push(state, unknown);
		break;
	case ZYDIS_MNEMONIC_POP:
		step_pop(state, insn);
		break;
	case ZYDIS_MNEMONIC_POPFQ:
		pop(state);
		break;
	case ZYDIS_MNEMONIC_LEAVE:
		state->regs[DWARF_RSP] = state->regs[DWARF_RBP];
		state->regs[DWARF_RBP] = pop(state);
		break;
	case ZYDIS_MNEMONIC_MOV:
		step_mov(state, insn);
		break;
	case ZYDIS_MNEMONIC_LEA:
		step_lea(state, insn);
		break;
	case ZYDIS_MNEMONIC_ADD:
		step_add(state, insn, 1);
		break;
	case ZYDIS_MNEMONIC_SUB:
		step_add(state, insn, -1);
		break;
	case ZYDIS_MNEMONIC_AND:
		step_and(state, insn);
		break;
	case ZYDIS_MNEMONIC_XOR:
		step_xor(state, insn);
		break;
	case ZYDIS_MNEMONIC_XCHG:
		step_xchg(state, insn);
		break;
	case ZYDIS_MNEMONIC_CMP:
		step_cmp(state, insn);
		break;
	case ZYDIS_MNEMONIC_CALL:
		step_call(state, insn);
		break;
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
	case ZYDIS_MNEMONIC_NOP:
		break;
	default:
		forget_written(state, insn);
		break;
	}
}

/* The loop in which a prologue touches page after page ends when rsp has come to a register. */
void code_state_not_taken(struct code_state *state, const struct code_insn *jump)
{
	if (jump->decoded.mnemonic == ZYDIS_MNEMONIC_JNZ && state->compared != DWARF_RIP)
		state->regs[DWARF_RSP] = state->regs[state->compared];
	state->compared = DWARF_RIP;
}
