/* Text that is longer than its place: the beginning and the end say most, so the middle goes. */
#ifndef RSP_SYMBOL_CUT_H
#define RSP_SYMBOL_CUT_H

#include <stddef.h>

/*
 * Copies `length` bytes of `text` into `buf` of `size` bytes, with "..." for the middle when they
 * do not fit. Always terminates unless `size` is 0; never leaves half a UTF-8 character. Returns
 * the length of the result.
 */
size_t cut_middle(char *buf, size_t size, const char *text, size_t length);

#endif
