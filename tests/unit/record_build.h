/* Builds perf records byte by byte, and parses them whole and cut. For the tests of the decoder. */
#ifndef RSP_TESTS_RECORD_BUILD_H
#define RSP_TESTS_RECORD_BUILD_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/perf_ring.h"

/* A record under construction. */
struct build {
	_Alignas(8) uint8_t bytes[1024];
	size_t length;
};

static inline void put(struct build *build, const void *bytes, size_t length)
{
	cr_assert_leq(build->length + length, sizeof(build->bytes));
	memcpy(build->bytes + build->length, bytes, length);
	build->length += length;
}

static inline void put_u32(struct build *build, uint32_t value)
{
	put(build, &value, sizeof(value));
}

static inline void put_u64(struct build *build, uint64_t value)
{
	put(build, &value, sizeof(value));
}

static inline void begin(struct build *build, uint32_t type, uint16_t misc)
{
	struct perf_event_header header = {.type = type, .misc = misc};

	build->length = 0;
	put(build, &header, sizeof(header));
}

/* Parses a copy of exactly that size, so that a sanitizer sees any read behind it. */
static inline int parse_cut(const struct build *build, size_t length, struct perf_record *record)
{
	uint8_t *copy = malloc(length);
	int r;

	cr_assert(copy && length >= sizeof(struct perf_event_header));
	memcpy(copy, build->bytes, length);
	((struct perf_event_header *)(void *)copy)->size = (uint16_t)length;
	r = perf_record_parse((const struct perf_event_header *)(const void *)copy,
			      PERF_SOURCE_SAMPLE_TYPE, record);
	free(copy);
	return r;
}

static inline void parse(struct build *build, struct perf_record *record)
{
	struct perf_event_header *header = (struct perf_event_header *)(void *)build->bytes;

	header->size = (uint16_t)build->length;
	memset(record, 0xff, sizeof(*record));
	cr_assert_eq(perf_record_parse(header, PERF_SOURCE_SAMPLE_TYPE, record), 0);
}

static inline void expect_every_cut_refused(const struct build *build)
{
	for (size_t length = sizeof(struct perf_event_header); length < build->length; length++) {
		struct perf_record record = {.kind = PERF_KIND_UNKNOWN, .pid = 12345};

		cr_expect_eq(parse_cut(build, length, &record), -EBADMSG, "length %zu", length);
		cr_expect_eq(record.pid, 12345);
	}
}

#endif
