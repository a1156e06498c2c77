/*
 * CPU counts per stack, and the functions made of them. A function's self count is that of the
 * samples it was executing in, inlined functions for themselves; its total that of the samples in
 * whose stack it is, recursion counted once.
 */
#ifndef RSP_PROFILE_CPU_PROFILE_H
#define RSP_PROFILE_CPU_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "stack/stack_table.h"

struct cpu_profile;

struct cpu_profile *cpu_profile_new(void);
void cpu_profile_free(struct cpu_profile *profile);

/* Books one sample. `stack` is borrowed for the profile's lifetime; NULL: its stack is lost. */
void cpu_profile_add(struct cpu_profile *profile, struct stack *stack);

/* Forgets all counts. */
void cpu_profile_reset(struct cpu_profile *profile);

/*
 * Fills functions, samples, kernel_samples and stacks_complete of the snapshot. Symbols are read as
 * they are known now.
 */
void cpu_profile_fill(struct cpu_profile *profile, struct snapshot *snapshot);

#endif
