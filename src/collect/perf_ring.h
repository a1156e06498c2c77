/*
 * Walks a mapped perf ring and decodes its records. Pure: knows no system calls; whoever opens the
 * event maps the ring and must use the sample type and register mask of this header.
 */
#ifndef RSP_COLLECT_PERF_RING_H
#define RSP_COLLECT_PERF_RING_H

#include <asm/perf_regs.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* perf_event_attr.sample_type: what every sample has; sample_id_all must be 1. */
#define PERF_STACK_SAMPLE_TYPE                                                             \
	((uint64_t)(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |                  \
		    PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER))

/* With the kernel's part of the stack. */
#define PERF_SOURCE_SAMPLE_TYPE (PERF_STACK_SAMPLE_TYPE | PERF_SAMPLE_CALLCHAIN)

/* What a sample may have besides these. */
#define PERF_EXTRA_SAMPLE_TYPE ((uint64_t)PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_PAGE_SIZE)

/* perf_event_attr.sample_regs_user: the 16 general registers and the instruction pointer. */
#define PERF_SOURCE_REGS_MASK \
	((UINT64_C(0x1ff) << PERF_REG_X86_AX) | (UINT64_C(0xff) << PERF_REG_X86_R8))

/* Registers in DWARF's numbering for x86-64. */
enum perf_dwarf_reg { PERF_DWARF_RBP = 6, PERF_DWARF_RSP = 7, PERF_DWARF_RIP = 16 };
enum { PERF_DWARF_REGS = 17 };

/* Larger than any record: its size is 16 bits wide. */
enum { PERF_RING_SCRATCH_BYTES = 65536 };

/* Embedded in its owner, who also owns the mapping and unmaps it after perf_ring_fini(). */
struct perf_ring {
	struct perf_event_mmap_page *page; /* borrowed */
	const uint8_t *data;		   /* borrowed */
	uint64_t size;			   /* bytes of data, a power of two */
	uint8_t *scratch;		   /* owned; a record that wraps is put together here */
	uint64_t head;			   /* as seen at the begin of this drain */
	uint64_t tail;			   /* behind the record handed out last */
	uint64_t searched;		   /* no mapping waits between tail and here */
	bool draining;
	uint64_t corrupt; /* times the rest of a ring was skipped because a record made no sense */
};

/* 0, or -EINVAL if `size` is not a power of two that holds a record header. */
int perf_ring_init(struct perf_ring *ring, struct perf_event_mmap_page *page, const uint8_t *data,
		   uint64_t size);

/* Frees what the ring owns. A ring that is all zero is allowed. */
void perf_ring_fini(struct perf_ring *ring);

/*
 * The next record, aligned for its header; NULL when the drain is at its end. The first call after
 * perf_ring_done() takes a look at how far the kernel is; what comes later belongs to the next
 * drain. A record that cannot be (size zero or more than there is) ends the drain and is counted in
 * `corrupt`. What it points to is valid until the next perf_ring_next() or perf_ring_done().
 */
const struct perf_event_header *perf_ring_next(struct perf_ring *ring);

/* Ends the drain: gives the kernel the room of the records handed out, also after a half drain. */
void perf_ring_done(struct perf_ring *ring);

/*
 * Whether a PERF_RECORD_MMAP2 is among the records not handed out yet. Looks at each record once.
 * Not during a drain.
 */
bool perf_ring_mapping_waits(struct perf_ring *ring);

enum perf_record_kind {
	PERF_KIND_UNKNOWN, /* only this field is set; skip and count it */
	PERF_KIND_SAMPLE,
	PERF_KIND_LOST,		/* `lost`: records */
	PERF_KIND_LOST_SAMPLES, /* `lost`: samples */
	PERF_KIND_THROTTLE,
	PERF_KIND_UNTHROTTLE,
	PERF_KIND_MMAP2,
	PERF_KIND_COMM,
	PERF_KIND_FORK,
	PERF_KIND_EXIT,
};

/* Pointers are borrowed from the record. */
struct perf_sample {
	uint64_t ip;
	const uint64_t *chain; /* all of the call chain, with context markers */
	size_t chain_count;
	const uint64_t *kernel_chain; /* its kernel part without markers; NULL when there is none */
	size_t kernel_count;
	uint64_t regs_abi; /* PERF_SAMPLE_REGS_ABI_*; NONE: `regs` is all zero */
	uint64_t regs[PERF_DWARF_REGS];
	const uint8_t *stack; /* copied from regs[PERF_DWARF_RSP] upwards; NULL: nothing */
	size_t stack_bytes;   /* that are valid, not those asked for */
	uint64_t addr;	      /* that was accessed; 0: not in the sample type */
	uint64_t data_page_bytes; /* size of the page it is in; 0: unknown, or not in the type */
};

struct perf_mmap {
	uint64_t addr;
	uint64_t length;
	uint64_t pgoff;	    /* bytes */
	uint32_t dev_major; /* this, minor and inode are 0 when there is a build id */
	uint32_t dev_minor;
	uint64_t inode;
	const uint8_t *build_id; /* NULL: none */
	size_t build_id_bytes;	 /* at most 20 */
	uint32_t prot;		 /* PROT_* */
	const char *filename;
};

struct perf_comm {
	const char *comm;
	bool exec; /* set by execve(), not by prctl() */
};

/* Of FORK: the new task is pid/tid of the record, this is its parent. As for EXIT. */
struct perf_task {
	uint32_t ppid;
	uint32_t ptid;
};

struct perf_record {
	enum perf_record_kind kind;
	uint8_t cpumode; /* PERF_RECORD_MISC_KERNEL, _USER, ... */
	uint32_t pid;	 /* whom it is about; in the pid namespace of the opener */
	uint32_t tid;
	uint64_t time_ns; /* of the clock that the opener chose */
	union {
		struct perf_sample sample;
		struct perf_mmap mmap;
		struct perf_comm comm;
		struct perf_task task;
		uint64_t lost;
	};
};

/*
 * Decodes a record of perf_ring_next(), of an event with this sample type (PERF_STACK_SAMPLE_TYPE and
 * more of the above). The pointers in it are valid as long as `header` is. 0, or -EBADMSG when the
 * record ends before its contents do; then `ret_record` is unchanged.
 */
int perf_record_parse(const struct perf_event_header *header, uint64_t sample_type,
		      struct perf_record *ret_record);

#endif
