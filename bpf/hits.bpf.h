/* How often each probe is hit, and what the programs take: a few hits, at random distances, are timed. */
#ifndef RSP_HITS_BPF_H
#define RSP_HITS_BPF_H

#include "abi.h"

/* By probe: how often it was hit, and what that took. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HEAP_PROBES_MAX);
	__type(key, __u32);
	__type(value, struct heap_hits);
} hits SEC(".maps");

static __always_inline struct heap_hits *hits_of(__u64 cookie)
{
	__u32 probe = heap_cookie_probe(cookie);

	return bpf_map_lookup_elem(&hits, &probe);
}

/* When it began, if this hit is timed; else 0. */
static __always_inline __u64 begin_hit(struct heap_hits *of)
{
	__u64 before;

	if (!of)
		return 0;
	before = heap_hits_all(of);
	if (before < of->next_timed)
		return 0;
	of->next_timed = before + 1 + (bpf_get_prandom_u32() & (2 * HEAP_HITS_PER_TIMED - 1));
	return bpf_ktime_get_ns();
}

/* Of every hit, which it counts. */
static __always_inline void end_entry(struct heap_hits *of, bool booked, __u64 start_ns)
{
	__u64 ns;

	if (!of)
		return;
	__sync_fetch_and_add(booked ? &of->booked : &of->others, 1);
	if (!start_ns)
		return;
	ns = bpf_ktime_get_ns() - start_ns;
	if (ns > HEAP_TIMED_MOST_NS)
		return;
	__sync_fetch_and_add(booked ? &of->booked_timed : &of->others_timed, 1);
	__sync_fetch_and_add(booked ? &of->booked_ns : &of->others_ns, ns);
}

static __always_inline void time_return(__u64 cookie, __u64 start_ns)
{
	struct heap_hits *of = hits_of(cookie);
	__u64 ns = bpf_ktime_get_ns() - start_ns;

	if (!of || ns > HEAP_TIMED_MOST_NS)
		return;
	__sync_fetch_and_add(&of->returns_timed, 1);
	__sync_fetch_and_add(&of->returns_ns, ns);
}

#endif
