#include "config.h"

#include "collect/mapping_call.h"

#include <sys/mman.h>

/* In DWARF's numbering, in the order of a system call's arguments. */
enum { REG_RESULT = 0, REG_FIRST = 5, REG_SECOND = 4, REG_THIRD = 1, REG_FOURTH = 10 };

enum { PAGE_BYTES = 4096, ERRNO_MAX = 4095 };

static bool has_failed(uint64_t result)
{
	return result >= (uint64_t)-ERRNO_MAX;
}

static uint64_t whole_pages(uint64_t bytes)
{
	return bytes > UINT64_MAX - PAGE_BYTES ? bytes
					       : (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static enum mapping_result count(uint64_t bytes, uint64_t *ret_bytes)
{
	*ret_bytes = bytes;
	return bytes ? MAPPING_BYTES : MAPPING_NONE;
}

/* The kernel returns the break that there is: another than the wanted one if it failed. */
static enum mapping_result brk_result(const uint64_t *regs, struct mapping_break *to_break,
				      uint64_t *ret_bytes)
{
	const struct mapping_break before = *to_break;
	const uint64_t end = whole_pages(regs[REG_RESULT]);

	*to_break = (struct mapping_break){true, end};
	if (regs[REG_RESULT] != regs[REG_FIRST])
		return MAPPING_NONE;
	if (!before.is_known)
		return MAPPING_UNKNOWN;
	return count(end > before.end ? end - before.end : 0, ret_bytes);
}

enum mapping_result mapping_call_result(enum mapping_call call, const uint64_t *regs,
					struct mapping_break *to_break, uint64_t *ret_bytes)
{
	uint64_t before, now;

	*ret_bytes = 0;
	if (call == CALL_BRK)
		return brk_result(regs, to_break, ret_bytes);
	if (has_failed(regs[REG_RESULT]))
		return MAPPING_NONE;
	if (call == CALL_MMAP)
		return regs[REG_FOURTH] & MAP_ANONYMOUS
			   ? count(whole_pages(regs[REG_SECOND]), ret_bytes)
			   : MAPPING_NONE;
	before = whole_pages(regs[REG_SECOND]);
	now = whole_pages(regs[REG_THIRD]);
	return count(now > before ? now - before : 0, ret_bytes);
}
