/*
 * The books of the heap: `live` has one entry per tracked object, `sites` the totals per stack, or per stack and
 * thread. A site is found or made before its object is entered, so that both are booked or neither is.
 */
#ifndef RSP_BOOKS_BPF_H
#define RSP_BOOKS_BPF_H

#include "abi.h"
#include "sampling.bpf.h"
#include "target.bpf.h"

#define EEXIST 17

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct heap_object);
} live SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct heap_site);
} sites SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heap_stats);
} stats SEC(".maps");

/* Until the first rules are learnt each allocation is copied: of 400,000 a second on a machine whose CPUs are all
 * busy with them this is room for the time that user space waits for one. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} records SEC(".maps");

/* exec gives the process a new program: a new epoch, in which all older objects, sites and rules
 * count for nothing. Right after exec there is only one thread, so nobody else changes these. */
__u64 exec_id = 0;
__u64 epoch = 0;

/* Atomic: a program on an uprobe can be preempted by another one on the same CPU. */
#define COUNT(field)                                                                               \
	do {                                                                                       \
		__u32 count_key = 0;                                                               \
		struct heap_stats *count_stats = bpf_map_lookup_elem(&stats, &count_key);          \
		if (count_stats)                                                                   \
			__sync_fetch_and_add(&count_stats->field, 1);                              \
	} while (0)

static __always_inline void notice_exec(__u64 self_exec_id)
{
	__u64 now = exec_id_of(self_exec_id);

	if (now == exec_id)
		return;
	if (exec_id)
		epoch++;
	exec_id = now;
}

static __always_inline struct heap_counts *counts_here(struct heap_site *site)
{
	return &site->shards[bpf_get_smp_processor_id() & (HEAP_SHARDS - 1)].counts;
}

static __always_inline void book_free(const struct heap_object *object)
{
	struct heap_site *site = bpf_map_lookup_elem(&sites, &object->site_id);
	struct heap_counts *counts;
	__u64 bytes;

	if (!site)
		return;
	counts = counts_here(site);
	bytes = sampling_object_bytes(object);
	__sync_fetch_and_add(&counts->freed_bytes, bytes);
	__sync_fetch_and_add(&counts->freed_objects, sampling_objects(object, bytes));
	if (object->interval)
		__sync_fetch_and_add(&counts->freed_variance, sampling_variance(object->size, bytes));
	COUNT(frees);
}

/* Takes an object that was found at an address out of the books' live part. The copy is made before the
 * element is deleted, and only the thread that deleted it owns the object. */
static __always_inline int take_found(__u64 address, const struct heap_object *found,
				      struct heap_object *object)
{
	*object = *found;
	if (bpf_map_delete_elem(&live, &address))
		return -1;
	if (object->epoch == epoch)
		return 0;
	COUNT(dropped);
	return -1;
}

static __always_inline int take_object(__u64 address, struct heap_object *object)
{
	const struct heap_object *found = bpf_map_lookup_elem(&live, &address);

	return found ? take_found(address, found, object) : -1;
}

/* 0, or why it cannot be entered: -EEXIST, or the map is full. */
static __always_inline long put_object(__u64 address, const struct heap_object *object)
{
	return bpf_map_update_elem(&live, &address, object, BPF_NOEXIST);
}

/* The bytes that it stands for. */
static __always_inline __u64 count_allocation(struct heap_site *site, const struct heap_object *object)
{
	struct heap_counts *counts = counts_here(site);
	__u64 bytes = sampling_object_bytes(object);

	__sync_fetch_and_add(&counts->alloc_bytes, bytes);
	__sync_fetch_and_add(&counts->alloc_objects, sampling_objects(object, bytes));
	if (object->interval)
		__sync_fetch_and_add(&counts->alloc_variance, sampling_variance(object->size, bytes));
	COUNT(allocations);
	return bytes;
}

/* Of which it will not be seen when it is freed: nothing of it is ever live. As count_allocation(). */
static __always_inline __u64 book_passing(struct heap_site *site, const struct heap_object *object)
{
	__u64 bytes = count_allocation(site, object);

	book_free(object);
	return bytes;
}

/* As count_allocation(); 0: there is no room for it. */
static __always_inline __u64 book_allocation(struct heap_site *site, __u64 address,
					     const struct heap_object *object)
{
	struct heap_object stale;
	long code = put_object(address, object);

	if (code == -EEXIST) {
		if (!take_object(address, &stale))
			book_free(&stale);
		COUNT(replaced);
		code = put_object(address, object);
	}
	if (code) {
		COUNT(live_map_full);
		return 0;
	}
	return count_allocation(site, object);
}

/* An object that was taken out and is still there. */
static __always_inline void put_back(__u64 address, const struct heap_object *object)
{
	if (put_object(address, object)) {
		COUNT(live_map_full);
		book_free(object);
	}
}

/* Not inlined: it is seldom done, and a site takes half of a program's stack. */
static __attribute__((noinline)) void make_site(__u64 id, __u64 stack_id, __u64 thread)
{
	struct heap_site blank = {.of = {stack_id, thread}, .epoch = epoch};

	bpf_map_update_elem(&sites, &id, &blank, BPF_NOEXIST);
}

static __always_inline struct heap_site *find_or_make_site(__u64 id, __u64 stack_id, __u64 thread)
{
	struct heap_site *site = bpf_map_lookup_elem(&sites, &id);

	if (site)
		return site;
	make_site(id, stack_id, thread);
	return bpf_map_lookup_elem(&sites, &id);
}

#endif
