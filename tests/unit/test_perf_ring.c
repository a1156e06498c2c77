/* perf_ring: the walk, with records that wrap, lie or stop short. */
#include "config.h"

#include "collect/perf_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 256 };

/* A ring in plain memory, and the kernel's side of it. */
struct fake {
	struct perf_event_mmap_page page;
	_Alignas(8) uint8_t data[RING_BYTES];
	struct perf_ring ring;
};

static void start(struct fake *fake, uint64_t offset)
{
	memset(fake, 0, sizeof(*fake));
	fake->page.data_head = offset;
	fake->page.data_tail = offset;
	cr_assert_eq(perf_ring_init(&fake->ring, &fake->page, fake->data, RING_BYTES), 0);
}

static void write_bytes(struct fake *fake, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++)
		fake->data[(fake->page.data_head + i) % RING_BYTES] = from[i];
	fake->page.data_head += length;
}

/* A record whose bytes behind the header are first, first + 1, ... */
static void write_record(struct fake *fake, uint16_t size, uint8_t first)
{
	uint8_t bytes[RING_BYTES];
	struct perf_event_header header = {.type = 0x100U + first, .misc = first, .size = size};

	memcpy(bytes, &header, sizeof(header));
	for (size_t i = sizeof(header); i < size; i++)
		bytes[i] = (uint8_t)(first + i);
	write_bytes(fake, bytes, size);
}

static void expect_record(struct fake *fake, uint16_t size, uint8_t first)
{
	const struct perf_event_header *header = perf_ring_next(&fake->ring);

	cr_assert_not_null(header);
	cr_assert_eq((uintptr_t)header % 8, 0);
	cr_assert_eq(header->type, 0x100U + first);
	cr_assert_eq(header->misc, first);
	cr_assert_eq(header->size, size);
	for (size_t i = sizeof(*header); i < size; i++)
		cr_assert_eq(((const uint8_t *)header)[i], (uint8_t)(first + i));
}

Test(perf_ring, init_refuses_odd_sizes)
{
	static const uint64_t wrong[] = {0, 1, 4, 7, 100, 4095, 4097, UINT64_MAX};
	struct fake fake;
	struct perf_ring ring = {0};

	memset(&fake, 0, sizeof(fake));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(perf_ring_init(&ring, &fake.page, fake.data, wrong[i]), -EINVAL);
	perf_ring_fini(&ring);
}

Test(perf_ring, empty)
{
	struct fake fake;

	start(&fake, 24);
	cr_expect_null(perf_ring_next(&fake.ring));
	cr_expect_null(perf_ring_next(&fake.ring));
	perf_ring_done(&fake.ring);
	cr_expect_eq(fake.page.data_tail, 24);
	cr_expect_eq(fake.ring.corrupt, 0);
	perf_ring_fini(&fake.ring);
}

Test(perf_ring, wraps_at_every_byte_offset)
{
	struct fake fake;

	for (uint64_t offset = 0; offset < 2 * RING_BYTES; offset++) {
		start(&fake, offset);
		write_record(&fake, 40, 1);
		write_record(&fake, 8, 2);
		write_record(&fake, 123, 3);
		expect_record(&fake, 40, 1);
		expect_record(&fake, 8, 2);
		expect_record(&fake, 123, 3);
		cr_assert_null(perf_ring_next(&fake.ring));
		cr_assert_eq(fake.page.data_tail, offset);
		perf_ring_done(&fake.ring);
		cr_assert_eq(fake.page.data_tail, offset + 171);
		cr_assert_eq(fake.ring.corrupt, 0);
		perf_ring_fini(&fake.ring);
	}
}

Test(perf_ring, record_as_large_as_the_ring)
{
	struct fake fake;

	for (uint64_t offset = 0; offset < RING_BYTES; offset++) {
		start(&fake, offset);
		write_record(&fake, RING_BYTES, 7);
		expect_record(&fake, RING_BYTES, 7);
		cr_assert_null(perf_ring_next(&fake.ring));
		perf_ring_fini(&fake.ring);
	}
}

Test(perf_ring, counters_run_over)
{
	struct fake fake;

	start(&fake, UINT64_MAX - 15);
	write_record(&fake, 48, 1);
	expect_record(&fake, 48, 1);
	perf_ring_done(&fake.ring);
	cr_expect_eq(fake.page.data_tail, 32);
	perf_ring_fini(&fake.ring);
}

Test(perf_ring, aligned_records_are_not_copied)
{
	struct fake fake;

	start(&fake, RING_BYTES - 48);
	write_record(&fake, 48, 1);
	write_record(&fake, 48, 2);
	cr_expect_eq((uintptr_t)perf_ring_next(&fake.ring),
		     (uintptr_t)(fake.data + RING_BYTES - 48));
	cr_expect_eq((uintptr_t)perf_ring_next(&fake.ring), (uintptr_t)fake.data);
	perf_ring_fini(&fake.ring);
}

