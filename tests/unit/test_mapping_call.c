/* mapping_call: which system calls have mapped memory, and how much, by the registers they end
 * with. */
#include "config.h"

#include "collect/mapping_call.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "collect/perf_ring.h"

static struct mapping_break to_break;
static uint64_t bytes;

static void set_up(void)
{
	to_break = (struct mapping_break){0};
	bytes = 99;
}

/* A call with four arguments that has returned `result`. */
static enum mapping_result returned(enum mapping_call call, uint64_t result, uint64_t first,
				    uint64_t second, uint64_t third, uint64_t fourth)
{
	/* rax; rdi, rsi, rdx, r10 */
	const uint64_t regs[PERF_DWARF_REGS] = {
	    [0] = result, [5] = first, [4] = second, [1] = third, [10] = fourth};

	return mapping_call_result(call, regs, &to_break, &bytes);
}

static void expect_bytes(uint64_t expected, enum mapping_result result)
{
	cr_expect_eq(result, MAPPING_BYTES);
	cr_expect_eq(bytes, expected, "%lu", (unsigned long)bytes);
}

TestSuite(mapping_call, .init = set_up);

Test(mapping_call, mmap)
{
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS;

	expect_bytes(8192, returned(CALL_MMAP, 0x7f0000000000, 0, 4097, 3, flags));
	cr_expect_eq(returned(CALL_MMAP, 0x7f0000000000, 0, 4096, 3, MAP_PRIVATE), MAPPING_NONE);
	cr_expect_eq(returned(CALL_MMAP, (uint64_t)-ENOMEM, 0, 4096, 3, flags), MAPPING_NONE);
	cr_expect_eq(returned(CALL_MMAP, (uint64_t)-EINVAL, 0, 0, 3, flags), MAPPING_NONE);
}

Test(mapping_call, mremap_counts_what_is_new)
{
	expect_bytes(12288, returned(CALL_MREMAP, 0x7f0000000000, 0x5000, 4000, 16384, 1));
	cr_expect_eq(returned(CALL_MREMAP, 0x5000, 0x5000, 16384, 4096, 0), MAPPING_NONE);
	cr_expect_eq(returned(CALL_MREMAP, 0x5000, 0x5000, 5000, 8192, 0), MAPPING_NONE);
	cr_expect_eq(returned(CALL_MREMAP, (uint64_t)-ENOMEM, 0x5000, 4096, 16384, 0),
		     MAPPING_NONE);
}

Test(mapping_call, brk_counts_from_the_break_before)
{
	cr_expect_eq(returned(CALL_BRK, 0x10010, 0x10010, 0, 0, 0), MAPPING_UNKNOWN);
	expect_bytes(0x2000, returned(CALL_BRK, 0x13000, 0x13000, 0, 0, 0));
	/* In the page that is there already. */
	expect_bytes(0x1000, returned(CALL_BRK, 0x13001, 0x13001, 0, 0, 0));
	cr_expect_eq(returned(CALL_BRK, 0x13fff, 0x13fff, 0, 0, 0), MAPPING_NONE);
	/* Asked where it is, in vain, and back. */
	cr_expect_eq(returned(CALL_BRK, 0x13fff, 0, 0, 0, 0), MAPPING_NONE);
	cr_expect_eq(returned(CALL_BRK, 0x13fff, 0x99999000, 0, 0, 0), MAPPING_NONE);
	cr_expect_eq(returned(CALL_BRK, 0x11000, 0x11000, 0, 0, 0), MAPPING_NONE);
	expect_bytes(0x1000, returned(CALL_BRK, 0x12000, 0x12000, 0, 0, 0));
}

Test(mapping_call, asking_makes_the_break_known)
{
	cr_expect_eq(returned(CALL_BRK, 0x10010, 0, 0, 0, 0), MAPPING_NONE);
	cr_expect(to_break.is_known);
	expect_bytes(0x1000, returned(CALL_BRK, 0x12000, 0x12000, 0, 0, 0));
}

Test(mapping_call, nonsense_does_not_wrap)
{
	expect_bytes(UINT64_MAX, returned(CALL_MMAP, 0x1000, 0, UINT64_MAX, 0, MAP_ANONYMOUS));
	cr_expect_eq(returned(CALL_MREMAP, 0x1000, 0, UINT64_MAX, 1, 0), MAPPING_NONE);
}
