/*
 * What a system call has mapped, by the registers with which it returned: x86-64 keeps its
 * arguments in them. Pure.
 */
#ifndef RSP_COLLECT_MAPPING_CALL_H
#define RSP_COLLECT_MAPPING_CALL_H

#include <stdbool.h>
#include <stdint.h>

enum mapping_call { CALL_BRK, CALL_MMAP, CALL_MREMAP };
enum { MAPPING_CALLS = 3 };

enum mapping_result {
	MAPPING_NONE,	 /* it failed, or has mapped nothing that counts */
	MAPPING_BYTES,	 /* that many are there */
	MAPPING_UNKNOWN, /* what brk() had before is not known */
};

/* Up to where brk() has mapped. All zero: not known. */
struct mapping_break {
	bool is_known;
	uint64_t end; /* rounded up to a page */
};

/*
 * `regs` are PERF_DWARF_REGS, in DWARF's numbering. Bytes are whole pages, as the kernel maps them:
 * of mmap() those of anonymous memory, of mremap() and brk() those that were not there before. The
 * break is what it was before the call, and afterwards what it is now; only brk() looks at it.
 */
enum mapping_result mapping_call_result(enum mapping_call call, const uint64_t *regs,
					struct mapping_break *to_break, uint64_t *ret_bytes);

#endif
