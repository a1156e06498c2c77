/*
 * A depth-first search with bounded stacks of branches and a set of the addresses that were
 * visited; what it decodes is bounded by the text's budget. Whether a called function returns
 * decides where a path ends: by its name, or, where padding behind the call makes it doubtful, by a
 * search of its own.
 */
#include "config.h"

#include "symbol/code_search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "err.h"

enum {
	BRANCHES_MAX = 256,
	VISITED_SHIFT = 49,
	VISITED_SLOTS = 1 << (64 - VISITED_SHIFT),
	CALLEE_DEPTH_MAX = 4,
	CALLEES_MAX = 64,
	DWARF_RAX = 0,
	DWARF_RDI = 5,
};

struct branch {
	uint64_t vaddr;
	struct code_state state;
};

struct branches {
	size_t count;
	struct branch items[BRANCHES_MAX];
};

struct walk {
	const struct code_search *search;
	unsigned depth;	   /* of searches in searches */
	unsigned *callees; /* functions searched so far, at all depths */
	bool is_done;
	size_t visited_count;
	uint64_t visited[VISITED_SLOTS]; /* address + 1, 0 is a free place */
	struct branches branches;
	struct branches later; /* for when there are no others */
};

static void walk_from(struct walk *walk, uint64_t vaddr, bool after_call);

/* False when it was there already, or there is no room. */
static bool visit(struct walk *walk, uint64_t vaddr)
{
	size_t at = (vaddr * 0x9e3779b97f4a7c15ULL) >> VISITED_SHIFT;

	if (vaddr == UINT64_MAX || walk->visited_count == VISITED_SLOTS / 2)
		return false;
	while (walk->visited[at % VISITED_SLOTS]) {
		if (walk->visited[at % VISITED_SLOTS] == vaddr + 1)
			return false;
		at++;
	}
	walk->visited[at % VISITED_SLOTS] = vaddr + 1;
	walk->visited_count++;
	return true;
}

/* One that has no room is left out. */
static void add_branch(struct branches *branches, uint64_t vaddr, const struct code_state *state)
{
	if (branches->count < BRANCHES_MAX)
		branches->items[branches->count++] =
		    (struct branch){.vaddr = vaddr, .state = *state};
}

static bool take_branch(struct branches *branches, struct branch *ret_branch)
{
	if (!branches->count)
		return false;
	*ret_branch = branches->items[--branches->count];
	return true;
}

static void leave(struct walk *walk, enum code_exit how, const struct code_state *state)
{
	walk->is_done = walk->search->on_exit(walk->search->context, how, state);
}

/* Functions of C, C++ and Rust that everybody calls and that never return. */
static bool never_returns(const char *name)
{
	static const char *const names[] = {
	    "exit",
	    "_exit",
	    "_Exit",
	    "quick_exit",
	    "abort",
	    "__stack_chk_fail",
	    "__assert_fail",
	    "__fortify_fail",
	    "__chk_fail",
	    "pthread_exit",
	    "thrd_exit",
	    "longjmp",
	    "siglongjmp",
	    "_longjmp",
	    "__longjmp_chk",
	    "_Unwind_Resume",
	    "__cxa_throw",
	    "__cxa_rethrow",
	    "__cxa_bad_cast",
	    "err",
	    "errx",
	    "__libc_fatal",
	    "_ZSt9terminatev",
	    "__assert",
	    "__cxa_throw_bad_array_new_length",
	};
	size_t length = strcspn(name, "@");

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == length && !strncmp(name, names[i], length))
			return true;
	return strstr(name, "__throw_") || strstr(name, "9panicking");
}

static bool stops(void *context, enum code_exit how, const struct code_state *state)
{
	bool *returns = context;

	(void)state;
	*returns = *returns || how == CODE_EXIT_RETURN || how == CODE_EXIT_JUMP;
	return *returns;
}

/* Whether any path of a function returns; what cannot be followed to its end counts as one. */
static bool callee_returns(const struct walk *caller, uint64_t vaddr)
{
	bool returns = false;
	struct code_search search = {
	    .text = caller->search->text,
	    .symtab = caller->search->symtab,
	    .on_exit = stops,
	    .context = &returns,
	};
	size_t budget = search.text->budget, spared = budget / 2;
	struct walk *walk;

	if (caller->depth == CALLEE_DEPTH_MAX || *caller->callees == CALLEES_MAX)
		return true;
	search.text->budget = budget - spared;
	walk = xcalloc(1, sizeof *walk);
	walk->search = &search;
	walk->depth = caller->depth + 1;
	walk->callees = caller->callees;
	++*walk->callees;
	walk_from(walk, vaddr, false);
	free(walk);
	returns = returns || !search.text->budget;
	search.text->budget += spared;
	return returns;
}

static bool is_symbol_start(const struct walk *walk, uint64_t vaddr)
{
	struct symbol symbol;

	return symtab_find(walk->search->symtab, vaddr, &symbol) && symbol.start == vaddr;
}

/* Compilers fill the gap between functions, and some loops, with what has no effect or traps. */
static bool is_padding(const struct walk *walk, uint64_t vaddr)
{
	struct code_insn insn;

	if (!code_text_decode(walk->search->text, vaddr, &insn))
		return true;
	switch (insn.decoded.mnemonic) {
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_ENDBR64:
		return true;
	case ZYDIS_MNEMONIC_XCHG: /* xchg %ax,%ax */
		return insn.operands[0].reg.value == insn.operands[1].reg.value;
	default:
		return false;
	}
}

