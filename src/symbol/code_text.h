/* The machine code of a file: bytes by ELF virtual address, decoded one instruction at a time. */
#ifndef RSP_SYMBOL_CODE_TEXT_H
#define RSP_SYMBOL_CODE_TEXT_H

#include <Zydis/Zydis.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/segments.h"

/* Where instructions are read from, and how many more may be. */
struct code_text {
	Elf *elf; /* borrowed, as is the next */
	const struct segments *segments;
	size_t budget; /* instructions that may still be decoded */
	ZydisDecoder decoder;
	uint64_t start; /* the segment that was read last: [start, start + size) */
	uint64_t size;
	const uint8_t *bytes; /* belongs to `elf` */
};

struct code_insn {
	uint64_t vaddr;
	ZydisDecodedInstruction decoded;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

void code_text_init(struct code_text *text, Elf *elf, const struct segments *segments,
		    size_t budget);

/*
 * The bytes from `vaddr` to the end of the executable segment it is in, as far as the file has
 * them. NULL when it is in none; else `ret_size` is at least 1.
 */
const uint8_t *code_text_at(struct code_text *text, uint64_t vaddr, size_t *ret_size);

/* Decodes the instruction at `vaddr`. False when there is none or the budget is used up. */
bool code_text_decode(struct code_text *text, uint64_t vaddr, struct code_insn *ret_insn);

/* The address behind an instruction. */
uint64_t code_insn_end(const struct code_insn *insn);

/* Where a direct jump or call goes. False for every other instruction. */
bool code_insn_target(const struct code_insn *insn, uint64_t *ret_target);

/*
 * Whether `vaddr` is the last byte of a call instruction: then it is most probably the lookup
 * address of a caller. Bytes in front of an address can be read in more than one way, so it is a
 * guess.
 */
bool code_text_ends_call(struct code_text *text, uint64_t vaddr);

#endif
