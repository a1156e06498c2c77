/*
 * The kernel's copy of the unwind rules: one BPF map, which all programs that walk stacks share. Where
 * it cannot be made no BPF program can be loaded either.
 */
#ifndef RSP_COLLECT_RULE_MAP_H
#define RSP_COLLECT_RULE_MAP_H

#include <stdint.h>

#include "err.h"
#include "stack/rule.h"

struct rule_map;

/*
 * Makes the map. Errors with one line: EXIT_KERNEL_LACKS without BTF or BPF, EXIT_NOT_PERMITTED,
 * EXIT_FAILED. No BPF code is loaded without BTF.
 */
int rule_map_open(struct rule_map **ret_map, struct err *err);

/* The map itself goes when the last program that uses it does. NULL is allowed. */
void rule_map_close(struct rule_map *map);

/* The map, and that of the rules looked up lately, for programs that are to be loaded. */
int rule_map_fd(const struct rule_map *map);
int rule_map_cache_fd(const struct rule_map *map);

/* Puts the rule of a key (rule_key()), or takes it away (NULL). What is not there costs a copy. */
void rule_map_put(struct rule_map *map, uint64_t key, const struct unwind_rule *rule);

#endif
