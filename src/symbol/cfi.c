/*
 * CFI to unwind rules. libdw executes the CFI program and hands out every rule as a DWARF
 * expression; here the expressions that occur are recognised by their shape. An expression that is
 * not recognised makes the rule RULE_UNKNOWN where unwinding cannot go on without it (CFA, return
 * address, stack pointer), and the register's value undefined elsewhere.
 */
#include "config.h"

#include "symbol/cfi.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/module.h"

/* Rows of one function that are looked through, to find where one begins. */
enum { ROWS_MAX = 64 };

static bool fits(Dwarf_Word value, int32_t *ret_value)
{
	int64_t number = (int64_t)value;

	if (number < INT32_MIN || number > INT32_MAX)
		return false;
	*ret_value = (int32_t)number;
	return true;
}

/* A register plus a constant, in either encoding. */
static bool is_breg(const Dwarf_Op *op, uint8_t *ret_reg, int32_t *ret_offset)
{
	if (op->atom >= DW_OP_breg0 && op->atom < DW_OP_breg0 + DWARF_REG_COUNT) {
		*ret_reg = (uint8_t)(op->atom - DW_OP_breg0);
		return fits(op->number, ret_offset);
	}
	if (op->atom == DW_OP_bregx && op->number < DWARF_REG_COUNT) {
		*ret_reg = (uint8_t)op->number;
		return fits(op->number2, ret_offset);
	}
	return false;
}

/*
 * What linkers write for lazy PLT entries, which push eight bytes at their second instruction:
 * rsp + 8 + ((rip & 15) >= at) * 8. Gives the offset from rsp for this very address.
 */
static bool is_plt(const Dwarf_Op *ops, size_t count, uint64_t address, int32_t *ret_offset)
{
	static const uint8_t shape[] = {DW_OP_breg7, DW_OP_breg16, DW_OP_lit15,
					DW_OP_and,   DW_OP_lit0,   DW_OP_ge,
					DW_OP_lit3,  DW_OP_shl,	   DW_OP_plus};
	const size_t at = 4;

	if (count != sizeof shape || ops[0].number != 8 || ops[1].number != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (i != at && ops[i].atom != shape[i])
			return false;
	if (ops[at].atom < DW_OP_lit0 || ops[at].atom > DW_OP_lit15)
		return false;
	*ret_offset = (address & 15) >= (uint64_t)(ops[at].atom - DW_OP_lit0) ? 16 : 8;
	return true;
}

/*
 * Besides register + offset: a dereferenced one (signal trampolines, functions that realign their
 * stack), and one with a constant added after that (hand-written code of OpenSSL).
 */
static bool set_cfa(struct unwind_rule *rule, const Dwarf_Op *ops, size_t count, uint64_t address)
{
	if (!count)
		return false;
	if (is_plt(ops, count, address, &rule->cfa_offset)) {
		rule->cfa_reg = DWARF_RSP;
		return true;
	}
	if (!is_breg(&ops[0], &rule->cfa_reg, &rule->cfa_offset))
		return false;
	if (count == 1)
		return true;
	rule->cfa_deref = true;
	if (ops[1].atom != DW_OP_deref || count > 3)
		return false;
	return count == 2 ||
	       (ops[2].atom == DW_OP_plus_uconst && fits(ops[2].number, &rule->cfa_offset_after));
}

/* False when the place cannot be expressed; the register is SAVED_UNDEFINED then. */
static bool set_saved(struct saved_reg *saved, const Dwarf_Op *ops, size_t count, bool lost)
{
	bool is_value = false;

	*saved = (struct saved_reg){.how = SAVED_UNDEFINED};
	if (!count) {
		saved->how = lost ? SAVED_UNDEFINED : SAVED_SAME;
		return true;
	}
	if (ops[count - 1].atom == DW_OP_stack_value) {
		is_value = true;
		count--;
	}
	if (!count || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (count == 2 && ops[1].atom == DW_OP_plus_uconst) {
		if (!fits(ops[1].number, &saved->offset))
			return false;
	} else if (count == 2 && !is_value && is_breg(&ops[1], &saved->reg, &saved->offset)) {
		saved->how = SAVED_AT_REG;
		return true;
	} else if (count != 1) {
		return false;
	}
	saved->how = is_value ? SAVED_IS_CFA : SAVED_AT_CFA;
	return true;
}

/*
 * Whether a register without a rule is lost, as libdw says by `undefined`, or unchanged. libdw
 * (0.188) takes 0 for the callee-saved rbx, which is 3; 0 is rax.
 */
static bool is_lost(int reg, bool undefined)
{
	enum { DWARF_RAX = 0, DWARF_RBX = 3 };

	return reg == DWARF_RAX || (undefined && reg != DWARF_RBX);
}

static bool set_registers(struct unwind_rule *rule, Dwarf_Frame *frame)
{
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++) {
		Dwarf_Op memory[3], *ops = NULL;
		size_t count = 0;
		bool known = false;

		if (!dwarf_frame_register(frame, reg, memory, &ops, &count))
			known =
			    set_saved(&rule->saved[reg], ops, count, is_lost(reg, ops == memory));
		else
			rule->saved[reg] = (struct saved_reg){.how = SAVED_UNDEFINED};
		if (!known && (reg == DWARF_RSP || reg == DWARF_RIP))
			return false;
	}
	return true;
}

/* The caller's pc and stack pointer decide whether there is a step at all. `address` is as the CFI
 * counts them, which differs from the ELF's by a multiple of the page size at most. */
static void set_rule(struct unwind_rule *rule, Dwarf_Frame *frame, uint64_t address)
{
	Dwarf_Op *ops = NULL;
	size_t count = 0;
	bool is_signal = false;

	if (dwarf_frame_info(frame, NULL, NULL, &is_signal) != DWARF_RIP)
		return;
	rule->signal_frame = is_signal;
	if (!set_registers(rule, frame))
		return;
	if (rule->saved[DWARF_RIP].how == SAVED_UNDEFINED) {
		rule->kind = RULE_END;
		return;
	}
	if (rule->saved[DWARF_RIP].how == SAVED_SAME ||
	    rule->saved[DWARF_RSP].how == SAVED_UNDEFINED)
		return;
	if (!dwarf_frame_cfa(frame, &ops, &count) && set_cfa(rule, ops, count, address))
		rule->kind = RULE_STEP;
}

/* Whether the row's rule depends on the address in it. */
static bool holds_once(Dwarf_Frame *frame)
{
	Dwarf_Op *ops = NULL;
	size_t count = 0;
	int32_t offset;

	return !dwarf_frame_cfa(frame, &ops, &count) && count && is_plt(ops, count, 0, &offset);
}

static bool has_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			return false;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && !strcmp(name, wanted))
			return true;
	}
	return false;
}

