/* The decoder of perf_ring for samples: registers, chains, stacks, and sizes that lie. */
#include "config.h"

#include "collect/perf_ring.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "record_build.h"

static void put_sample_head(struct build *build)
{
	put_u64(build, 0x401000);
	put_u32(build, 10);
	put_u32(build, 11);
	put_u64(build, 123456789);
}

static const uint64_t chain[] = {
    (uint64_t)PERF_CONTEXT_KERNEL, 0xffffffff81000001, 0xffffffff81000002,
    (uint64_t)PERF_CONTEXT_USER,   0x401000,	       0x402000};

static void put_chain(struct build *build, const uint64_t *entries, size_t count)
{
	put_u64(build, count);
	for (size_t i = 0; i < count; i++)
		put_u64(build, entries[i]);
}

/* Registers are 100 + the bit that the kernel knows them by. */
static void put_regs(struct build *build)
{
	put_u64(build, PERF_SAMPLE_REGS_ABI_64);
	for (unsigned bit = 0; bit < 64; bit++)
		if (PERF_SOURCE_REGS_MASK & (UINT64_C(1) << bit))
			put_u64(build, 100 + bit);
}

static void put_stack(struct build *build, uint64_t size, uint64_t valid)
{
	put_u64(build, size);
	for (uint64_t i = 0; i < size; i++)
		put(build, &(uint8_t){(uint8_t)i}, 1);
	if (size > 0)
		put_u64(build, valid);
}

