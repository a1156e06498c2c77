/*
 * What is known of the registers and the stack on a path through code, in terms of what the
 * registers were where the path began. Pure.
 */
#ifndef RSP_SYMBOL_CODE_STATE_H
#define RSP_SYMBOL_CODE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/rule.h"
#include "symbol/code_text.h"

enum code_value_kind {
	CODE_UNKNOWN,
	CODE_CONST,	/* `offset` itself */
	CODE_REG,	/* first value of register `reg`, plus offset */
	CODE_LOAD,	/* the memory at CODE_REG, plus `after` */
	CODE_LOAD_LOAD, /* the memory at CODE_LOAD */
	CODE_RESULT,	/* what a call returned: the one behind which the path began, or one by a pointer */
};

enum {
	/* A register of its own: the stack pointer once it is aligned or moved by a variable. */
	CODE_MOVED_RSP = DWARF_RIP,
	CODE_SLOTS_MAX = 64,
};

struct code_value {
	uint8_t kind; /* enum code_value_kind */
	uint8_t reg;  /* DWARF number or CODE_MOVED_RSP */
	int32_t offset;
	int32_t after;
};

/* Eight bytes of memory, at the first value of `reg` plus offset, that the path has written. */
struct code_slot {
	uint8_t reg;
	int32_t offset;
	struct code_value value;
};

struct code_state {
	struct code_value regs[DWARF_REG_COUNT]; /* by DWARF number; that of rip has no meaning */
	struct code_slot slots[CODE_SLOTS_MAX];
	uint8_t slot_count;
	bool moved_rsp;	  /* CODE_MOVED_RSP is in use */
	uint8_t compared; /* register that rsp was compared with last; DWARF_RIP: none */
};

/* The state where a path begins; behind a call if `after_call`. */
void code_state_init(struct code_state *state, bool after_call);

/*
 * The effect of one instruction as far as execution goes on behind it. A call counts as returned:
 * the caller-saved registers are lost. Returns and jumps change nothing but what they pop.
 */
void code_state_step(struct code_state *state, const struct code_insn *insn);

/* Execution has gone on behind a conditional jump, not to its target. */
void code_state_not_taken(struct code_state *state, const struct code_insn *jump);

/* Callee-saved by the psABI, rsp not among them. */
bool code_reg_is_callee_saved(unsigned reg);

#endif
