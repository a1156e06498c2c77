/*
 * The learned unwind rules of the target, by lookup address (see bpf/abi.h). Every rule put here is
 * also given to the kernel through a hook, so both walk by the same rules.
 */
#ifndef RSP_STACK_RULE_TABLE_H
#define RSP_STACK_RULE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "stack/rule.h"

struct rule_table;

/* Told of each rule that comes (`rule` not NULL) or goes (NULL). */
typedef void (*rule_changed_fn)(void *context, uint64_t address, const struct unwind_rule *rule);

struct rule_table *rule_table_new(rule_changed_fn changed, void *context);
void rule_table_free(struct rule_table *table);

/* The rule of an address, borrowed until the next call that changes the table; NULL: not learnt. */
const struct unwind_rule *rule_table_get(const struct rule_table *table, uint64_t address);

/* Enters or replaces a rule. At the table's capacity all rules are forgotten first and learnt anew. */
void rule_table_put(struct rule_table *table, uint64_t address, const struct unwind_rule *rule);

/* Forgets the rules of the addresses from `start` up to but not including `end`. */
void rule_table_remove(struct rule_table *table, uint64_t start, uint64_t end);

/* Calls the hook for every rule there is: for a kernel map that has just been made. */
void rule_table_replay(const struct rule_table *table);

#endif
