/*
 * The heap's counters per stack as last read from the kernel's books, and the allocation sites made
 * of them. A site is the place in the user's own code that the innermost frame not belonging to
 * allocator, C library or language runtime is at.
 */
#ifndef RSP_PROFILE_HEAP_PROFILE_H
#define RSP_PROFILE_HEAP_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "profile/snapshot.h"
#include "stack/stack_table.h"

struct heap_profile;

struct heap_profile *heap_profile_new(void);
void heap_profile_free(struct heap_profile *profile);

/* Says which stack an id of the kernel's stands for; several ids may stand for one stack. */
void heap_profile_set_stack(struct heap_profile *profile, uint64_t kernel_id, struct stack *stack);

/* The stack of an id; NULL: not known. */
struct stack *heap_profile_stack(const struct heap_profile *profile, uint64_t kernel_id);

/* What an id's books are of. False: not known yet, as its stack is not, or its books, which say the thread, have not
 * been read. */
bool heap_profile_key(const struct heap_profile *profile, uint64_t kernel_id, struct stack_key *ret_key);

/* Says that the only object of a provisional id has another id of the same stack since `now_s`. */
void heap_profile_settle(struct heap_profile *profile, uint64_t provisional_id, uint64_t kernel_id,
			 double now_s);

/*
 * Takes the books of one id, and what they are of. True: nothing will be booked under it any more, its counts
 * have been moved to its stack, and the kernel's entry must be dropped. That is when the id is provisional and its
 * only object is gone, or was settled so long ago that no free of it can still be on its way; or when its thread
 * has ended and nothing that it allocated is live. `now_s` is a time of CLOCK_MONOTONIC, as that of
 * heap_profile_settle().
 */
bool heap_profile_read(struct heap_profile *profile, uint64_t kernel_id, const struct stack_key *of,
		       const struct heap_counts *counts, double now_s);

/* Threads are told apart from `now_s` on, a time of CLOCK_MONOTONIC: so are their rates. */
void heap_profile_begin_threads(struct heap_profile *profile, double now_s);

/*
 * Says which threads are to be told apart, in ascending order: what others have allocated becomes of no thread
 * when it is freed.
 */
void heap_profile_keep_threads(struct heap_profile *profile, const int *tids, size_t count);

/* Calls back with every stack that is known, and the bytes that are live of it, in no order. */
void heap_profile_each_stack(const struct heap_profile *profile, stack_fn use, void *context);

/* Bytes that were allocated, as last read; and of an allocation on average, 0: there was none. */
double heap_profile_allocated(const struct heap_profile *profile);
double heap_profile_mean_bytes(const struct heap_profile *profile);

/*
 * Takes the ages and sizes of the live objects: first that there are new ones, then those of each id. Ids that
 * are not named have no live objects that are known; one without books is ignored.
 */
void heap_profile_begin_ages(struct heap_profile *profile);
void heap_profile_set_ages(struct heap_profile *profile, uint64_t kernel_id, const struct ages *ages,
			   const struct sizes *sizes);

/* Counts what sites have "since" from now on, by the books as last read; takes that back, once. */
void heap_profile_zero(struct heap_profile *profile);
void heap_profile_undo_zero(struct heap_profile *profile);

/* Makes what is live now the baseline, or forgets it. */
void heap_profile_mark(struct heap_profile *profile);
void heap_profile_forget_mark(struct heap_profile *profile);

/* The error of estimates is not known from now on, until the books start anew. */
void heap_profile_lose_error(struct heap_profile *profile);

/* Nor is what is freed, and so what is live. */
void heap_profile_lose_frees(struct heap_profile *profile);

/* The books begin, with nothing in them, at a time of CLOCK_MONOTONIC: rates are known from then on. */
void heap_profile_begin(struct heap_profile *profile, double now_s);

/*
 * The books start anew, and begin, for the same program: what was allocated until now, as last read, stays,
 * and counts as freed, as nobody has seen what became of it.
 */
void heap_profile_start_anew(struct heap_profile *profile, double now_s);

/* Forgets everything: they start anew for another program. */
void heap_profile_reset(struct heap_profile *profile);

/*
 * Fills sites, suspects and totals of the snapshot, and the sites of each thread if it is by thread. `now_s` is a
 * time of CLOCK_MONOTONIC, for ages, growth and peaks: to be called once in each refresh. The snapshot's untracked
 * frees are read: they are there already.
 */
void heap_profile_fill(struct heap_profile *profile, struct snapshot *snapshot, double now_s);

/* Adds the stacks of each of the sites that were filled last, as read since, the largest first. Once for a snapshot. */
void heap_profile_add_stacks(struct heap_profile *profile, struct snapshot *snapshot);

#endif
