/*
 * The reader's side of the perf ring protocol, and the layout of the records as of
 * perf_event_open(2). The kernel writes head, we write tail; both only ever grow.
 */
#include "config.h"

#include "collect/perf_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

/* What is left to decode of a record. Once something did not fit, `truncated` stays. */
struct cursor {
	const uint8_t *next;
	const uint8_t *end;
	bool truncated;
};

/* What sample_id_all appends for TID|TIME. */
enum { TRAILER_BYTES = 16, BUILD_ID_BYTES = 20 };

int perf_ring_init(struct perf_ring *ring, struct perf_event_mmap_page *page, const uint8_t *data,
		   uint64_t size)
{
	if (size < sizeof(struct perf_event_header) || (size & (size - 1)) != 0)
		return -EINVAL;
	*ring = (struct perf_ring){
	    .page = page,
	    .data = data,
	    .size = size,
	    .scratch = xcalloc(1, PERF_RING_SCRATCH_BYTES),
	    .tail = page->data_tail,
	    .searched = page->data_tail,
	};
	return 0;
}

void perf_ring_fini(struct perf_ring *ring)
{
	free(ring->scratch);
	*ring = (struct perf_ring){0};
}

static void copy_out(const struct perf_ring *ring, uint64_t from, size_t bytes, uint8_t *to)
{
	uint64_t at = from & (ring->size - 1);
	size_t first = ring->size - at < bytes ? (size_t)(ring->size - at) : bytes;

	memcpy(to, ring->data + at, first);
	memcpy(to + first, ring->data, bytes - first);
}

static const struct perf_event_header *skip_rest(struct perf_ring *ring)
{
	ring->corrupt++;
	ring->tail = ring->head;
	return NULL;
}

const struct perf_event_header *perf_ring_next(struct perf_ring *ring)
{
	struct perf_event_header header;
	uint64_t available;
	uint64_t at;

	if (!ring->draining) {
		/* Pairs with the kernel's barrier: the records up to head are written. */
		ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
		ring->draining = true;
	}
	available = ring->head - ring->tail;
	if (available == 0)
		return NULL;
	if (available < sizeof(header) || available > ring->size)
		return skip_rest(ring);
	copy_out(ring, ring->tail, sizeof(header), (uint8_t *)&header);
	if (header.size < sizeof(header) || header.size > available)
		return skip_rest(ring);
	at = ring->tail & (ring->size - 1);
	ring->tail += header.size;
	/* In place unless it wraps; the kernel aligns records, but nothing here depends on that. */
	if (at % sizeof(uint64_t) == 0 && header.size <= ring->size - at)
		return (const struct perf_event_header *)(const void *)(ring->data + at);
	copy_out(ring, ring->tail - header.size, header.size, ring->scratch);
	return (const struct perf_event_header *)(const void *)ring->scratch;
}

void perf_ring_done(struct perf_ring *ring)
{
	/* Release: all reads of the records come before the kernel may write over them. */
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
	ring->draining = false;
}

bool perf_ring_mapping_waits(struct perf_ring *ring)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	struct perf_event_header header;

	if (ring->searched < ring->tail)
		ring->searched = ring->tail;
	while (ring->searched < head) {
		uint64_t available = head - ring->searched;

		if (available < sizeof(header) || available > ring->size)
			return false;
		copy_out(ring, ring->searched, sizeof(header), (uint8_t *)&header);
		if (header.size < sizeof(header) || header.size > available)
			return false;
		if (header.type == PERF_RECORD_MMAP2)
			return true;
		ring->searched += header.size;
	}
	return false;
}

/* The next `bytes` of the record; NULL if it has not that many. */
static const void *take(struct cursor *cursor, uint64_t bytes)
{
	const uint8_t *at = cursor->next;

	if (cursor->truncated || bytes > (uint64_t)(cursor->end - cursor->next)) {
		cursor->truncated = true;
		return NULL;
	}
	cursor->next += bytes;
	return at;
}

