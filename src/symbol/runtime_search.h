/* Whether a file brings a runtime that moves a thread between stacks, or stacks about, by itself.
 */
#ifndef RSP_SYMBOL_RUNTIME_SEARCH_H
#define RSP_SYMBOL_RUNTIME_SEARCH_H

#include <elfutils/libdwfl.h>

#include "target/stack_runtime.h"

/*
 * Go by the build information or the build-id note that its linker leaves in every file, stripped
 * or not; split stacks by the symbol __morestack, where there is a symbol table.
 */
enum stack_runtime runtime_search(Dwfl_Module *elf);

#endif
