/*
 * Walks a copied user stack by learned rules. A walk stops at an address whose rule is not known,
 * and goes on from there when the rule has come. Pure but for the table it reads.
 */
#ifndef RSP_STACK_WALK_H
#define RSP_STACK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "stack/rule_table.h"

/* Room for the user's frames and the kernel's above them. */
enum { WALK_FRAMES_MAX = STACK_KERNEL_MAX + STACK_FRAMES_MAX };

struct walk {
	uint64_t regs[DWARF_REG_COUNT];	/* of the frame that the walk has come to; DWARF numbering */
	uint32_t known_regs;		/* bit set: registers whose value is known there */
	bool is_return;			/* regs[DWARF_RIP] is a return address, not an interrupted pc */
	bool guessed;			/* a frame's rule was a guess */
	uint64_t trampoline;		/* of return probes: in its place a word of `returns` belongs */
	size_t return_count;
	struct displaced_return returns[RETURNS_MAX];
	uint64_t stack_start;		/* address of stack[0] */
	const uint8_t *stack;		/* borrowed; the copied bytes */
	size_t stack_size;
	size_t user_frames;		/* of frame_count */
	size_t frame_count;
	uint64_t frames[WALK_FRAMES_MAX]; /* lookup addresses with their tags, innermost first */
};

enum walk_result {
	WALK_DONE,	/* *ret_state says how it ended */
	WALK_NEEDS_RULE, /* *ret_address has no rule yet */
};

/*
 * Begins a walk at `regs`, whose rip is a return address if `is_return`. `kernel` are the frames of
 * the kernel above, innermost first; those that do not fit are left out.
 */
void walk_begin(struct walk *walk, const uint64_t regs[DWARF_REG_COUNT], bool is_return, const uint8_t *stack,
		size_t stack_size, const uint64_t *kernel, size_t kernel_count);

/* Says, before the walk goes on, which return addresses are not on the stack, and where it begins. */
void walk_put_back(struct walk *walk, const struct returns_record *said);

/* Goes as far as the rules reach. */
enum walk_result walk_on(struct walk *walk, const struct rule_table *rules, enum stack_state *ret_state,
			 uint64_t *ret_address);

#endif
