/* Unwind rules from machine code, where no call frame information describes it. */
#ifndef RSP_SYMBOL_CODE_RULE_H
#define RSP_SYMBOL_CODE_RULE_H

#include <stdint.h>

#include "stack/rule.h"
#include "symbol/module.h"

/*
 * The rule at `vaddr`, an ELF virtual address and a lookup address, as found by following the code
 * from there to the function's return, or from the function's start to there. Always a guess.
 * RULE_END in the first function of a process or thread; RULE_UNKNOWN where nothing was found. Only
 * for ELF; reads the symbol table. The work is bounded whatever the file contains.
 */
void code_rule(struct unwind_rule *ret_rule, struct module *module, uint64_t vaddr);

#endif
