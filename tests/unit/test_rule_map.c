/* rule_map: what the kernel's cache of rules must forget, and what it need not. */
#include "config.h"

#include "collect/rule_map.h"

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/abi.h"

static struct rule_map *map;

static void open_map(void)
{
	struct err err = {0};

	cr_assert_eq(geteuid(), 0, "the unit tests of BPF maps need root");
	cr_assert_eq(rule_map_open(&map, &err), 0, "%s", err.text);
}

static void close_map(void)
{
	rule_map_close(map);
}

TestSuite(rule_map, .init = open_map, .fini = close_map);

static uint64_t generation(void)
{
	struct rule_cache *cache = calloc(1, sizeof(*cache));
	uint64_t value;
	uint32_t zero = 0;

	cr_assert_not_null(cache);
	cr_assert_eq(bpf_map_lookup_elem(rule_map_cache_fd(map), &zero, cache), 0);
	value = cache->generation;
	free(cache);
	return value;
}

static struct kernel_rule get(uint64_t key)
{
	struct kernel_rule rule = {.base = RULE_BASE_NONE};

	cr_assert_eq(bpf_map_lookup_elem(rule_map_fd(map), &key, &rule), 0);
	return rule;
}

static struct unwind_rule rule_with(int32_t cfa_offset)
{
	struct unwind_rule rule = unwind_rule_frame_pointer();

	rule.cfa_offset = cfa_offset;
	return rule;
}

Test(rule_map, a_new_rule_leaves_the_cache_alone)
{
	struct unwind_rule rule = rule_with(16);
	uint64_t before = generation();

	rule_map_put(map, 0x1000, &rule);
	cr_expect_eq(get(0x1000).cfa_offset, 16);
	cr_expect_eq(generation(), before);
}

Test(rule_map, a_changed_rule_empties_it)
{
	struct unwind_rule rule = rule_with(16), other = rule_with(24);
	uint64_t before = generation();

	rule_map_put(map, 0x1000, &rule);
	rule_map_put(map, 0x1000, &other);
	cr_expect_eq(get(0x1000).cfa_offset, 24);
	cr_expect_eq(generation(), before + 1);
}

Test(rule_map, so_does_one_that_is_taken_away)
{
	struct unwind_rule rule = rule_with(16);
	uint64_t key = 0x1000, before = generation();
	struct kernel_rule found;

	rule_map_put(map, key, &rule);
	rule_map_put(map, key, NULL);
	cr_expect_lt(bpf_map_lookup_elem(rule_map_fd(map), &key, &found), 0);
	cr_expect_eq(generation(), before + 1);
	rule_map_put(map, key, NULL);
	cr_expect_eq(generation(), before + 1, "there was nothing to take away");
}
