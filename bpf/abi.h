/*
 * What the BPF programs and user space share: map values, ring-buffer records, and how a stack's id
 * is made. Fixed-width fields, explicit padding, no pointers.
 *
 * An address in a stack is a *lookup address*: the interrupted pc itself in the innermost frame of a
 * CPU sample, the return address minus one in every caller, so that it always lies inside the
 * instruction that is executing and needs no further adjustment for rules, symbols or lines.
 */
#ifndef RSP_BPF_ABI_H
#define RSP_BPF_ABI_H

#include <linux/types.h>

/* Arrays that user space hands on as uint64_t, which is another type than __u64 there. */
#ifdef __bpf__
typedef __u64 abi_u64;
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t abi_u64;
#endif

enum {
	STACK_FRAMES_MAX = 127, /* the user's */
	STACK_KERNEL_MAX = 64,	/* the kernel's above them, and room for a marker */
	STACK_COPY_MAX = 16384,
	STACK_COPY_CHUNK = 512, /* divides a page, so that no chunk crosses into an unreadable one */
	STACK_REGS = 17,	/* x86-64 DWARF numbering, 16 is rip */
};

/*
 * An entry of a stack is an address and the tag of what is mapped there, 1 to 255, so that stacks of
 * two libraries that were loaded at one address are two; 0 where that is not known. In the kernel's
 * own addresses, whose highest bit is set, there is none.
 */
enum { FRAME_TAG_SHIFT = 55 };

static inline __u64 frame_of(__u64 address, __u8 tag)
{
	return address ^ ((__u64)tag << FRAME_TAG_SHIFT);
}

static inline __u64 frame_address(__u64 frame)
{
	return frame >> 63 ? frame : frame & ((1ULL << FRAME_TAG_SHIFT) - 1);
}

static inline __u8 frame_tag(__u64 frame)
{
	return frame >> 63 ? 0 : (__u8)(frame >> FRAME_TAG_SHIFT);
}

/* How a walk ended. */
enum stack_state {
	STACK_COMPLETE,	 /* at a frame that has no caller */
	STACK_TRUNCATED, /* deeper than STACK_FRAMES_MAX, or than the copied bytes */
	STACK_BROKEN,	 /* no rule covers an address, or the stack could not be read */
	STACK_UNLEARNT,	 /* a rule was missing and the copy that would have taught it was lost */
	STACK_GUESSED,	 /* complete, but over a frame whose rule is a guess */
};

/*
 * One step of the id of a stack: the mixing step of Fibonacci hashing (Knuth, TAOCP 3, 6.4) with a
 * fold of the high bits. Starts from 0, takes each frame from the innermost outwards and last the
 * state. The top bit stays clear, see STACK_ID_PROVISIONAL. Here because both sides need the same.
 */
static inline __u64 stack_id_step(__u64 id, __u64 value)
{
	id = (id ^ value) * 0x9e3779b97f4a7c15ULL;
	return id ^ (id >> 29);
}

#define STACK_ID_MASK 0x7fffffffffffffffULL
/* Set in the id of one single allocation whose stack user space unwinds from a copy. */
#define STACK_ID_PROVISIONAL 0x8000000000000000ULL

enum kernel_rule_base {
	RULE_BASE_RSP,	/* CFA = rsp + cfa_offset */
	RULE_BASE_RBP,	/* CFA = rbp + cfa_offset */
	/* A signal's frame: what was interrupted had its rsp saved at rsp + cfa_offset, its pc eight
	 * bytes above, its rbp at rsp + rbp_offset. */
	RULE_BASE_SIGNAL,
	RULE_BASE_TRAMPOLINE, /* of return probes: where it returns to is known by the call alone */
	RULE_BASE_END,	/* no caller */
	RULE_BASE_COPY, /* only user space can step over this frame */
	RULE_BASE_NONE, /* nothing can: the stack is broken here */
};

