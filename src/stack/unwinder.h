/*
 * Turns copied stacks into interned ones. A copy whose walk meets an address without a rule waits in
 * a bounded queue until the rule has come from the worker; the rest of the program goes on meanwhile.
 */
#ifndef RSP_STACK_UNWINDER_H
#define RSP_STACK_UNWINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/rule_table.h"
#include "stack/stack_table.h"
#include "stack/walk.h"

struct unwinder;

enum { UNWINDER_SOURCES = 8 };

/* Where a copy came from and goes back to: whoever submitted it gives the meaning. */
struct unwind_tag {
	uint32_t source; /* below UNWINDER_SOURCES */
	uint32_t thread;
	uint64_t id;
};

struct unwinder_hooks {
	/* Ask for the rule of an address; the answer comes by unwinder_rule(), perhaps at once. Ahead, where
	 * perhaps no frame is, it may also be unwinder_no_rule(). */
	void (*need_rule)(void *context, uint64_t address, bool ahead);
	/* Whether an address is in executable memory: what a return address is known by. */
	bool (*is_code)(void *context, uint64_t address);
	/* A walk has ended; `stack` is NULL when the table of stacks is full. A copy that had no room in
	 * the queue ends where it would have waited, with STACK_UNLEARNT. */
	void (*done)(void *context, struct unwind_tag tag, struct stack *stack);
	void *context;
};

/* Borrows both tables for its lifetime. */
struct unwinder *unwinder_new(struct rule_table *rules, struct stack_table *stacks,
			      const struct unwinder_hooks *hooks);
void unwinder_free(struct unwinder *unwinder);

/* A user stack as it was copied; all pointers are borrowed for the call only. */
struct stack_copy {
	const uint64_t *regs;		/* DWARF_REG_COUNT values, DWARF numbering */
	bool is_return;			/* rip is a return address */
	const uint8_t *stack;		/* from rsp upwards */
	size_t stack_size;
	bool in_bulk;			/* of many that come as fast as the target runs: others go first */
	const struct returns_record *returns; /* see walk_put_back(); NULL: nothing is said */
	const uint64_t *kernel;		/* the kernel's frames above, innermost first */
	size_t kernel_count;
};

/* Walks the copy, at once where all rules are known; hooks->done is called exactly once. */
void unwinder_submit(struct unwinder *unwinder, const struct stack_copy *copy, struct unwind_tag tag);

/* Asks for the rule of an address that nobody waits for yet, unless it is known or asked for. */
void unwinder_want(struct unwinder *unwinder, uint64_t address);

/*
 * Asks for the rules around an address, of which one is known: where a sample was, the next ones are
 * going to be in the same function.
 */
void unwinder_learn_around(struct unwinder *unwinder, uint64_t address);

/* The rule of an address has come: enters it and goes on with the walks that waited for it. */
void unwinder_rule(struct unwinder *unwinder, uint64_t address, const struct unwind_rule *rule);

/* The rule that was asked ahead is not easily had: it is asked for in earnest if a walk waits for it by now. */
void unwinder_no_rule(struct unwinder *unwinder, uint64_t address);

/* Copies that had no room in the queue, and so have but the beginning of their stack. */
uint64_t unwinder_unlearnt(const struct unwinder *unwinder);

/* Copies of a source that wait. */
size_t unwinder_pending(const struct unwinder *unwinder, uint32_t source);

#endif
