#include "config.h"

#include "stack/walk.h"

#include <string.h>

/* One frame's way to its caller: goes on, or the walk has ended in a state. */
enum step_result { STEP_ON, STEP_COMPLETE, STEP_TRUNCATED, STEP_BROKEN };

void walk_begin(struct walk *walk, const uint64_t regs[DWARF_REG_COUNT], bool is_return,
		const uint8_t *stack, size_t stack_size, const uint64_t *kernel,
		size_t kernel_count)
{
	memcpy(walk->regs, regs, sizeof(walk->regs));
	walk->known_regs = (1U << DWARF_REG_COUNT) - 1;
	walk->is_return = is_return;
	walk->guessed = false;
	walk->return_count = 0;
	walk->stack_start = regs[DWARF_RSP];
	walk->stack = stack;
	walk->stack_size = stack_size;
	walk->user_frames = 0;
	walk->frame_count = kernel_count < STACK_KERNEL_MAX ? kernel_count : STACK_KERNEL_MAX;
	if (walk->frame_count)
		memcpy(walk->frames, kernel, walk->frame_count * sizeof(*kernel));
}

void walk_put_back(struct walk *walk, const struct returns_record *said)
{
	walk->regs[DWARF_RIP] = said->rip;
	walk->regs[DWARF_RSP] = said->rsp;
	walk->is_return = said->is_return;
	walk->trampoline = said->trampoline;
	walk->return_count = said->count;
	memcpy(walk->returns, said->returns, said->count * sizeof(said->returns[0]));
}

static bool read_stack(const struct walk *walk, uint64_t address, uint64_t *ret_value)
{
	uint64_t at = address - walk->stack_start;

	if (walk->stack_size < sizeof(*ret_value) || at > walk->stack_size - sizeof(*ret_value))
		return false;
	memcpy(ret_value, walk->stack + at, sizeof(*ret_value));
	if (!walk->return_count || *ret_value != walk->trampoline)
		return true;
	for (size_t i = 0; i < walk->return_count; i++) {
		if (walk->returns[i].slot != address)
			continue;
		*ret_value = walk->returns[i].return_address;
		break;
	}
	return true;
}

static bool known(const struct walk *walk, unsigned reg)
{
	return walk->known_regs & 1U << reg;
}

static enum step_result find_cfa(const struct walk *walk, const struct unwind_rule *rule,
				 uint64_t *ret_cfa)
{
	uint64_t cfa;

	if (!known(walk, rule->cfa_reg))
		return STEP_BROKEN;
	cfa = walk->regs[rule->cfa_reg] + (uint64_t)(int64_t)rule->cfa_offset;
	if (rule->cfa_deref) {
		if (!read_stack(walk, cfa, &cfa))
			return STEP_TRUNCATED;
		cfa += (uint64_t)(int64_t)rule->cfa_offset_after;
	}
	*ret_cfa = cfa;
	return STEP_ON;
}

/*
 * The caller's value of a register that the function has saved at `address`. At its end, when it has
 * popped what it saved, CFI still says where that was: below the stack pointer, where the copy does
 * not reach. The register itself has the value again. Never so for the pc.
 */
static bool read_saved(const struct walk *walk, unsigned reg, uint64_t address, uint64_t *ret_value)
{
	bool is_popped = walk->user_frames == 1 && reg != DWARF_RIP && address < walk->stack_start;

	if (!is_popped)
		return read_stack(walk, address, ret_value);
	*ret_value = walk->regs[reg];
	return known(walk, reg);
}

/* The caller's value of one register; false: not recoverable. */
static bool restore(const struct walk *walk, const struct saved_reg *saved, unsigned reg,
		    uint64_t cfa, uint64_t *ret_value)
{
	uint64_t offset = (uint64_t)(int64_t)saved->offset;

	switch ((enum saved_how)saved->how) {
	case SAVED_SAME:
		*ret_value = walk->regs[reg];
		return known(walk, reg);
	case SAVED_UNDEFINED:
		return false;
	case SAVED_AT_CFA:
		return read_saved(walk, reg, cfa + offset, ret_value);
	case SAVED_AT_REG:
		return known(walk, saved->reg) &&
		       read_saved(walk, reg, walk->regs[saved->reg] + offset, ret_value);
	case SAVED_IS_CFA:
		*ret_value = cfa + offset;
		return true;
	}
	return false;
}

static enum step_result step(struct walk *walk, const struct unwind_rule *rule)
{
	uint64_t caller[DWARF_REG_COUNT] = {0};
	uint32_t caller_known = 0;
	uint64_t cfa;
	enum step_result found;

	if (rule->kind == RULE_END)
		return STEP_COMPLETE;
	if (rule->kind != RULE_STEP)
		return STEP_BROKEN;
	found = find_cfa(walk, rule, &cfa);
	if (found != STEP_ON)
		return found;
	for (unsigned reg = 0; reg < DWARF_REG_COUNT; reg++)
		if (restore(walk, &rule->saved[reg], reg, cfa, &caller[reg]))
			caller_known |= 1U << reg;
	if (!(caller_known & 1U << DWARF_RSP))
		return STEP_BROKEN;
	/* A return address beyond the copy: the stack was deeper than what was copied of it. */
	if (!(caller_known & 1U << DWARF_RIP))
		return cfa - walk->stack_start >= walk->stack_size ? STEP_TRUNCATED : STEP_BROKEN;
	/* Only a signal handler's stack can lie above the one it interrupted. */
	if (!rule->signal_frame && caller[DWARF_RSP] <= walk->regs[DWARF_RSP])
		return STEP_BROKEN;
	memcpy(walk->regs, caller, sizeof(caller));
	walk->known_regs = caller_known;
	walk->is_return = !rule->signal_frame;
	return caller[DWARF_RIP] ? STEP_ON : STEP_COMPLETE;
}

static enum stack_state end_state(const struct walk *walk, enum step_result result)
{
	if (result == STEP_COMPLETE)
		return walk->guessed ? STACK_GUESSED : STACK_COMPLETE;
	return result == STEP_TRUNCATED ? STACK_TRUNCATED : STACK_BROKEN;
}

enum walk_result walk_on(struct walk *walk, const struct rule_table *rules,
			 enum stack_state *ret_state, uint64_t *ret_address)
{
	for (;;) {
		uint64_t address = walk->regs[DWARF_RIP] - (walk->is_return ? 1 : 0);
		const struct unwind_rule *rule;
		enum step_result result;

		if (walk->user_frames == STACK_FRAMES_MAX) {
			*ret_state = STACK_TRUNCATED;
			return WALK_DONE;
		}
		rule = rule_table_get(rules, address);
		if (!rule) {
			*ret_address = address;
			return WALK_NEEDS_RULE;
		}
		/* A signal's trampoline was not called, its handler only returns to its beginning. */
		walk->frames[walk->frame_count++] =
		    frame_of(rule->signal_frame ? walk->regs[DWARF_RIP] : address, rule->tag);
		walk->user_frames++;
		walk->guessed = walk->guessed || rule->guess;
		result = step(walk, rule);
		if (result == STEP_ON)
			continue;
		*ret_state = end_state(walk, result);
		return WALK_DONE;
	}
}