enum kernel_rule_flag {
	RULE_CFA_DEREF = 1,	 /* CFA is the eight bytes at the address so computed ... */
	RULE_CFA_PLUS_8 = 2,	 /* ... plus eight */
	RULE_RBP_AT_CFA = 4,	 /* caller's rbp at CFA + rbp_offset */
	RULE_RBP_AT_RBP = 8,	 /* caller's rbp at rbp + rbp_offset */
	RULE_GUESS = 16,	 /* not from CFI */
};

/* The small form of an unwind rule; the return address is always at CFA - 8. */
struct kernel_rule {
	__s32 cfa_offset;
	__s16 rbp_offset;
	__u8 base : 3;	/* enum kernel_rule_base */
	__u8 flags : 5; /* set of enum kernel_rule_flag */
	__u8 tag;	/* of the frames that have this rule */
};
_Static_assert(sizeof(struct kernel_rule) == 8, "a rule is eight bytes");

/*
 * Rules are kept by address (level 0) or, where one holds for a whole aligned block of code, by block
 * of 16, 128 or 1024 bytes (levels 1 to 3): a function's body is learnt by one sample and not by one
 * for each of its instructions. A block never crosses a page, so it belongs to one mapping. The two
 * highest bits of a key, which are clear in a user's address, tell the level.
 */
enum { RULE_LEVELS = 4 };

static inline __u64 rule_block_size(unsigned level)
{
	return 1ULL << (level ? 3 * level + 1 : 0);
}

static inline __u64 rule_key(__u64 address, unsigned level)
{
	return (address & -rule_block_size(level)) | (__u64)level << 62;
}

/* Rules by address, see rule_cache.bpf.h. */
enum { RULE_CACHE_BITS = 12 };
#define RULE_CACHE_FACTOR 0x9e3779b97f4a7c15ULL

struct rule_cache_entry {
	__u64 check; /* made from the address, the generation and the rule */
	__u64 rule;
};

struct rule_cache {
	__u64 generation; /* written by user space */
	__u64 reserved;
	struct rule_cache_entry entries[1 << RULE_CACHE_BITS];
};

/* Changes of the target's executable mappings: how many there were, and how many are taken in. */
struct mapping_state {
	__u64 changes;
	__u64 known;		/* written by user space */
	__u64 executable_pages;	/* when it was looked last */
};

/* What an allocator's function does. */
enum heap_call {
	HEAP_CALL_ALLOC,     /* returns a new object */
	HEAP_CALL_ALLOC_OUT, /* stores it where its pointer says and returns 0, as posix_memalign() */
	HEAP_CALL_REALLOC,
	HEAP_CALL_RESIZE,    /* as xallocx(): never moves it, returns how much it has room for then */
	HEAP_CALL_FREE,
	HEAP_CALL_MAP,	     /* as mmap(): returns anonymous memory, or -1 */
	HEAP_CALL_REMAP,     /* as mremap() */
	HEAP_CALL_UNMAP,     /* as munmap(): may free a part */
	HEAP_CALL_COUNT,
};

/* Whether it is given an object that there is, and what it returns stands for that one. */
static inline bool heap_call_reallocates(__u64 call)
{
	return call == HEAP_CALL_REALLOC || call == HEAP_CALL_RESIZE || call == HEAP_CALL_REMAP;
}

/*
 * A probe's cookie: what the function does, and which registers have its arguments where the probe
 * sits, by their x86 number (rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 to r15). rsp
 * never has one and stands for none. HEAP_CALL_MAP has the flags in place of the count.
 */
enum { HEAP_REGISTER_NONE = 4, HEAP_REGISTERS = 16 };
enum heap_cookie_flag {
	HEAP_COOKIE_NESTS = 1, /* the function may call another one that is probed */
};
enum { HEAP_PROBES_MAX = 1024 };

static inline __u64 heap_cookie(__u64 call, __u64 size, __u64 count, __u64 pointer, __u64 flags,
				__u64 probe)
{
	return call | size << 8 | count << 12 | pointer << 16 | flags << 20 | probe << 32;
}

