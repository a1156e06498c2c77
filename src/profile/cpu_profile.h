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

/* Sets the time at which what is booked from now on was sampled, in seconds since the start. */
void cpu_profile_set_time(struct cpu_profile *profile, double now_s);

/*
 * Books samples with one stack, borrowed until it is folded; NULL: it is lost. `thread` is its tid, or 0
 * where threads are not told apart.
 */
void cpu_profile_add(struct cpu_profile *profile, struct stack *stack, uint32_t thread,
		     uint64_t samples);

/*
 * Keeps so many stacks one by one, those that were sampled last, and only the functions' sums of the
 * others, by the names known now.
 */
void cpu_profile_fold(struct cpu_profile *profile, size_t keep);

/*
 * Keeps only the functions' sums of stacks that have at most one in so many samples, and none for so many
 * seconds: each is hardly worth a line, and they would be more and more.
 */
void cpu_profile_fold_rare(struct cpu_profile *profile, uint64_t one_in, unsigned seconds);

/* Calls back with every stack that is kept and its samples, in no order; once for each of its threads that
 * are told apart. */
void cpu_profile_each_stack(const struct cpu_profile *profile, stack_fn use, void *context);

/* Samples whose innermost frame is in a module, and whose walk got no further than it. */
struct module_samples {
	uint64_t self;
	uint64_t broken;
};

/* By module number, `*ret_count` of them; modules beyond have none. Borrowed until the next call. */
const struct module_samples *cpu_profile_modules(const struct cpu_profile *profile, size_t *ret_count);

/* The id of a function's row, by its name and its module's. */
uint64_t cpu_profile_function_id(const char *name, const char *module);

/* Counts SNAPSHOT_ALL from now on; takes that back, once. */
void cpu_profile_zero(struct cpu_profile *profile);
void cpu_profile_undo_zero(struct cpu_profile *profile);

/* Makes what is booked by now the baseline, or forgets it. */
void cpu_profile_mark(struct cpu_profile *profile);
void cpu_profile_forget_mark(struct cpu_profile *profile);

/* Forgets all counts. */
void cpu_profile_reset(struct cpu_profile *profile);

/*
 * Fills functions, folded, group and what is grouped by it, samples, kernel_samples, stacks_complete,
 * stacks_guessed and the windows of the snapshot, and ends the refresh. Symbols are read as they are
 * known now.
 */
void cpu_profile_fill(struct cpu_profile *profile, struct snapshot *snapshot,
		      enum snapshot_group group);

#endif
