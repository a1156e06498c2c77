// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The books of the heap. Probes on the allocator's functions keep two maps, `live` (one entry per
 * object) and `sites` (totals per stack); the maps are the truth, the ring buffer only announces
 * stacks, so a slow reader cannot make the books wrong. Every loss is counted in `stats`.
 *
 * What must hold:
 *  - an object enters `live` when its allocation returns and leaves when free() is entered. Any other
 *    order races with another thread that gets the same address.
 *  - realloc takes the old object out at entry and keeps it for the return, which books it as freed
 *    or, if the call failed, puts it back.
 *  - calls nested in another allocator call of the same thread (reallocarray -> realloc -> malloc) are
 *    not booked; a nested call is one whose stack pointer is not above that of the call in flight.
 *  - a site is found or made before its object is entered, so that both are booked or neither is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "call.bpf.h"
#include "mappings.bpf.h"
#include "target.bpf.h"
#include "unwind.bpf.h"

#define EEXIST 17

/* A stack that user space has not acknowledged is announced again, but not more often than this. */
#define ANNOUNCE_INTERVAL_NS 100000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct heap_object);
} live SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct heap_site);
} sites SEC(".maps");

/* A thread's first value: too large for the BPF stack. Never written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heap_thread);
} blank_thread SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heap_stats);
} stats SEC(".maps");

/* Written by user space: the stacks whose frames it has. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} acknowledged SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} records SEC(".maps");

__u64 provisional_ids = 0;

/* exec gives the process a new program: a new epoch, in which all older objects, sites and rules
 * count for nothing. Right after exec there is only one thread, so nobody else changes these. */
__u64 exec_id = 0;
__u64 epoch = 0;
/* Written by user space: the epoch that the rules in the map are of. */
__u64 rules_epoch = 0;

#define COUNT(field)                                                                               \
	do {                                                                                       \
		__u32 count_key = 0;                                                               \
		struct heap_stats *count_stats = bpf_map_lookup_elem(&stats, &count_key);          \
		if (count_stats)                                                                   \
			__sync_fetch_and_add(&count_stats->field, 1);                              \
	} while (0)

static __always_inline void notice_exec(void)
{
	__u64 now = current_exec_id();

	if (now == exec_id)
		return;
	if (exec_id)
		epoch++;
	exec_id = now;
}

static __always_inline void book_free(const struct heap_object *object)
{
	struct heap_site *site = bpf_map_lookup_elem(&sites, &object->stack_id);

	if (!site)
		return;
	__sync_fetch_and_add(&site->freed_bytes, object->size);
	__sync_fetch_and_add(&site->freed_objects, 1);
	COUNT(frees);
}

/* Takes an object out of the books' live part. The copy is made before the element is deleted, and
 * only the thread that deleted it owns the object. */
static __always_inline int take_object(__u64 address, struct heap_object *object)
{
	struct heap_object *found = bpf_map_lookup_elem(&live, &address);

	if (!found)
		return -1;
	*object = *found;
	return bpf_map_delete_elem(&live, &address) || object->epoch != epoch ? -1 : 0;
}

static __always_inline void copy_regs(struct copy_header *header, const struct pt_regs *regs)
{
	header->regs[0] = regs->rax;
	header->regs[1] = regs->rdx;
	header->regs[2] = regs->rcx;
	header->regs[3] = regs->rbx;
	header->regs[4] = regs->rsi;
	header->regs[5] = regs->rdi;
	header->regs[6] = regs->rbp;
	header->regs[7] = regs->rsp;
	header->regs[8] = regs->r8;
	header->regs[9] = regs->r9;
	header->regs[10] = regs->r10;
	header->regs[11] = regs->r11;
	header->regs[12] = regs->r12;
	header->regs[13] = regs->r13;
	header->regs[14] = regs->r14;
	header->regs[15] = regs->r15;
	header->regs[16] = regs->rip;
}

/* How deep the stack is: up to the thread's control block, which C libraries put at the stack's top,
 * or up to where exec put the main thread's. Any other stack: as much as can be copied. */
static __always_inline __u64 stack_depth(__u64 rsp)
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();
	__u64 depth = BPF_CORE_READ(task, thread.fsbase) - rsp;

	if (depth > STACK_COPY_MAX)
		depth = BPF_CORE_READ(task, mm, start_stack) - rsp;
	return depth > STACK_COPY_MAX ? STACK_COPY_MAX : depth;
}

/* Copies at most `limit` bytes, a constant, and returns how many could be read. */
static __always_inline __u32 copy_stack(__u8 *to, __u32 limit, __u64 from, __u64 depth)
{
	__u32 done = 0;

	if (depth > limit)
		depth = limit;
	if (!bpf_probe_read_user(to, depth, (const void *)from))
		return depth;
	/* The first piece is cut so that all later ones end at multiples of the chunk. */
	for (int i = 0; i < STACK_COPY_MAX / STACK_COPY_CHUNK; i++) {
		__u32 piece = STACK_COPY_CHUNK - ((from + done) & (STACK_COPY_CHUNK - 1));

		if (limit < STACK_COPY_CHUNK || done > limit - STACK_COPY_CHUNK || piece > STACK_COPY_CHUNK)
			break;
		if (bpf_probe_read_user(to + done, piece, (const void *)(from + done)))
			break;
		done += piece;
	}
	return done;
}

