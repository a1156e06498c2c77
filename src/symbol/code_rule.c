/*
 * At a function's return the stack pointer is at the return address, so where the path from an
 * address to a return moves it by n, the CFA is rsp + n + 8 at that address; and what the path
 * loads into the callee-saved registers says where the caller's values are. Functions that do not
 * return are followed from their start instead, where rsp + 8 is the CFA.
 *
 * A lookup address is an interrupted pc, at the start of an instruction, or a return address minus
 * one, the last byte of a call: then the path begins behind the call. Which one it is can only be
 * guessed from the bytes in front. A wrong guess does little harm: one instruction of a function
 * seldom moves the stack pointer and ends like a call.
 */
#include "config.h"

#include "symbol/code_rule.h"

#include <string.h>

#include "symbol/code_search.h"

enum {
	INSTRUCTIONS_MAX = 4096,	/* of the search for a return */
	START_INSTRUCTIONS_MAX = 16384, /* of the search from a function's start */
	ENTRY_INSTRUCTIONS_MAX = 16,
	PROLOGUE_INSTRUCTIONS_MAX = 64,
	RETURN_ADDRESS_BYTES = 8,
	CALL_ALIGNMENT = 16,
};

/* How much speaks for a rule. */
enum grade { GRADE_NONE, GRADE_JUMP, GRADE_ODD, GRADE_SOUND };

struct question {
	struct module *module;
	Elf *elf;
	uint64_t vaddr;
	bool after_call;
	struct symbol symbol;
	bool has_symbol;
	enum grade grade;
	struct unwind_rule rule;
	bool is_outermost;
};

static void set_return(struct unwind_rule *rule)
{
	rule->kind = RULE_STEP;
	rule->guess = 1;
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		rule->saved[reg] = (struct saved_reg){.how = SAVED_UNDEFINED};
	rule->saved[DWARF_RSP] = (struct saved_reg){.how = SAVED_IS_CFA};
	rule->saved[DWARF_RIP] =
	    (struct saved_reg){.how = SAVED_AT_CFA, .offset = -RETURN_ADDRESS_BYTES};
}

/* The CFA by where the stack pointer is at a return. */
static bool set_cfa(struct unwind_rule *rule, const struct code_value *rsp)
{
	if (rsp->kind == CODE_REG && rsp->reg != CODE_MOVED_RSP) {
		rule->cfa_reg = rsp->reg;
		if (__builtin_add_overflow(rsp->offset, RETURN_ADDRESS_BYTES, &rule->cfa_offset))
			return false;
		return rsp->reg != DWARF_RSP ||
		       (rsp->offset >= 0 && !(rsp->offset % RETURN_ADDRESS_BYTES));
	}
	if (rsp->kind != CODE_LOAD)
		return false;
	rule->cfa_reg = rsp->reg;
	rule->cfa_deref = 1;
	rule->cfa_offset = rsp->offset;
	return !__builtin_add_overflow(rsp->after, RETURN_ADDRESS_BYTES, &rule->cfa_offset_after);
}

/* Where the caller's value of a register was at the path's begin, by what it is at the return. */
static struct saved_reg saved_at_return(const struct unwind_rule *rule, unsigned reg,
					const struct code_value *value)
{
	struct saved_reg saved = {.how = SAVED_UNDEFINED};
	int32_t offset;

	if (value->kind == CODE_REG && value->reg == reg && !value->offset) {
		saved.how = SAVED_SAME;
	} else if (value->kind == CODE_LOAD && !value->after) {
		saved.how = SAVED_AT_REG;
		saved.reg = value->reg;
		saved.offset = value->offset;
		if (!rule->cfa_deref && rule->cfa_reg == value->reg &&
		    !__builtin_sub_overflow(value->offset, rule->cfa_offset, &offset))
			saved = (struct saved_reg){.how = SAVED_AT_CFA, .offset = offset};
	} else if (value->kind == CODE_LOAD_LOAD && rule->cfa_deref &&
		   rule->cfa_reg == value->reg && rule->cfa_offset == value->offset &&
		   !__builtin_sub_overflow(value->after, rule->cfa_offset_after, &offset)) {
		saved = (struct saved_reg){.how = SAVED_AT_CFA, .offset = offset};
	}
	return saved;
}

/* Compilers save registers between the stack pointer and the return address. */
static bool is_sound_place(const struct unwind_rule *rule, const struct saved_reg *saved)
{
	if (saved->how != SAVED_AT_CFA)
		return saved->how != SAVED_UNDEFINED;
	return saved->offset <= -2 * RETURN_ADDRESS_BYTES &&
	       (rule->cfa_reg != DWARF_RSP || rule->cfa_deref ||
		saved->offset >= -rule->cfa_offset);
}

