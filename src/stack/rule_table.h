/*
 * The learned unwind rules of the target: rows of code that one rule holds for, by page. Each is also
 * given to the kernel through a hook, by keys (see bpf/abi.h), so both walk by the same rules.
 */
#ifndef RSP_STACK_RULE_TABLE_H
#define RSP_STACK_RULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/rule.h"

struct rule_table;

/* Told of each key that gets a rule (`rule` not NULL) or loses it (NULL); the key is rule_key()'s. */
typedef void (*rule_changed_fn)(void *context, uint64_t key, const struct unwind_rule *rule);

struct rule_table *rule_table_new(rule_changed_fn changed, void *context);
void rule_table_free(struct rule_table *table);

/* The rule of an address, borrowed until the next call that changes the table; NULL: not learnt. */
const struct unwind_rule *rule_table_get(const struct rule_table *table, uint64_t address);

/* From where to where in its page the rule of an address holds; false: not learnt. */
bool rule_table_row(const struct rule_table *table, uint64_t address, uint64_t *ret_first,
		    uint64_t *ret_last);

/*
 * Enters or replaces the rule of an address and of what it reaches to in the address's page, and gives
 * it to the kernel. When the kernel can hold no more, the pages that were learnt first are forgotten.
 */
void rule_table_put(struct rule_table *table, uint64_t address, const struct unwind_rule *rule);

/*
 * Says that a walk came to this address: the kernel must have its rule. `often`: as that of a caller,
 * which comes again and again; then it gets it by address, which it looks for first.
 */
void rule_table_use(struct rule_table *table, uint64_t address, bool often);

/* Forgets the rules of the pages from the one of `start` up to the one before `end`. */
void rule_table_remove(struct rule_table *table, uint64_t start, uint64_t end);

#endif