/* A reservation's size must be a constant: one function a size. 0 when there was no room. */
static __always_inline int send_copy_of(__u32 size, const struct pt_regs *regs, __u64 depth, __u64 id,
					__u64 missing)
{
	struct copy_header *header = bpf_ringbuf_reserve(&records, sizeof(*header) + size, 0);

	if (!header)
		return 0;
	header->kind = RECORD_COPY;
	header->stack_id = id;
	header->missing = missing;
	copy_regs(header, regs);
	header->stack_size = copy_stack((__u8 *)(header + 1), size, regs->rsp, depth);
	bpf_ringbuf_submit(header, 0);
	return 1;
}

/* Sends registers and stack under an id that only this allocation has. 0 when there was no room. */
static __always_inline __u64 send_copy(const struct pt_regs *regs, __u64 missing)
{
	__u64 id = STACK_ID_PROVISIONAL | __sync_fetch_and_add(&provisional_ids, 1);
	__u64 depth = stack_depth(regs->rsp);
	int sent;

	if (depth <= 512)
		sent = send_copy_of(512, regs, depth, id, missing);
	else if (depth <= 1024)
		sent = send_copy_of(1024, regs, depth, id, missing);
	else if (depth <= 2048)
		sent = send_copy_of(2048, regs, depth, id, missing);
	else if (depth <= 4096)
		sent = send_copy_of(4096, regs, depth, id, missing);
	else
		sent = send_copy_of(STACK_COPY_MAX, regs, depth, id, missing);
	if (!sent)
		return 0;
	COUNT(copies);
	return id;
}

static __always_inline struct heap_site *find_or_make_site(__u64 id)
{
	struct heap_site *site = bpf_map_lookup_elem(&sites, &id);

	if (!site) {
		struct heap_site blank = {.epoch = epoch};

		bpf_map_update_elem(&sites, &id, &blank, BPF_NOEXIST);
		site = bpf_map_lookup_elem(&sites, &id);
	}
	return site;
}

/* Sends the frames of a stack until user space says that it has them. */
static __always_inline void announce(struct heap_site *site, struct stack_record *record, __u64 now)
{
	__u32 frames = record->frame_count;

	if (site->acknowledged || (site->announced_ns && now - site->announced_ns < ANNOUNCE_INTERVAL_NS))
		return;
	if (bpf_map_lookup_elem(&acknowledged, &record->stack_id)) {
		site->acknowledged = 1;
		return;
	}
	if (frames > STACK_FRAMES_MAX)
		return;
	record->kind = RECORD_STACK;
	if (bpf_ringbuf_output(&records, record,
			       offsetof(struct stack_record, frames) + frames * sizeof(__u64), 0))
		COUNT(ringbuf_dropped);
	site->announced_ns = now;
}

/* The site of the stack that called the allocator, or NULL when the map is full. */
static __always_inline struct heap_site *current_site(struct heap_thread *thread,
						      const struct pt_regs *regs, __u64 now, __u64 *ret_id)
{
	struct unwind unwind = {
		.record = &thread->record,
		.lookup = regs->rip - 1,
		.called = 1,
		.rsp = regs->rsp,
		.rbp = regs->rbp,
	};
	struct heap_site *site;
	__u64 id = 0;
	int state = unwind_stack(&unwind);

	if (state < 0 || rules_epoch != epoch || !mappings_known()) {
		id = send_copy(regs, unwind.lookup);
		if (!id)
			COUNT(ringbuf_dropped);
	}
	/* The same addresses in another program are another stack. */
	if (epoch)
		thread->record.stack_id = stack_id_step(thread->record.stack_id, epoch) & STACK_ID_MASK;
	*ret_id = id ? id : thread->record.stack_id;
	site = find_or_make_site(*ret_id);
	if (site && !id)
		announce(site, &thread->record, now);
	return site;
}

static __always_inline void book_allocation(struct heap_thread *thread, const struct pt_regs *regs,
					    __u64 address)
{
	__u64 now = bpf_ktime_get_ns();
	struct heap_object object = {.size = thread->size, .birth_ns = now, .epoch = epoch};
	struct heap_object stale;
	struct heap_site *site = current_site(thread, regs, now, &object.stack_id);
	long err;

	if (!site) {
		COUNT(site_map_full);
		return;
	}
	err = bpf_map_update_elem(&live, &address, &object, BPF_NOEXIST);
	if (err == -EEXIST) {
		if (!take_object(address, &stale))
			book_free(&stale);
		COUNT(replaced);
		err = bpf_map_update_elem(&live, &address, &object, BPF_NOEXIST);
	}
	if (err) {
		COUNT(live_map_full);
		return;
	}
	__sync_fetch_and_add(&site->alloc_bytes, object.size);
	__sync_fetch_and_add(&site->alloc_objects, 1);
	COUNT(allocations);
}

