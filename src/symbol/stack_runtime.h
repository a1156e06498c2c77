/* Whether a file brings a runtime that moves a thread between stacks, or stacks about, by itself.
 */
#ifndef RSP_SYMBOL_STACK_RUNTIME_H
#define RSP_SYMBOL_STACK_RUNTIME_H

#include <elfutils/libdwfl.h>

#include "symbol/protocol.h"

/*
 * Go by the build information or the build-id note that its linker leaves in every file, stripped
 * or not; split stacks by the symbol __morestack, where there is a symbol table.
 */
enum stack_runtime stack_runtime_find(Dwfl_Module *elf);

#endif
