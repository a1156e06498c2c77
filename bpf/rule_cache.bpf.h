/*
 * The rules of the addresses that were looked up lately, in front of the map of all rules, of which a
 * lookup takes up to four. User space counts up the generation when a rule was changed or taken away:
 * what was entered before is not found any more.
 *
 * All programs share it without a lock. An entry's two words may be of two writers: its check is made
 * from both the address and the rule, so that such an entry is not found.
 */
#ifndef RSP_RULE_CACHE_BPF_H
#define RSP_RULE_CACHE_BPF_H

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 17);
	__type(key, __u64);
	__type(value, struct kernel_rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct rule_cache);
} rule_cache SEC(".maps");

/* The element of `rules`, of the smallest block that has one. */
static __always_inline const struct kernel_rule *look_up_rule(__u64 address)
{
	const struct kernel_rule *rule;
	__u64 key = rule_key(address, 0);

	rule = bpf_map_lookup_elem(&rules, &key);
	if (rule)
		return rule;
	key = rule_key(address, 1);
	rule = bpf_map_lookup_elem(&rules, &key);
	if (rule)
		return rule;
	key = rule_key(address, 2);
	rule = bpf_map_lookup_elem(&rules, &key);
	if (rule)
		return rule;
	key = rule_key(address, 3);
	return bpf_map_lookup_elem(&rules, &key);
}

static __always_inline struct rule_cache *find_rule_cache(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&rule_cache, &zero);
}

/* Another one than before when a rule was changed or taken away. */
static __always_inline __u64 rule_generation(void)
{
	const struct rule_cache *cache = find_rule_cache();

	return cache ? *(const volatile __u64 *)&cache->generation : 0;
}

static __always_inline __u64 rule_check(__u64 tag, __u64 rule)
{
	return tag ^ (rule + 1) * RULE_CACHE_FACTOR;
}

/* Whether there is a rule for the address; it is copied. */
static __always_inline bool find_rule(struct rule_cache *cache, __u64 address, struct kernel_rule *ret_rule)
{
	volatile struct rule_cache_entry *entry =
		&cache->entries[address * RULE_CACHE_FACTOR >> (64 - RULE_CACHE_BITS)];
	__u64 tag = address ^ *(volatile __u64 *)&cache->generation * RULE_CACHE_FACTOR;
	union {
		struct kernel_rule rule;
		__u64 word;
	} found = {.word = entry->rule};
	const struct kernel_rule *element;

	if (entry->check != rule_check(tag, found.word)) {
		element = look_up_rule(address);
		if (!element)
			return false;
		found.rule = *element;
		entry->rule = found.word;
		entry->check = rule_check(tag, found.word);
	}
	*ret_rule = found.rule;
	return true;
}

#endif