static inline __u32 heap_cookie_call(__u64 cookie)
{
	return cookie & 0xff;
}

static inline __u32 heap_cookie_flags(__u64 cookie)
{
	return cookie >> 20 & 0xf;
}

/* Its index among the probes, below HEAP_PROBES_MAX. */
static inline __u32 heap_cookie_probe(__u64 cookie)
{
	return cookie >> 32 & (HEAP_PROBES_MAX - 1);
}

/* A live object; the key is its address. */
struct heap_object {
	__u64 size;	/* as asked for */
	__u64 site_id;	/* see heap_site_id() */
	__u64 birth_ns;	/* CLOCK_MONOTONIC, to a tick of the kernel */
	__u64 epoch;	/* which program of the process it belongs to: exec begins a new one */
	__u64 interval;	/* heap_interval() of when it was taken; 0: every object was */
};

/*
 * Mean bytes between samples, 0: every allocation is one; and above that what an object counts more
 * because allocations were only seen for a share of the time, in units of 1 / 256.
 */
enum { HEAP_EXTRA_SHIFT = 48, HEAP_EXTRA_MOST = 0xffff, HEAP_EXTRA_ONE = 256 };

static inline __u64 heap_interval(__u64 mean, __u64 extra)
{
	return mean | extra << HEAP_EXTRA_SHIFT;
}

static inline __u64 heap_interval_mean(__u64 interval)
{
	return interval & ((1ULL << HEAP_EXTRA_SHIFT) - 1);
}

static inline __u64 heap_interval_extra(__u64 interval)
{
	return interval >> HEAP_EXTRA_SHIFT;
}

/*
 * Objects are counted in fractions: a sampled one stands for several. And the variance of a number of
 * bytes is counted in 65,536 square bytes.
 */
enum { HEAP_OBJECTS_SHIFT = 16, HEAP_VARIANCE_SHIFT = 16 };

/* Books. Live is alloc - freed. Sampled objects are in them with their weight, see bpf/sampling.bpf.h. */
struct heap_counts {
	__u64 alloc_bytes;
	__u64 alloc_objects;
	__u64 freed_bytes;
	__u64 freed_objects;
	__u64 alloc_variance;	/* of the sum of bytes, by sampling */
	__u64 freed_variance;
};

static inline void heap_counts_add(struct heap_counts *to, const struct heap_counts *from)
{
	to->alloc_bytes += from->alloc_bytes;
	to->alloc_objects += from->alloc_objects;
	to->alloc_variance += from->alloc_variance;
	to->freed_bytes += from->freed_bytes;
	to->freed_objects += from->freed_objects;
	to->freed_variance += from->freed_variance;
}

/* In so many parts, by CPU, so that threads at one site do not wait for each other's cache lines. */
#define HEAP_SHARDS 4

/* What is counted apart: one stack, and one of the threads while they are told apart. */
struct stack_key {
	__u64 stack_id;
	__u64 thread;		/* 0: of all threads */
};

/* The id of a site: the stack's own where threads are not told apart, or where it is of one allocation. */
static inline __u64 heap_site_id(const struct stack_key *of)
{
	if (!of->thread || of->stack_id & STACK_ID_PROVISIONAL)
		return of->stack_id;
	return stack_id_step(of->stack_id, of->thread) & STACK_ID_MASK;
}

/* The books of one site; the key is its id. */
struct heap_site {
	struct {
		struct heap_counts counts;
		__u64 space[2];	/* up to the size of a cache line */
	} shards[HEAP_SHARDS];
	struct stack_key of;
	__u64 announced_ns;	/* when the stack was last sent; 0: never */
	__u64 acknowledged;	/* user space has the stack's frames */
	__u64 epoch;		/* as heap_object's */
};

