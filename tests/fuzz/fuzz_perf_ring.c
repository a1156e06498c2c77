/* Records of a perf ring. The first byte is the sample type, the second where the ring is wrapped.
 */
#include "config.h"

#include "collect/perf_ring.h"

#include "fuzz.h"

enum { RING_BYTES = 1 << 14 };

static void read_record(const struct perf_record *record)
{
	switch (record->kind) {
	case PERF_KIND_SAMPLE:
		touch(record->sample.chain, record->sample.chain_count * sizeof(uint64_t));
		touch(record->sample.kernel_chain, record->sample.kernel_count * sizeof(uint64_t));
		touch(record->sample.stack, record->sample.stack_bytes);
		break;
	case PERF_KIND_MMAP2:
		touch(record->mmap.build_id, record->mmap.build_id_bytes);
		touch_text(record->mmap.filename);
		break;
	case PERF_KIND_COMM:
		touch_text(record->comm.comm);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t types[] = {PERF_STACK_SAMPLE_TYPE, PERF_SOURCE_SAMPLE_TYPE,
					 PERF_STACK_SAMPLE_TYPE | PERF_EXTRA_SAMPLE_TYPE};
	struct perf_event_mmap_page page = {0};
	const struct perf_event_header *header;
	struct perf_ring ring;
	uint8_t *bytes;

	if (size < 2 || size - 2 > RING_BYTES)
		return 0;
	bytes = aligned_alloc(8, RING_BYTES);
	MUST(bytes);
	memset(bytes, 0, RING_BYTES);
	page.data_tail = (uint64_t)data[1] * 64;
	page.data_head = page.data_tail + size - 2;
	for (size_t i = 2; i < size; i++)
		bytes[(page.data_tail + i - 2) % RING_BYTES] = data[i];
	MUST(perf_ring_init(&ring, &page, bytes, RING_BYTES) == 0);
	(void)perf_ring_mapping_waits(&ring);
	while ((header = perf_ring_next(&ring))) {
		struct perf_record record;
		/* Of the exact size, so that nothing behind it is read unseen. */
		void *copy = malloc(header->size);

		MUST(copy);
		memcpy(copy, header, header->size);
		if (perf_record_parse(copy, types[data[0] % 3], &record) == 0)
			read_record(&record);
		free(copy);
	}
	perf_ring_done(&ring);
	MUST(page.data_tail == page.data_head);
	perf_ring_fini(&ring);
	free(bytes);
	return 0;
}
