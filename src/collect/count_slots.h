/*
 * One of the two places in the kernel where CPU samples are counted by stack: an index from the stack to its
 * slot, and the slots, of which those in use stand together. They are mapped, so reading them makes no call
 * and looks at nothing else.
 */
#ifndef RSP_COLLECT_COUNT_SLOTS_H
#define RSP_COLLECT_COUNT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct count_slots {
	int index_fd;		/* borrowed */
	struct stack_count *slots;
	uint64_t *handed;	/* of the samples of each, how many have been handed out; owned */
	__u64 *used;		/* written by the kernel, and more than `max` where there was no room; borrowed */
	uint32_t max;
};

/* `used` must stay where it is. 0, or -errno; then nothing is mapped. */
int count_slots_map(struct count_slots *slots, int index_fd, int slots_fd, __u64 *used, uint32_t max);

/* Nothing is done to what was not mapped. */
void count_slots_unmap(struct count_slots *slots);

uint32_t count_slots_used(const struct count_slots *slots);

/* Hands out what has been counted since it was last. `take` returns false for what it cannot use yet, which is
 * handed out again. How many samples it did not take. */
typedef bool (*take_samples_fn)(void *context, const struct stack_key *key, uint64_t samples);
uint64_t count_slots_read(struct count_slots *slots, take_samples_fn take, void *context);

/* Forgets all. The kernel must not be counting here. */
void count_slots_empty(struct count_slots *slots);

#endif