struct heap_stats {
	__u64 allocations;	/* tracked */
	__u64 frees;		/* of tracked objects */
	__u64 failed;		/* calls that returned no memory */
	__u64 untracked_frees;	/* while every allocation is tracked */
	__u64 dropped;		/* objects of an older epoch that were taken out */
	__u64 replaced;		/* an address handed out again whose free was not seen */
	__u64 lost_returns;	/* calls whose return was never seen */
	__u64 live_map_full;
	__u64 site_map_full;
	__u64 thread_map_full;
	__u64 records;		/* for the ring buffer, of which ... */
	__u64 ringbuf_dropped;	/* ... did not fit */
	__u64 copies;		/* stack copies sent */
};

/*
 * Hits of one probe on one CPU. A few of them, at random distances, are timed: what the program took at
 * the entry, of those that have led to something (a call whose return is to be seen, a free of an object
 * in the books) and of the others, and what it took at the return.
 */
struct heap_hits {
	__u64 booked;		/* have led to something */
	__u64 others;
	__u64 next_timed;	/* the number of the hit that is timed next */
	__u64 booked_timed;
	__u64 booked_ns;
	__u64 others_timed;
	__u64 others_ns;
	__u64 returns_timed;
	__u64 returns_ns;
};

static inline __u64 heap_hits_all(const struct heap_hits *hits)
{
	return hits->booked + hits->others;
}

/* On average one hit in so many is timed; a power of two. One that takes longer than that was preempted:
 * another thread has had the CPU. */
enum { HEAP_HITS_PER_TIMED = 64, HEAP_TIMED_MOST_NS = 100000 };

/* Sampling by bytes: tables for the programs, made by user space. See bpf/sampling.bpf.h. */
enum {
	SAMPLING_LOG_STEPS = 256,
	SAMPLING_WEIGHT_STEPS = 256,
	SAMPLING_WEIGHT_PER_UNIT = 16, /* steps */
};

enum record_kind {
	RECORD_STACK = 1,
	RECORD_COPY = 2,
	RECORD_RETURNS = 3,
	RECORD_CHECK = 4,
};

/*
 * Where a function whose return is probed has its return address: there the stack has the kernel's
 * trampoline instead.
 */
struct displaced_return {
	__u64 slot;		/* address on the stack */
	__u64 return_address;	/* that belongs there */
};

enum { RETURNS_MAX = 64 }; /* the kernel keeps no more for a thread (MAX_URETPROBE_DEPTH) */

/*
 * Of a sample whose stack is copied as it is: the trampoline and what it stands for, innermost first,
 * and the registers to begin with, which are others than the sample's in the trampoline and while
 * the kernel emulates a probed instruction. A record ends after `count` returns.
 */
struct returns_record {
	__u32 kind;
	__u32 tid;
	__u64 time_ns;		/* CLOCK_MONOTONIC, about the sample's */
	__u64 sample_rip;	/* the sample's own, to know it by */
	__u64 sample_rsp;
	__u64 rip;
	__u64 rsp;
	__u64 trampoline;
	__u32 is_return;	/* rip is a return address */
	__u32 count;
	struct displaced_return returns[RETURNS_MAX];
};

/*
 * The frames of a stack that user space does not have. Its id is that of the kernel's frames, then
 * the user's, then the state. A record without kernel frames ends after frame_count frames.
 */
struct stack_record {
	__u32 kind;
	__u32 frame_count;	/* the user's */
	__u64 stack_id;
	__u32 state;		/* enum stack_state */
	__u32 kernel_count;
	abi_u64 frames[STACK_FRAMES_MAX + 1];
	abi_u64 kernel[STACK_KERNEL_MAX];
};

/* A piece of a stack that was read at once, see bpf/window.bpf.h. */
enum { WINDOW_BYTES = 1024 };

struct stack_window {
	__u64 start;
	__u64 size; /* 0: nothing is in it */
	__u8 bytes[WINDOW_BYTES];
};

/* What a stack's last walk has read, see bpf/memo.bpf.h. */
enum { MEMO_WORDS = 64 /* a power of two */ };

