/*
 * The call that a probe of ours has interrupted last on each CPU. While the kernel emulates the probed
 * instruction, or displaces the return address, it is in between for some nanoseconds, and a CPU sample
 * that comes just then needs to know what was before.
 */
#ifndef RSP_ENTRY_BPF_H
#define RSP_ENTRY_BPF_H

#include "abi.h"

/* Made by user space: the heap's programs write it, that of CPU samples reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_entry);
} entries SEC(".maps");

static __always_inline struct probe_entry *find_entry(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&entries, &zero);
}

/* In every program on a function, first. NULL: there is no map. */
static __always_inline struct probe_entry *note_entry(const struct pt_regs *regs)
{
	struct probe_entry *entry = find_entry();

	if (!entry)
		return NULL;
	entry->return_address = 0;
	entry->rsp = regs->rsp;
	if (entry->watched)
		(void)bpf_probe_read_user(&entry->return_address, sizeof(__u64), (const void *)regs->rsp);
	return entry;
}

#endif