/*
 * Opening a module's DWARF decompresses the sections of a debug file, which takes seconds for a big
 * one. So .debug_frame is asked only where there is reason to: the file itself has one, or it has
 * no .eh_frame, and without a separate file's .debug_frame could not be unwound anywhere.
 */
static bool may_have_debug_frame(Dwfl_Module *elf, bool has_eh_frame)
{
	GElf_Addr bias;
	Elf *file = dwfl_module_getelf(elf, &bias);

	return file && (!has_eh_frame || has_section(file, ".debug_frame"));
}

/* The CFI that covers an address, and the address as it counts them. */
struct place {
	Dwarf_CFI *cfi;
	uint64_t address;
};

static Dwarf_Frame *find_frame(struct module *module, uint64_t vaddr, struct place *ret_place)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = module_eh_cfi(module, &bias);
	Dwfl_Module *elf;
	bool has_eh_frame = cfi;

	*ret_place = (struct place){cfi, vaddr - bias};
	if (cfi && !dwarf_cfi_addrframe(cfi, vaddr - bias, &frame))
		return frame;
	elf = module_elf(module);
	if (!elf || !may_have_debug_frame(elf, has_eh_frame))
		return NULL;
	cfi = dwfl_module_dwarf_cfi(elf, &bias);
	*ret_place = (struct place){cfi, vaddr - bias};
	if (cfi && !dwarf_cfi_addrframe(cfi, vaddr - bias, &frame))
		return frame;
	return NULL;
}

/* Where the row of an address ends; the address itself when there is none. */
static uint64_t row_end(Dwarf_CFI *cfi, uint64_t address)
{
	Dwarf_Frame *frame;
	Dwarf_Addr end = 0;

	if (dwarf_cfi_addrframe(cfi, address, &frame))
		return address;
	(void)dwarf_frame_info(frame, NULL, &end, NULL);
	free(frame);
	return end > address ? end : address;
}

/*
 * How far the row of the table reaches around its address. libdw (0.188) gives as the start of a
 * row behind DW_CFA_restore_state that of the remembered one, so rows are followed from there.
 */
static void set_range(struct unwind_rule *rule, Dwarf_Frame *frame, const struct place *place)
{
	Dwarf_Addr start = 0, end = 0;
	uint64_t address = place->address, next;

	(void)dwarf_frame_info(frame, &start, &end, NULL);
	if (start > address || end <= address || end - start > UINT32_MAX)
		return;
	for (int i = 0; i < ROWS_MAX && (next = row_end(place->cfi, start)) <= address; i++) {
		if (next == start)
			return;
		start = next;
	}
	if (row_end(place->cfi, start) <= address)
		return;
	rule->before = (uint32_t)(address - start);
	rule->after = (uint32_t)(end - 1 - address);
}

bool cfi_rule(struct unwind_rule *ret_rule, struct module *module, uint64_t vaddr)
{
	struct unwind_rule rule = {.kind = RULE_UNKNOWN};
	struct place place;
	Dwarf_Frame *frame = find_frame(module, vaddr, &place);
	bool is_covered = frame != NULL;

	if (is_covered) {
		set_rule(&rule, frame, place.address);
		if (rule.kind != RULE_STEP)
			rule = (struct unwind_rule){.kind = rule.kind};
		if (rule.kind != RULE_UNKNOWN && !holds_once(frame))
			set_range(&rule, frame, &place);
		free(frame);
	}
	*ret_rule = rule;
	return is_covered;
}