/*
 * What padding follows may not return, and what is called with the result of the call before: the
 * first functions of threads end so.
 */
static bool call_returns(const struct walk *walk, const struct code_insn *call,
			 const struct code_state *state)
{
	uint64_t target, end = code_insn_end(call);
	struct symbol symbol;

	if (!code_insn_target(call, &target))
		return !is_symbol_start(walk, end);
	if (target == end)
		return true;
	if (symtab_find(walk->search->symtab, target, &symbol) && symbol.start == target &&
	    never_returns(symbol.name))
		return false;
	if (is_symbol_start(walk, end))
		return false;
	if (state->regs[DWARF_RDI].kind != CODE_RESULT && !is_padding(walk, end))
		return true;
	return callee_returns(walk, target);
}

/* Exits by what it was given to call has returned: only the first function of a thread does that. */
static void leave_for_good(struct walk *walk, const struct code_state *state)
{
	if (state->regs[DWARF_RDI].kind == CODE_RESULT)
		leave(walk, CODE_EXIT_RESULT, state);
}

/* True when a system call never comes back. */
static bool is_last_syscall(const struct code_state *state)
{
	const struct code_value *number = &state->regs[DWARF_RAX];

	return number->kind == CODE_CONST &&
	       (number->offset == SYS_exit || number->offset == SYS_exit_group ||
		number->offset == SYS_rt_sigreturn);
}

/* A stack pointer that a program made of something else than the stack it was on. */
static bool is_foreign(const struct code_value *rsp)
{
	switch (rsp->kind) {
	case CODE_REG:
		return rsp->reg != DWARF_RSP && rsp->reg != DWARF_RBP && rsp->reg != CODE_MOVED_RSP;
	case CODE_LOAD:
		return rsp->reg != DWARF_RSP && rsp->reg != DWARF_RBP;
	case CODE_LOAD_LOAD:
		return true;
	default:
		return false;
	}
}

/*
 * By its form a jump through a register can be a tail call or a switch. In the code behind it the
 * stack pointer is most probably as at the jump either way: there is a case, or another function
 * begins.
 */
static void leave_by_pointer(struct walk *walk, const struct code_insn *jump,
			     const struct code_state *state)
{
	const struct code_value *rsp = &state->regs[DWARF_RSP];
	const ZydisDecodedOperand *to = &jump->operands[0];
	bool is_memory = to->type == ZYDIS_OPERAND_TYPE_MEMORY;

	if (is_foreign(rsp)) {
		leave(walk, CODE_EXIT_NEW_STACK, state);
		return;
	}
	if (is_memory && to->mem.base == ZYDIS_REGISTER_RIP) {
		leave(walk, CODE_EXIT_RETURN, state);
		return;
	}
	if (!is_memory || to->mem.index == ZYDIS_REGISTER_NONE)
		leave(walk, CODE_EXIT_JUMP, state);
	add_branch(&walk->later, code_insn_end(jump), state);
}

/* True: execution goes on at `*vaddr`. */
static bool step(struct walk *walk, const struct code_insn *insn, struct code_state *state,
		 uint64_t *vaddr)
{
	uint64_t target;

	*vaddr = code_insn_end(insn);
	switch (insn->decoded.meta.category) {
	case ZYDIS_CATEGORY_RET:
		leave(walk, CODE_EXIT_RETURN, state);
		return false;
	case ZYDIS_CATEGORY_UNCOND_BR:
		if (code_insn_target(insn, vaddr))
			return true;
		leave_by_pointer(walk, insn, state);
		return false;
	case ZYDIS_CATEGORY_COND_BR:
		if (code_insn_target(insn, &target))
			add_branch(&walk->branches, target, state);
		code_state_not_taken(state, insn);
		return true;
	case ZYDIS_CATEGORY_CALL:
		if (call_returns(walk, insn, state))
			break;
		leave_for_good(walk, state);
		return false;
	case ZYDIS_CATEGORY_SYSCALL:
		if (!is_last_syscall(state))
			break;
		leave_for_good(walk, state);
		return false;
	default:
		break;
	}
	switch (insn->decoded.mnemonic) {
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_INT3:
		return false;
	default:
		code_state_step(state, insn);
		return true;
	}
}

static bool has_goal(const struct walk *walk, const struct code_insn *insn)
{
	const uint64_t *goal = walk->search->goal;

	return goal && *goal - insn->vaddr < insn->decoded.length;
}

static void follow(struct walk *walk, uint64_t vaddr, struct code_state *state)
{
	struct code_insn insn;

	do {
		if (!visit(walk, vaddr) || !code_text_decode(walk->search->text, vaddr, &insn))
			return;
		if (has_goal(walk, &insn)) {
			leave(walk, CODE_EXIT_GOAL, state);
			return;
		}
	} while (step(walk, &insn, state, &vaddr));
}

static void walk_from(struct walk *walk, uint64_t vaddr, bool after_call)
{
	struct branch branch = {.vaddr = vaddr};

	code_state_init(&branch.state, after_call);
	follow(walk, branch.vaddr, &branch.state);
	while (!walk->is_done &&
	       (take_branch(&walk->branches, &branch) || take_branch(&walk->later, &branch)))
		follow(walk, branch.vaddr, &branch.state);
}

void code_search_run(const struct code_search *search, uint64_t vaddr, bool after_call)
{
	struct walk *walk = xcalloc(1, sizeof *walk);
	unsigned callees = 0;

	walk->search = search;
	walk->callees = &callees;
	walk_from(walk, vaddr, after_call);
	free(walk);
}
