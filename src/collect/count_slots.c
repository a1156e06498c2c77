#include "config.h"

#include "collect/count_slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "err.h"

static size_t bytes_of(uint32_t max)
{
	return max * sizeof(struct stack_count);
}

int count_slots_map(struct count_slots *slots, int index_fd, int slots_fd, __u64 *used, uint32_t max)
{
	void *memory = mmap(NULL, bytes_of(max), PROT_READ | PROT_WRITE, MAP_SHARED, slots_fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*slots = (struct count_slots){
	    .index_fd = index_fd,
	    .slots = memory,
	    .handed = xcalloc(max, sizeof(uint64_t)),
	    .used = used,
	    .max = max,
	};
	return 0;
}

void count_slots_unmap(struct count_slots *slots)
{
	if (!slots->slots)
		return;
	munmap(slots->slots, bytes_of(slots->max));
	free(slots->handed);
	*slots = (struct count_slots){0};
}

uint32_t count_slots_used(const struct count_slots *slots)
{
	uint64_t used = __atomic_load_n(slots->used, __ATOMIC_ACQUIRE);

	return used < slots->max ? (uint32_t)used : slots->max;
}

uint64_t count_slots_read(struct count_slots *slots, take_samples_fn take, void *context)
{
	uint32_t used = count_slots_used(slots);
	uint64_t left = 0;

	for (uint32_t i = 0; i < used; i++) {
		const struct stack_count *slot = &slots->slots[i];
		/* The kernel writes the key before it counts. */
		uint64_t samples = __atomic_load_n(&slot->samples, __ATOMIC_ACQUIRE) - slots->handed[i];

		if (!samples)
			continue;
		if (take(context, &slot->key, samples))
			slots->handed[i] += samples;
		else
			left += samples;
	}
	return left;
}

void count_slots_empty(struct count_slots *slots)
{
	uint32_t used = count_slots_used(slots);

	for (uint32_t i = 0; i < used; i++)
		(void)bpf_map_delete_elem(slots->index_fd, &slots->slots[i].key);
	memset(slots->slots, 0, used * sizeof(struct stack_count));
	memset(slots->handed, 0, used * sizeof(uint64_t));
	__atomic_store_n(slots->used, 0, __ATOMIC_RELEASE);
}
