/* Unwind rules from a module's call frame information. */
#ifndef RSP_SYMBOL_CFI_H
#define RSP_SYMBOL_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/rule.h"

struct module;

/*
 * The rule at `vaddr`, an ELF virtual address (of a return address: minus one, as the asker did).
 * RULE_UNKNOWN where no CFI covers it or a rule has no place in struct unwind_rule. Reads no symbol
 * table and no .debug_info. Whether any CFI covers the address.
 */
bool cfi_rule(struct unwind_rule *ret_rule, struct module *module, uint64_t vaddr);

#endif