static uint32_t take_u32(struct cursor *cursor)
{
	const void *at = take(cursor, sizeof(uint32_t));
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t take_u64(struct cursor *cursor)
{
	const void *at = take(cursor, sizeof(uint64_t));
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

/* Text up to the record's end, padded with NULs. */
static const char *take_text(struct cursor *cursor)
{
	const char *text = (const char *)cursor->next;

	if (cursor->truncated || !memchr(text, '\0', (size_t)(cursor->end - cursor->next))) {
		cursor->truncated = true;
		return "";
	}
	cursor->next = cursor->end;
	return text;
}

static void find_kernel_chain(struct perf_sample *sample)
{
	bool kernel = false;

	for (size_t i = 0; i < sample->chain_count; i++) {
		uint64_t entry = sample->chain[i];

		/* The markers are the highest addresses, where no code can be. */
		if (entry >= (uint64_t)PERF_CONTEXT_MAX) {
			if (sample->kernel_chain)
				return;
			kernel = entry == (uint64_t)PERF_CONTEXT_KERNEL;
		} else if (kernel) {
			if (!sample->kernel_chain)
				sample->kernel_chain = &sample->chain[i];
			sample->kernel_count++;
		}
	}
}

static void parse_chain(struct cursor *cursor, struct perf_sample *sample)
{
	uint64_t count = take_u64(cursor);
	uint64_t most = (uint64_t)(cursor->end - cursor->next) / sizeof(uint64_t);

	if (count > most) {
		cursor->truncated = true;
		return;
	}
	sample->chain = take(cursor, count * sizeof(uint64_t));
	sample->chain_count = sample->chain ? (size_t)count : 0;
	find_kernel_chain(sample);
}

/* The kernel writes the registers of the mask by rising bit. */
static void parse_regs(struct cursor *cursor, struct perf_sample *sample)
{
	/* ax bx cx dx si di bp sp ip r8 to r15; flags and segments are not in the mask */
	static const uint8_t dwarf_order[] = {
	    0,	3,  2,	1,  4,	5,  PERF_DWARF_RBP, PERF_DWARF_RSP, PERF_DWARF_RIP, 8, 9,
	    10, 11, 12, 13, 14, 15,
	};

	_Static_assert(sizeof(dwarf_order) == PERF_DWARF_REGS, "one for each register");
	_Static_assert(__builtin_popcountll(PERF_SOURCE_REGS_MASK) == PERF_DWARF_REGS,
		       "one for each bit of the mask");
	sample->regs_abi = take_u64(cursor);
	if (sample->regs_abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	for (size_t i = 0; i < PERF_DWARF_REGS; i++)
		sample->regs[dwarf_order[i]] = take_u64(cursor);
}

/* The size asked for, that many bytes, and how many of them are valid; only the size if it is 0. */
static void parse_stack(struct cursor *cursor, struct perf_sample *sample)
{
	uint64_t size = take_u64(cursor);
	const void *stack;
	uint64_t valid;

	if (size == 0)
		return;
	stack = take(cursor, size);
	valid = take_u64(cursor);
	if (valid > size)
		cursor->truncated = true;
	if (cursor->truncated || valid == 0)
		return;
	sample->stack = stack;
	sample->stack_bytes = (size_t)valid;
}

/* The fields come in the order of the kernel, those that `type` has. */
static void parse_sample(struct cursor *cursor, uint64_t type, struct perf_record *record)
{
	struct perf_sample *sample = &record->sample;

	sample->ip = take_u64(cursor);
	record->pid = take_u32(cursor);
	record->tid = take_u32(cursor);
	record->time_ns = take_u64(cursor);
	if (type & PERF_SAMPLE_ADDR)
		sample->addr = take_u64(cursor);
	if (type & PERF_SAMPLE_CALLCHAIN)
		parse_chain(cursor, sample);
	parse_regs(cursor, sample);
	parse_stack(cursor, sample);
	if (type & PERF_SAMPLE_DATA_PAGE_SIZE)
		sample->data_page_bytes = take_u64(cursor);
}

/* Either a device and an inode, or a build id in the same 24 bytes: length, 3 bytes of nothing, id.
 */
static void parse_file_identity(struct cursor *cursor, bool has_build_id, struct perf_mmap *mmap)
{
	const uint8_t *length;

	if (!has_build_id) {
		mmap->dev_major = take_u32(cursor);
		mmap->dev_minor = take_u32(cursor);
		mmap->inode = take_u64(cursor);
		take_u64(cursor);
		return;
	}
	length = take(cursor, 4);
	mmap->build_id = take(cursor, BUILD_ID_BYTES);
	if (!length || !mmap->build_id)
		return;
	mmap->build_id_bytes = *length;
	if (mmap->build_id_bytes > BUILD_ID_BYTES)
		cursor->truncated = true;
}

static void parse_mmap2(struct cursor *cursor, uint16_t misc, struct perf_record *record)
{
	struct perf_mmap *mmap = &record->mmap;

	record->pid = take_u32(cursor);
	record->tid = take_u32(cursor);
	mmap->addr = take_u64(cursor);
	mmap->length = take_u64(cursor);
	mmap->pgoff = take_u64(cursor);
	parse_file_identity(cursor, misc & PERF_RECORD_MISC_MMAP_BUILD_ID, mmap);
	mmap->prot = take_u32(cursor);
	take_u32(cursor);
	mmap->filename = take_text(cursor);
}

static void parse_comm(struct cursor *cursor, uint16_t misc, struct perf_record *record)
{
	record->pid = take_u32(cursor);
	record->tid = take_u32(cursor);
	record->comm.comm = take_text(cursor);
	record->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
}

static void parse_task(struct cursor *cursor, struct perf_record *record)
{
	record->pid = take_u32(cursor);
	record->task.ppid = take_u32(cursor);
	record->tid = take_u32(cursor);
	record->task.ptid = take_u32(cursor);
	record->time_ns = take_u64(cursor);
}

/* Takes the trailer off the end: every record but a sample has one. */
static void parse_trailer(struct cursor *cursor, struct perf_record *record)
{
	struct cursor trailer;

	if (cursor->end - cursor->next < TRAILER_BYTES) {
		cursor->truncated = true;
		return;
	}
	cursor->end -= TRAILER_BYTES;
	trailer = (struct cursor){.next = cursor->end, .end = cursor->end + TRAILER_BYTES};
	record->pid = take_u32(&trailer);
	record->tid = take_u32(&trailer);
	record->time_ns = take_u64(&trailer);
}

static enum perf_record_kind kind_of(uint32_t type)
{
	switch (type) {
	case PERF_RECORD_SAMPLE:
		return PERF_KIND_SAMPLE;
	case PERF_RECORD_LOST:
		return PERF_KIND_LOST;
	case PERF_RECORD_LOST_SAMPLES:
		return PERF_KIND_LOST_SAMPLES;
	case PERF_RECORD_THROTTLE:
		return PERF_KIND_THROTTLE;
	case PERF_RECORD_UNTHROTTLE:
		return PERF_KIND_UNTHROTTLE;
	case PERF_RECORD_MMAP2:
		return PERF_KIND_MMAP2;
	case PERF_RECORD_COMM:
		return PERF_KIND_COMM;
	case PERF_RECORD_FORK:
		return PERF_KIND_FORK;
	case PERF_RECORD_EXIT:
		return PERF_KIND_EXIT;
	default:
		return PERF_KIND_UNKNOWN;
	}
}

static void parse_body(struct cursor *cursor, uint16_t misc, uint64_t sample_type,
		       struct perf_record *record)
{
	switch (record->kind) {
	case PERF_KIND_SAMPLE:
		parse_sample(cursor, sample_type, record);
		break;
	case PERF_KIND_LOST:
		take_u64(cursor); /* the event's id */
		record->lost = take_u64(cursor);
		break;
	case PERF_KIND_LOST_SAMPLES:
		record->lost = take_u64(cursor);
		break;
	case PERF_KIND_THROTTLE:
	case PERF_KIND_UNTHROTTLE:
		record->time_ns = take_u64(cursor);
		take(cursor, 2 * sizeof(uint64_t)); /* the event's id and its stream's */
		break;
	case PERF_KIND_MMAP2:
		parse_mmap2(cursor, misc, record);
		break;
	case PERF_KIND_COMM:
		parse_comm(cursor, misc, record);
		break;
	case PERF_KIND_FORK:
	case PERF_KIND_EXIT:
		parse_task(cursor, record);
		break;
	case PERF_KIND_UNKNOWN:
		break;
	}
}

int perf_record_parse(const struct perf_event_header *header, uint64_t sample_type,
		      struct perf_record *ret_record)
{
	const uint8_t *start = (const uint8_t *)header;
	struct perf_record record = {.kind = kind_of(header->type)};
	struct cursor cursor = {.next = start + sizeof(*header), .end = start + header->size};

	if (header->size < sizeof(*header))
		return -EBADMSG;
	if (record.kind != PERF_KIND_UNKNOWN) {
		record.cpumode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;
		if (record.kind != PERF_KIND_SAMPLE)
			parse_trailer(&cursor, &record);
		parse_body(&cursor, header->misc, sample_type, &record);
	}
	if (cursor.truncated)
		return -EBADMSG;
	*ret_record = record;
	return 0;
}
