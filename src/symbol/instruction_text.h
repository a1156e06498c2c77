/* Machine code as text. The bytes may be anything. */
#ifndef RSP_SYMBOL_INSTRUCTION_TEXT_H
#define RSP_SYMBOL_INSTRUCTION_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* No instruction of x86-64 is longer. */
enum { INSTRUCTION_BYTES = 15 };

/*
 * Writes the first instruction of the bytes as assemblers of Unix do, what it refers to as distances;
 * "(bad)" where there is none. Returns its length, 0 where there is none.
 */
size_t instruction_text(const uint8_t *bytes, size_t size, char *buf, size_t buf_size);

#endif