Test(perf_ring, head_is_taken_once_a_drain)
{
	struct fake fake;

	start(&fake, 0);
	write_record(&fake, 16, 1);
	expect_record(&fake, 16, 1);
	write_record(&fake, 16, 2);
	cr_expect_null(perf_ring_next(&fake.ring));
	perf_ring_done(&fake.ring);
	expect_record(&fake, 16, 2);
	perf_ring_done(&fake.ring);
	cr_expect_eq(fake.page.data_tail, 32);
	perf_ring_fini(&fake.ring);
}

Test(perf_ring, half_a_drain_goes_on_later)
{
	struct fake fake;

	start(&fake, 0);
	write_record(&fake, 16, 1);
	write_record(&fake, 24, 2);
	expect_record(&fake, 16, 1);
	perf_ring_done(&fake.ring);
	cr_expect_eq(fake.page.data_tail, 16);
	expect_record(&fake, 24, 2);
	perf_ring_done(&fake.ring);
	cr_expect_eq(fake.page.data_tail, 40);
	perf_ring_fini(&fake.ring);
}

/* After something corrupt the ring must go on with what comes next. */
static void expect_skipped(struct fake *fake)
{
	uint64_t corrupt = fake->ring.corrupt;

	cr_assert_null(perf_ring_next(&fake->ring));
	cr_expect_eq(fake->ring.corrupt, corrupt + 1);
	cr_expect_null(perf_ring_next(&fake->ring));
	perf_ring_done(&fake->ring);
	cr_expect_eq(fake->ring.corrupt, corrupt + 1);
	cr_expect_eq(fake->page.data_tail, fake->page.data_head);
	write_record(fake, 32, 9);
	expect_record(fake, 32, 9);
	perf_ring_done(&fake->ring);
	cr_expect_eq(fake->page.data_tail, fake->page.data_head);
}

Test(perf_ring, impossible_sizes_end_the_drain)
{
	static const uint16_t sizes[] = {0, 1, 7, 65, 256, 65535};
	struct fake fake;

	for (uint64_t offset = 0; offset < RING_BYTES; offset++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct perf_event_header header = {.type = 9, .size = sizes[i]};
			uint8_t rest[56] = {0};

			start(&fake, offset);
			write_bytes(&fake, &header, sizeof(header));
			write_bytes(&fake, rest, sizeof(rest));
			expect_skipped(&fake);
			perf_ring_fini(&fake.ring);
		}
	}
}

Test(perf_ring, torn_tail)
{
	struct fake fake;

	for (uint8_t left = 1; left < 8; left++) {
		uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

		start(&fake, 250);
		write_record(&fake, 16, 1);
		write_bytes(&fake, bytes, left);
		expect_record(&fake, 16, 1);
		expect_skipped(&fake);
		perf_ring_fini(&fake.ring);
	}
}

Test(perf_ring, head_further_than_the_ring)
{
	struct fake fake;

	start(&fake, 0);
	fake.page.data_head = RING_BYTES + 8;
	expect_skipped(&fake);
	fake.page.data_head = fake.page.data_tail - 8;
	expect_skipped(&fake);
	cr_expect_eq(fake.ring.corrupt, 2);
	perf_ring_fini(&fake.ring);
}

static void write_mapping(struct fake *fake)
{
	const struct perf_event_header header = {.type = PERF_RECORD_MMAP2,
						 .size = sizeof(header)};

	write_bytes(fake, &header, sizeof(header));
}

Test(perf_ring, a_mapping_waits_until_it_is_handed_out)
{
	struct fake fake;

	/* The last record wraps. */
	start(&fake, RING_BYTES - 28);
	cr_expect_not(perf_ring_mapping_waits(&fake.ring));
	write_record(&fake, 24, 1);
	cr_expect_not(perf_ring_mapping_waits(&fake.ring));
	write_mapping(&fake);
	cr_expect(perf_ring_mapping_waits(&fake.ring));
	cr_expect(perf_ring_mapping_waits(&fake.ring));
	expect_record(&fake, 24, 1);
	cr_assert_not_null(perf_ring_next(&fake.ring));
	perf_ring_done(&fake.ring);
	cr_expect_not(perf_ring_mapping_waits(&fake.ring));
	write_record(&fake, 16, 2);
	cr_expect_not(perf_ring_mapping_waits(&fake.ring));
	expect_record(&fake, 16, 2);
	perf_ring_fini(&fake.ring);
}

Test(perf_ring, no_mapping_behind_a_record_that_cannot_be)
{
	static const uint16_t sizes[] = {0, 7, 200};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct perf_event_header header = {.type = 1, .size = sizes[i]};
		struct fake fake;

		start(&fake, 0);
		write_bytes(&fake, &header, sizeof(header));
		write_mapping(&fake);
		cr_expect_not(perf_ring_mapping_waits(&fake.ring));
		fake.page.data_head += RING_BYTES;
		cr_expect_not(perf_ring_mapping_waits(&fake.ring));
		perf_ring_fini(&fake.ring);
	}
}
