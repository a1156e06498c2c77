/*
 * Memory that was touched for the first time, by stack and site: page faults times the size of the
 * page. An estimate of what grows, which knows nothing of what is given back. Beside it what was
 * mapped there, which is counted.
 *
 * A fault counts when its address is in anonymous memory. That is found out at the next refresh, so
 * samples wait here until then.
 */
#ifndef RSP_PROFILE_GROWTH_PROFILE_H
#define RSP_PROFILE_GROWTH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "stack/stack_table.h"
#include "target/memory_map.h"

/* Samples that wait for the kind of their memory; beyond, what they are of is unknown. */
enum { GROWTH_WAITING_MAX = 16384 };

/* Sites that are kept; what is at others counts for "[unknown]". */
enum { GROWTH_SITES_MAX = 16384 };

struct growth_profile;

/* What a sample, or a part of those that were lost behind it, stands for. */
struct growth_weight {
	unsigned samples;
	double faults;
	double bytes;
	uint64_t mappings; /* calls that have mapped memory */
	uint64_t mapped_bytes;
};

struct growth_profile *growth_profile_new(void);
void growth_profile_free(struct growth_profile *profile);

/* `stack` NULL: not known. The address is that of the fault. */
void growth_profile_add(struct growth_profile *profile, struct stack *stack, uint64_t address,
			struct growth_weight weight);

/* A call that has mapped so many bytes. `stack` as above. */
void growth_profile_add_mapping(struct growth_profile *profile, struct stack *stack,
				uint64_t bytes);

/* Whether samples wait to be sorted out. */
bool growth_profile_waits(const struct growth_profile *profile);

/*
 * Books the samples that wait, by what their addresses are in. `is_fresh`: the map is of now, so
 * where nothing is mapped nothing has grown; otherwise such a sample waits on.
 */
void growth_profile_sort_out(struct growth_profile *profile, const struct memory_map *map,
			     bool is_fresh);

/* Calls back with every stack and the bytes that were touched by it, in no order. */
void growth_profile_each_stack(const struct growth_profile *profile, stack_fn use, void *context);

/* Adds up stacks beyond this number, of which least was touched, by their sites, and forgets them.
 */
void growth_profile_fold(struct growth_profile *profile, size_t keep);

/* Forgets everything. */
void growth_profile_reset(struct growth_profile *profile);

/* Fills the sums and sites of the snapshot's growth. `now_s` is of a monotonic clock: to be called once in each
 * refresh. */
void growth_profile_fill(struct growth_profile *profile, struct snapshot *snapshot, double now_s);

/* Adds the stacks of each of these sites, the largest first. Once for a snapshot. */
void growth_profile_add_stacks(const struct growth_profile *profile, struct snapshot *snapshot);

#endif