/* The rule by the state at a return, and what speaks for it. */
static enum grade rule_at_return(struct unwind_rule *rule, const struct code_state *state,
				 bool after_call)
{
	enum grade grade = GRADE_SOUND;

	set_return(rule);
	if (!set_cfa(rule, &state->regs[DWARF_RSP]))
		return GRADE_NONE;
	for (unsigned reg = 0; reg < DWARF_RIP; reg++) {
		if (!code_reg_is_callee_saved(reg))
			continue;
		rule->saved[reg] = saved_at_return(rule, reg, &state->regs[reg]);
		if (!is_sound_place(rule, &rule->saved[reg]))
			grade = GRADE_ODD;
	}
	/* By the psABI the stack is aligned where a function is called. */
	if (after_call && rule->cfa_reg == DWARF_RSP && !rule->cfa_deref &&
	    rule->cfa_offset % CALL_ALIGNMENT)
		grade = GRADE_ODD;
	return grade;
}

/* The rule by what has happened from a function's start on. */
static enum grade rule_since_start(struct unwind_rule *rule, const struct code_state *state)
{
	const struct code_value *base = &state->regs[DWARF_RSP];

	set_return(rule);
	rule->cfa_reg = DWARF_RSP;
	if (base->kind != CODE_REG || base->reg != DWARF_RSP) {
		base = &state->regs[DWARF_RBP];
		rule->cfa_reg = DWARF_RBP;
	}
	if (base->kind != CODE_REG || base->reg != DWARF_RSP ||
	    __builtin_sub_overflow(RETURN_ADDRESS_BYTES, base->offset, &rule->cfa_offset))
		return GRADE_NONE;
	for (unsigned reg = 0; reg < DWARF_RIP; reg++)
		if (code_reg_is_callee_saved(reg) && state->regs[reg].kind == CODE_REG &&
		    state->regs[reg].reg == reg && !state->regs[reg].offset)
			rule->saved[reg].how = SAVED_SAME;
	for (size_t i = 0; i < state->slot_count; i++) {
		const struct code_slot *slot = &state->slots[i];
		const struct code_value *value = &slot->value;

		if (slot->reg == DWARF_RSP && value->kind == CODE_REG && !value->offset &&
		    code_reg_is_callee_saved(value->reg) && slot->offset < 0 &&
		    slot->offset >= INT32_MIN + RETURN_ADDRESS_BYTES)
			rule->saved[value->reg] = (struct saved_reg){
			    .how = SAVED_AT_CFA, .offset = slot->offset - RETURN_ADDRESS_BYTES};
	}
	return GRADE_SOUND;
}

/* Keeps the better one; true when it is good enough. */
static bool propose(struct question *question, const struct unwind_rule *rule, enum grade grade)
{
	if (grade > question->grade) {
		question->grade = grade;
		question->rule = *rule;
	}
	return question->grade == GRADE_SOUND;
}

static bool on_exit_found(void *context, enum code_exit how, const struct code_state *state)
{
	struct question *question = context;
	struct unwind_rule rule = {0};
	enum grade grade;

	switch (how) {
	case CODE_EXIT_RETURN:
	case CODE_EXIT_JUMP:
		grade = rule_at_return(&rule, state, question->after_call);
		if (how == CODE_EXIT_JUMP && grade > GRADE_JUMP)
			grade = GRADE_JUMP;
		return propose(question, &rule, grade);
	case CODE_EXIT_RESULT:
		question->is_outermost = true;
		return false;
	case CODE_EXIT_NEW_STACK:
		question->is_outermost = question->is_outermost || question->after_call;
		return false;
	case CODE_EXIT_GOAL:
		break;
	}
	return false;
}

static bool on_goal_found(void *context, enum code_exit how, const struct code_state *state)
{
	struct question *question = context;
	struct unwind_rule rule = {0};

	return how == CODE_EXIT_GOAL && propose(question, &rule, rule_since_start(&rule, state));
}

/*
 * What a signal handler returns to: `mov $15,%rax; syscall`, which is rt_sigreturn. Nothing has
 * called it, so the lookup address of the frame is the byte in front of it.
 */
static bool is_signal_trampoline(struct code_text *text, uint64_t vaddr)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const int64_t starts[] = {1, 0, -7};

	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		size_t size;
		const uint8_t *bytes = code_text_at(text, vaddr + (uint64_t)starts[i], &size);

		if (bytes && size >= sizeof code && !memcmp(bytes, code, sizeof code))
			return true;
	}
	return false;
}

/* The registers are in the kernel's struct rt_sigframe, whose ucontext rsp points at. */
static void set_signal_frame(struct unwind_rule *rule)
{
	enum { RSP_OFFSET = 160 };
	static const int32_t offsets[DWARF_REG_COUNT] = {
	    144, 136, 152, 128, 112, 104, 120, RSP_OFFSET, 40, 48, 56, 64, 72, 80, 88, 96, 168};

	*rule = (struct unwind_rule){
	    .kind = RULE_STEP,
	    .cfa_reg = DWARF_RSP,
	    .cfa_offset = RSP_OFFSET,
	    .cfa_deref = 1,
	    .signal_frame = 1,
	    .guess = 1,
	};
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		rule->saved[reg] = (struct saved_reg){
		    .how = SAVED_AT_REG, .reg = DWARF_RSP, .offset = offsets[reg]};
}