static __always_inline void put_back(const struct heap_thread *thread)
{
	if (bpf_map_update_elem(&live, &thread->pointer, &thread->old, BPF_NOEXIST)) {
		COUNT(live_map_full);
		book_free(&thread->old);
	}
}

static __always_inline void read_arguments(struct heap_thread *thread, const struct pt_regs *regs, __u32 call)
{
	thread->pointer = 0;
	switch (call) {
	case HEAP_CALL_MALLOC:
		thread->size = regs->rdi;
		break;
	case HEAP_CALL_CALLOC:
		thread->size = regs->rdi * regs->rsi;
		break;
	case HEAP_CALL_REALLOC:
		thread->pointer = regs->rdi;
		thread->size = regs->rsi;
		break;
	case HEAP_CALL_REALLOCARRAY:
		thread->pointer = regs->rdi;
		thread->size = regs->rsi * regs->rdx;
		break;
	case HEAP_CALL_POSIX_MEMALIGN:
		thread->pointer = regs->rdi;
		thread->size = regs->rdx;
		break;
	default:
		thread->size = regs->rsi;
		break;
	}
}

static __always_inline bool is_realloc(__u32 call)
{
	return call == HEAP_CALL_REALLOC || call == HEAP_CALL_REALLOCARRAY;
}

static __always_inline struct heap_thread *find_or_make_thread(__u32 tid)
{
	struct heap_thread *thread = bpf_map_lookup_elem(&threads, &tid);
	struct heap_thread *blank;
	__u32 zero = 0;

	if (thread)
		return thread;
	blank = bpf_map_lookup_elem(&blank_thread, &zero);
	if (!blank)
		return NULL;
	bpf_map_update_elem(&threads, &tid, blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline int enter_allocation(const struct pt_regs *regs, __u64 cookie)
{
	__u32 tid = target_thread();
	struct heap_thread *thread;

	if (!tid)
		return 0;
	notice_exec();
	(void)mappings_known();
	thread = find_or_make_thread(tid);
	if (!thread) {
		COUNT(thread_map_full);
		return 0;
	}
	if (thread->entry_sp) {
		bool again = regs->rsp == thread->entry_sp && cookie == thread->cookie;

		if (regs->rsp <= thread->entry_sp && !again)
			return 0;
		COUNT(lost_returns);
		if (thread->has_old)
			book_free(&thread->old);
	}
	if (bpf_probe_read_user(&thread->return_address, sizeof(__u64), (const void *)regs->rsp))
		thread->return_address = 0;
	thread->entry_sp = thread->slot = regs->rsp;
	thread->cookie = cookie;
	read_arguments(thread, regs, cookie & 0xff);
	thread->has_old = 0;
	if (is_realloc(cookie & 0xff) && thread->pointer) {
		if (take_object(thread->pointer, &thread->old))
			COUNT(untracked_frees);
		else
			thread->has_old = 1;
	}
	return 0;
}

static __always_inline __u64 returned_address(const struct heap_thread *thread, const struct pt_regs *regs,
					      __u32 call)
{
	__u64 address = 0;

	if (call != HEAP_CALL_POSIX_MEMALIGN)
		return regs->rax;
	if ((__u32)regs->rax || bpf_probe_read_user(&address, sizeof(address), (const void *)thread->pointer))
		return 0;
	return address;
}

static __always_inline int leave_allocation(const struct pt_regs *regs, __u64 cookie)
{
	__u32 call = cookie & 0xff;
	__u32 tid = target_thread();
	struct heap_thread *thread;
	__u64 address;

	if (!tid)
		return 0;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread || regs->rsp != thread->entry_sp + 8 || cookie != thread->cookie)
		return 0;
	thread->entry_sp = 0;
	address = returned_address(thread, regs, call);
	if (address) {
		if (thread->has_old)
			book_free(&thread->old);
		book_allocation(thread, regs, address);
		return 0;
	}
	if (thread->has_old) {
		/* realloc(p, 0) frees and returns NULL; any other NULL leaves the old object alone. */
		if (thread->size)
			put_back(thread);
		else
			book_free(&thread->old);
	}
	COUNT(failed);
	return 0;
}

static __always_inline int enter_free(const struct pt_regs *regs)
{
	__u32 tid = target_thread();
	struct heap_thread *thread;
	struct heap_object object;
	__u64 address = regs->rdi;

	if (!tid || !address)
		return 0;
	notice_exec();
	(void)mappings_known();
	if (!take_object(address, &object)) {
		book_free(&object);
		return 0;
	}
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread || !thread->entry_sp)
		COUNT(untracked_frees);
	return 0;
}

SEC("uprobe")
int heap_enter(struct pt_regs *ctx)
{
	return enter_allocation(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uretprobe")
int heap_leave(struct pt_regs *ctx)
{
	return leave_allocation(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int heap_free(struct pt_regs *ctx)
{
	return enter_free(ctx);
}

char LICENSE[] SEC("license") = "GPL";
