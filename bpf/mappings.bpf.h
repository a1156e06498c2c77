/*
 * Whether user space knows all of the target's executable mappings. Until it does, rules may be of
 * code that is no longer there, and no stack is walked by them.
 *
 * Perf's records of new mappings come a moment late, and of removed ones there are none. So the
 * programs look at how much executable memory there is, each time they run: before a library can be
 * where another one was, that has gone, and both the unloading and the loading of libraries allocate.
 */
#ifndef RSP_MAPPINGS_BPF_H
#define RSP_MAPPINGS_BPF_H

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct mapping_state);
} mappings SEC(".maps");

/* `pages` of them are executable, as mm_struct's exec_vm says. */
static __always_inline bool mappings_known(__u64 pages)
{
	__u32 zero = 0;
	struct mapping_state *state = bpf_map_lookup_elem(&mappings, &zero);

	if (!state || !pages)
		return true;
	if (state->executable_pages != pages) {
		/* The first look only says how much there was when user space read the mappings. */
		if (state->executable_pages)
			__sync_fetch_and_add(&state->changes, 1);
		state->executable_pages = pages;
	}
	return state->changes == state->known;
}

#endif
