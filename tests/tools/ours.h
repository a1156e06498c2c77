/* The program's own unwinding of a process: rules from its worker, a walk over a copied stack. */
#ifndef RSP_TESTS_TOOLS_OURS_H
#define RSP_TESTS_TOOLS_OURS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stack/rule.h"
#include "stack/stack_table.h"

struct ours;

/* Begins to look at a process. NULL: said on stderr. */
struct ours *ours_new(pid_t pid);
void ours_free(struct ours *ours);

/* Reads the mappings. True when executable ones have changed since the last time. */
bool ours_read_mappings(struct ours *ours);

/*
 * Unwinds from these registers, with as much of the stack as a CPU sample copies. Borrowed until
 * ours_free(); NULL: the worker did not answer, or there are too many stacks.
 */
const struct stack *ours_unwind(struct ours *ours, const uint64_t regs[DWARF_REG_COUNT]);

/* Whether the walk of this stack ended only because the copy did. */
bool ours_is_cut_by_copy(const struct stack *stack);

#endif