struct stack_memo {
	__u64 generation;	/* of the rules */
	__u64 epoch;
	__u64 rsp, rbp, return_address;
	__u64 uses_rbp;		/* the walk depends on rbp, as it was */
	__u64 bytes;		/* from rsp on, within which all words are */
	__u64 count;		/* of words; 0: there is nothing, above MEMO_WORDS: not all are here */
	struct {
		__u64 offset;	/* from rsp */
		__u64 value;
	} words[MEMO_WORDS];
};

/* Of the function of the target that was called last on a CPU of those that are probed. */
struct probe_entry {
	__u64 rsp;
	__u64 return_address;	/* 0: it was not looked at */
	__u64 watched;		/* it is to be looked at, as others probe returns that we leave alone */
};

/* A thread's call in flight, and the room in which its stack is unwound. A per-CPU scratch would not
 * do: programs on uprobes can be preempted by another thread of the target on the same CPU. */
struct heap_thread {
	__u64 entry_sp;		/* of the outermost call in flight; 0: none */
	__u64 return_address;	/* of that call */
	__u64 cookie;
	__u64 size;
	__u64 interval;		/* as heap_object's */
	__u64 opening;		/* of the allocations' probes, in which the call began */
	__u64 sampled;		/* the object is to be tracked */
	__u64 timed;		/* the program's time is taken, see struct heap_hits */
	__u64 pointer;		/* realloc: the old object; posix_memalign: where the result goes */
	__u64 freeing;		/* what it last gave to a function that calls another one to free it */
	__u64 stack_id;		/* of the caller, if sampled */
	__u64 allocated;	/* bytes, as its sites have them */
	__u64 has_old;
	struct heap_object old;
	struct stack_record record;
	struct stack_window window;
	struct stack_memo memo;	/* of the walk that made the record */
};

/* CPU samples with one stack. */
struct stack_count {
	struct stack_key key;
	__u64 samples;		/* each with its weight */
	__u64 sent;		/* its frames are in the ring buffer */
};

/* Of a sample that takes both ways, so that they can be compared: what the kernel made of it. */
struct check_record {
	__u32 kind;
	__u32 tid;
	__u64 time_ns;		/* CLOCK_MONOTONIC, about the sample's */
	__u64 sample_rip;	/* the sample's own, to know it by */
	__u64 sample_rsp;
	__u64 stack_id;
};

enum { THREAD_STACKS = 8 };

/* CPU samples of one thread, which is the key, and the stacks of the latest: a ring. */
struct thread_count {
	__u64 samples;
	__u64 walked;			/* of them, those that have a stack here */
	abi_u64 stacks[THREAD_STACKS];	/* ids; 0: none */
};

/* Of one CPU: whole lines of its cache. */
struct cpu_stats {
	__u64 samples;		/* of the target, since the start */
	__u64 counted;		/* in the kernel, the others were copied */
	__u64 frames;		/* walked for those */
	__u64 walk_ns;		/* spent on it */
	__u64 run_ns;		/* spent in the program, of all samples */
	__u64 missing_rules;	/* copied because a rule was not there, ... */
	__u64 special_frames;	/* ... because only user space can step over a frame, ... */
	__u64 counts_full;	/* ... because the map of counts had no room */
	__u64 records;		/* for the ring buffer, of which ... */
	__u64 ringbuf_dropped;	/* ... did not fit; a stack is sent again at its next sample */
	__u64 threads_full;	/* that no thread has: the map of their counts had no room */
	__u64 padding[5];
};

/* Registers of an allocation with a provisional id, as they are when the allocator has returned. The first
 * stack_size bytes behind this header are the stack from rsp upwards. */
struct copy_header {
	__u32 kind;
	__u32 stack_size;
	__u64 stack_id;
	__u64 missing;	/* the address whose rule the kernel lacked; it may be deeper than the copy */
	abi_u64 regs[STACK_REGS];
};

#endif