static void build_sample(struct build *build)
{
	begin(build, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_sample_head(build);
	put_chain(build, chain, 6);
	put_regs(build);
	put_stack(build, 64, 48);
}

Test(perf_sample, sample)
{
	struct build build;
	struct perf_record record;

	build_sample(&build);
	parse(&build, &record);
	cr_expect_eq(record.kind, PERF_KIND_SAMPLE);
	cr_expect_eq(record.cpumode, PERF_RECORD_MISC_USER);
	cr_expect_eq(record.pid, 10);
	cr_expect_eq(record.tid, 11);
	cr_expect_eq(record.time_ns, 123456789);
	cr_expect_eq(record.sample.ip, 0x401000);
	cr_assert_eq(record.sample.chain_count, 6);
	cr_expect_eq(record.sample.chain[5], 0x402000);
	cr_assert_eq(record.sample.kernel_count, 2);
	cr_expect_eq(record.sample.kernel_chain[0], 0xffffffff81000001);
	cr_expect_eq(record.sample.kernel_chain[1], 0xffffffff81000002);
	cr_assert_eq(record.sample.stack_bytes, 48);
	cr_expect_eq(record.sample.stack[0], 0);
	cr_expect_eq(record.sample.stack[47], 47);
	expect_every_cut_refused(&build);
}

Test(perf_sample, registers_are_in_dwarf_order)
{
	static const unsigned bits[PERF_DWARF_REGS] = {
	    PERF_REG_X86_AX,  PERF_REG_X86_DX,	PERF_REG_X86_CX,  PERF_REG_X86_BX,
	    PERF_REG_X86_SI,  PERF_REG_X86_DI,	PERF_REG_X86_BP,  PERF_REG_X86_SP,
	    PERF_REG_X86_R8,  PERF_REG_X86_R9,	PERF_REG_X86_R10, PERF_REG_X86_R11,
	    PERF_REG_X86_R12, PERF_REG_X86_R13, PERF_REG_X86_R14, PERF_REG_X86_R15,
	    PERF_REG_X86_IP,
	};
	struct build build;
	struct perf_record record;

	build_sample(&build);
	parse(&build, &record);
	cr_expect_eq(record.sample.regs_abi, PERF_SAMPLE_REGS_ABI_64);
	for (size_t i = 0; i < PERF_DWARF_REGS; i++)
		cr_expect_eq(record.sample.regs[i], 100 + bits[i], "register %zu", i);
	cr_expect_eq(PERF_SOURCE_REGS_MASK, 0xff01ff);
}

Test(perf_sample, sample_with_nothing_in_it)
{
	struct build build;
	struct perf_record record;

	begin(&build, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	put_sample_head(&build);
	put_chain(&build, NULL, 0);
	put_u64(&build, PERF_SAMPLE_REGS_ABI_NONE);
	put_stack(&build, 0, 0);
	parse(&build, &record);
	cr_expect_eq(record.cpumode, PERF_RECORD_MISC_KERNEL);
	cr_expect_eq(record.sample.chain_count, 0);
	cr_expect_null(record.sample.kernel_chain);
	cr_expect_eq(record.sample.kernel_count, 0);
	cr_expect_eq(record.sample.regs_abi, PERF_SAMPLE_REGS_ABI_NONE);
	for (size_t i = 0; i < PERF_DWARF_REGS; i++)
		cr_expect_eq(record.sample.regs[i], 0);
	cr_expect_null(record.sample.stack);
	cr_expect_eq(record.sample.stack_bytes, 0);
	expect_every_cut_refused(&build);
}

Test(perf_sample, kernel_chains)
{
	static const struct {
		uint64_t entries[5];
		size_t count;
		size_t first;
		size_t kernel_count;
	} rows[] = {
	    {{(uint64_t)PERF_CONTEXT_USER, 1, 2}, 3, 0, 0},
	    {{(uint64_t)PERF_CONTEXT_KERNEL, 1, 2}, 3, 1, 2},
	    {{(uint64_t)PERF_CONTEXT_KERNEL, (uint64_t)PERF_CONTEXT_USER, 1}, 3, 0, 0},
	    {{(uint64_t)PERF_CONTEXT_USER, 1, (uint64_t)PERF_CONTEXT_KERNEL, 2}, 4, 3, 1},
	    {{(uint64_t)PERF_CONTEXT_HV, 1, (uint64_t)PERF_CONTEXT_KERNEL, 2,
	      (uint64_t)PERF_CONTEXT_USER},
	     5,
	     3,
	     1},
	    {{1, 2, 3}, 3, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct build build;
		struct perf_record record;

		begin(&build, PERF_RECORD_SAMPLE, 0);
		put_sample_head(&build);
		put_chain(&build, rows[i].entries, rows[i].count);
		put_u64(&build, PERF_SAMPLE_REGS_ABI_NONE);
		put_stack(&build, 0, 0);
		parse(&build, &record);
		cr_expect_eq(record.sample.kernel_count, rows[i].kernel_count, "row %zu", i);
		if (rows[i].kernel_count == 0)
			cr_expect_null(record.sample.kernel_chain);
		else
			cr_expect_eq(record.sample.kernel_chain,
				     record.sample.chain + rows[i].first, "row %zu", i);
	}
}

Test(perf_sample, sample_sizes_that_lie)
{
	static const uint64_t counts[] = {7, 1 << 20, UINT64_MAX / 8 + 2, UINT64_MAX};
	struct build build;
	struct perf_record record;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		begin(&build, PERF_RECORD_SAMPLE, 0);
		put_sample_head(&build);
		put_u64(&build, counts[i]);
		put(&build, chain, sizeof(chain));
		cr_expect_eq(parse_cut(&build, build.length, &record), -EBADMSG);
		begin(&build, PERF_RECORD_SAMPLE, 0);
		put_sample_head(&build);
		put_chain(&build, NULL, 0);
		put_u64(&build, PERF_SAMPLE_REGS_ABI_NONE);
		put_u64(&build, counts[i]);
		cr_expect_eq(parse_cut(&build, build.length, &record), -EBADMSG);
	}
	begin(&build, PERF_RECORD_SAMPLE, 0);
	put_sample_head(&build);
	put_chain(&build, NULL, 0);
	put_u64(&build, PERF_SAMPLE_REGS_ABI_NONE);
	put_stack(&build, 16, 17);
	cr_expect_eq(parse_cut(&build, build.length, &record), -EBADMSG);
}

Test(perf_sample, stack_that_could_not_be_read)
{
	struct build build;
	struct perf_record record;

	begin(&build, PERF_RECORD_SAMPLE, 0);
	put_sample_head(&build);
	put_chain(&build, NULL, 0);
	put_regs(&build);
	put_stack(&build, 16, 0);
	parse(&build, &record);
	cr_expect_null(record.sample.stack);
	cr_expect_eq(record.sample.stack_bytes, 0);
}

/* Of page faults: an address before the registers, the page's size behind the stack, and no chain. */
Test(perf_sample, address_and_page_size)
{
	const uint64_t type = PERF_STACK_SAMPLE_TYPE | PERF_EXTRA_SAMPLE_TYPE;
	struct perf_event_header *header;
	struct build build;
	struct perf_record record;

	begin(&build, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_sample_head(&build);
	put_u64(&build, 0x7f0000001234);
	put_regs(&build);
	put_stack(&build, 64, 48);
	put_u64(&build, 2 << 20);
	header = (struct perf_event_header *)(void *)build.bytes;
	header->size = (uint16_t)build.length;
	cr_assert_eq(perf_record_parse(header, type, &record), 0);
	cr_expect_eq(record.sample.addr, 0x7f0000001234);
	cr_expect_eq(record.sample.data_page_bytes, 2 << 20);
	cr_expect_eq(record.sample.stack_bytes, 48);
	cr_expect_null(record.sample.chain);
	cr_expect_eq(record.sample.regs[PERF_DWARF_RIP], 100 + PERF_REG_X86_IP);
	for (size_t length = sizeof(*header); length < build.length; length++) {
		header->size = (uint16_t)length;
		cr_expect_eq(perf_record_parse(header, type, &record), -EBADMSG, "%zu", length);
	}
}

/* Without these in the type nothing of the record is taken for them. */
Test(perf_sample, no_address_by_itself)
{
	struct build build;
	struct perf_record record;

	build_sample(&build);
	parse(&build, &record);
	cr_expect_eq(record.sample.addr, 0);
	cr_expect_eq(record.sample.data_page_bytes, 0);
}