/* Decodes a known function from its start: is the address where an instruction begins? */
static bool is_instruction_start(const struct question *question, struct code_text *text)
{
	struct code_insn insn;
	uint64_t vaddr = question->symbol.start;

	if (!question->has_symbol)
		return false;
	while (vaddr < question->vaddr && code_text_decode(text, vaddr, &insn))
		vaddr = code_insn_end(&insn);
	return vaddr == question->vaddr;
}

/* The code that the kernel or the loader starts a program with, up to its first call. */
static bool is_in_entry(const struct question *question, struct code_text *text)
{
	GElf_Ehdr header;
	struct code_insn insn;
	uint64_t vaddr;

	if (!gelf_getehdr(question->elf, &header) || question->vaddr < header.e_entry)
		return false;
	vaddr = header.e_entry;
	for (int i = 0; i < ENTRY_INSTRUCTIONS_MAX && vaddr <= question->vaddr; i++) {
		if (!code_text_decode(text, vaddr, &insn))
			return false;
		vaddr = code_insn_end(&insn);
		if (question->vaddr < vaddr)
			return true;
		if (insn.decoded.mnemonic == ZYDIS_MNEMONIC_CALL)
			return false;
	}
	return false;
}

/* Functions that start a program or thread, and have no caller of interest. */
static bool is_first_function(const struct question *question)
{
	static const char *const names[] = {
	    "_start",
	    "_start_c",
	    "__libc_start_main",
	    "libc_start_main_stage2",
	    "_dlstart",
	    "_dlstart_c",
	    "__dls2",
	    "__dls2b",
	    "__dls3",
	    "__clone",
	};

	for (size_t i = 0; question->has_symbol && i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(question->symbol.name, names[i]))
			return true;
	return false;
}

static void search(struct question *question, uint64_t start, const uint64_t *goal)
{
	struct code_text text;
	struct code_search run = {
	    .text = &text,
	    .symtab = module_symtab(question->module),
	    .goal = goal,
	    .on_exit = goal ? on_goal_found : on_exit_found,
	    .context = question,
	};

	code_text_init(&text, question->elf, &question->module->segments,
		       goal ? START_INSTRUCTIONS_MAX : INSTRUCTIONS_MAX);
	code_search_run(&run, start, question->after_call && !goal);
}

static bool moves_rsp_to_rbp(const struct code_insn *insn)
{
	return insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
	       insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       insn->operands[0].reg.value == ZYDIS_REGISTER_RBP &&
	       insn->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       insn->operands[1].reg.value == ZYDIS_REGISTER_RSP;
}

static bool pushes_rbp(const struct code_insn *insn)
{
	return insn->decoded.mnemonic == ZYDIS_MNEMONIC_PUSH &&
	       insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       insn->operands[0].reg.value == ZYDIS_REGISTER_RBP;
}

/* Whether a known function has made rbp its frame pointer before the address, as V8's builtins do:
 * while it calls another it has not given that up yet. */
static bool has_frame_pointer(const struct question *question)
{
	struct code_text text;
	struct code_insn insn;
	uint64_t vaddr = question->symbol.start;
	bool pushed = false;

	if (!question->has_symbol)
		return false;
	code_text_init(&text, question->elf, &question->module->segments,
		       PROLOGUE_INSTRUCTIONS_MAX);
	while (vaddr < question->vaddr && code_text_decode(&text, vaddr, &insn)) {
		if (pushed && moves_rsp_to_rbp(&insn))
			return true;
		pushed = pushes_rbp(&insn);
		vaddr = code_insn_end(&insn);
	}
	return false;
}

static void find(struct question *question)
{
	if (question->after_call && has_frame_pointer(question)) {
		question->rule = unwind_rule_frame_pointer();
		return;
	}
	search(question, question->vaddr + question->after_call, NULL);
	if (question->grade == GRADE_SOUND)
		return;
	if (question->is_outermost || is_first_function(question)) {
		question->rule = (struct unwind_rule){.kind = RULE_END, .guess = 1};
		return;
	}
	if (question->has_symbol)
		search(question, question->symbol.start, &question->vaddr);
}

void code_rule(struct unwind_rule *ret_rule, struct module *module, uint64_t vaddr)
{
	struct question question = {
	    .module = module, .vaddr = vaddr, .rule = {.kind = RULE_UNKNOWN}};
	struct code_text text;
	GElf_Addr bias;

	*ret_rule = question.rule;
	question.elf = dwfl_module_getelf(module_elf(module), &bias);
	if (!question.elf)
		return;
	question.has_symbol = symtab_find(module_symtab(module), vaddr, &question.symbol);
	code_text_init(&text, question.elf, &module->segments, INSTRUCTIONS_MAX);
	if (is_signal_trampoline(&text, vaddr)) {
		set_signal_frame(ret_rule);
		return;
	}
	if (is_in_entry(&question, &text)) {
		*ret_rule = (struct unwind_rule){.kind = RULE_END, .guess = 1};
		return;
	}
	question.after_call =
	    code_text_ends_call(&text, vaddr) && !is_instruction_start(&question, &text);
	find(&question);
	*ret_rule = question.rule;
}
