/*
 * Where the worker says that probes are to be set is looked into by the program itself: a
 * breakpoint that is not on the first byte of an instruction, or a return probe on a function that
 * does not return like others, would damage the target.
 */
#ifndef RSP_SYMBOL_PROBE_CHECK_H
#define RSP_SYMBOL_PROBE_CHECK_H

#include "symbol/protocol.h"

/*
 * Leaves in an answer about allocators only what holds by the module's own file: the place is the
 * first byte of a function that the file's symbol table has under a name of that function of the
 * allocator table, or is reached from there by decoding; registers and whether the instruction is
 * emulated are put right. `debug_fd` is a separate debug file, whose symbols count if both files
 * have one build-id; -1: there is none. Returns how many functions were left out.
 *
 * Stacks that are not plain are added to what the answer says of them, whether or not it has
 * functions.
 */
unsigned probe_check(struct reply *answer, int module_fd, int debug_fd);

#endif
