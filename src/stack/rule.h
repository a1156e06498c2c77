/*
 * An unwind rule: how to get from one frame's registers to its caller's. The worker makes rules
 * from CFI, the program applies them to a copied stack, and the small ones go into the kernel.
 * Register numbers are those of the x86-64 psABI's DWARF mapping (figure 3.36): 6 is rbp, 7 is rsp,
 * 16 the return address.
 */
#ifndef RSP_STACK_RULE_H
#define RSP_STACK_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DWARF_RBP = 6,
	DWARF_RSP = 7,
	DWARF_RIP = 16,
	DWARF_REG_COUNT = 17,
};

enum rule_kind {
	RULE_STEP,	/* there is a caller, the fields below say where */
	RULE_END,	/* the CFI says that there is no caller: first frame of a thread */
	RULE_UNKNOWN,	/* no CFI covers the address, or it says what cannot be expressed */
	RULE_TRAMPOLINE, /* of return probes: unknown, unless the call in flight is known */
};

/* Where the caller's value of a register is. */
enum saved_how {
	SAVED_SAME,		/* unchanged */
	SAVED_UNDEFINED,	/* not recoverable */
	SAVED_AT_CFA,		/* in memory at CFA + offset */
	SAVED_AT_REG,		/* in memory at the value of `reg` + offset */
	SAVED_IS_CFA,		/* the value CFA + offset itself */
};

struct saved_reg {
	uint8_t how;	/* enum saved_how */
	uint8_t reg;	/* only SAVED_AT_REG */
	int32_t offset;
};

/*
 * CFA = value of cfa_reg + cfa_offset; with cfa_deref the eight bytes at that address instead, plus
 * cfa_offset_after. The rule of one address often holds around it: for the `before` bytes below and
 * the `after` bytes above.
 */
struct unwind_rule {
	uint8_t kind;		/* enum rule_kind */
	uint8_t cfa_reg;
	uint8_t cfa_deref;	/* these three are 0 or 1 */
	uint8_t signal_frame;	/* the caller's pc is where it was interrupted, not a return address */
	uint8_t guess;		/* not from CFI: made from the code or by frame pointers */
	uint8_t tag;		/* of frames at the address, see bpf/abi.h; the worker knows none */
	int32_t cfa_offset;
	int32_t cfa_offset_after;
	uint32_t before, after;
	struct saved_reg saved[DWARF_REG_COUNT];
};

/*
 * The guess for code of which nothing can be read: it keeps rbp as a frame pointer, which is true
 * behind a function's first instructions and where the compiler does so at all.
 */
struct unwind_rule unwind_rule_frame_pointer(void);

/* Whether two rules say the same, wherever they reach to. */
bool unwind_rule_same(const struct unwind_rule *one, const struct unwind_rule *other);

/* True when every field is in range: what came from the worker is checked with it before use. */
bool unwind_rule_valid(const struct unwind_rule *rule);

#endif
