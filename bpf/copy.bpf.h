/*
 * Registers and stack of an allocation, for user space to unwind: where a rule is missing.
 */
#ifndef RSP_COPY_BPF_H
#define RSP_COPY_BPF_H

#include "books.bpf.h"
#include "returns.bpf.h"

/* With a quarter of the ring filled; eight times as many bytes with each other one. */
#define YIELD_INTERVAL 65536ULL

__u64 provisional_ids = 0;

/* Written by user space: whether the programs may raise the interval. */
__u32 yields = 0;

/* As they are in the caller, when the function has returned. */
static __always_inline void copy_regs(struct copy_header *header, const struct pt_regs *regs,
				      __u64 return_address)
{
	header->regs[0] = regs->rax;
	header->regs[1] = regs->rdx;
	header->regs[2] = regs->rcx;
	header->regs[3] = regs->rbx;
	header->regs[4] = regs->rsi;
	header->regs[5] = regs->rdi;
	header->regs[6] = regs->rbp;
	header->regs[7] = regs->rsp + 8;
	header->regs[8] = regs->r8;
	header->regs[9] = regs->r9;
	header->regs[10] = regs->r10;
	header->regs[11] = regs->r11;
	header->regs[12] = regs->r12;
	header->regs[13] = regs->r13;
	header->regs[14] = regs->r14;
	header->regs[15] = regs->r15;
	header->regs[16] = return_address;
}

/* How deep the stack is: up to the thread's control block, which C libraries put at the stack's top,
 * or up to where exec put the main thread's. Any other stack: as much as can be copied. */
static __always_inline __u64 stack_depth(__u64 rsp)
{
	const struct task_struct *task = current_task();
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

struct copy_returns {
	__u64 next; /* instance */
	__u64 trampoline;
	__u8 *copy;
	__u64 from;
	__u32 size; /* a constant */
};

/* Callback of bpf_loop(). */
static long put_back_return(__u32 index, void *context)
{
	struct copy_returns *of = context;
	struct displaced_return found = {};
	__u64 at;

	(void)index;
	if (!returns_next(&of->next, &found))
		return 1;
	at = found.slot - of->from;
	if (at <= of->size - sizeof(__u64) && *(__u64 *)(of->copy + at) == of->trampoline)
		*(__u64 *)(of->copy + at) = found.return_address;
	return 0;
}

/* Puts the return addresses that are not on the stack into its copy. */
static __always_inline void put_back_returns(const struct returns *returns, __u8 *copy, __u32 size, __u64 from)
{
	struct copy_returns of = {
		.next = returns->first, .trampoline = returns->trampoline, .copy = copy, .from = from, .size = size};

	if (of.next)
		bpf_loop(RETURNS_MAX, put_back_return, &of, 0);
}

/* Where copies come faster than user space reads them fewer allocations are to be sampled, rather than
 * their stacks lost. What was sampled has its weight, and what becomes of the next allocation depends on
 * nothing in it: no sum becomes biased. */
static __always_inline void yield_to_reader(void)
{
	__u64 size = bpf_ringbuf_query(&records, BPF_RB_RING_SIZE);
	__u64 quarters = size ? 4 * bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) / size : 0;
	__u64 least = YIELD_INTERVAL << 3 * ((quarters - 1) & 3);

	if (yields && quarters && interval < least)
		interval = least;
}

/* A reservation's size must be a constant: one function a size. 0 when there was no room. */
static __always_inline int send_copy_of(__u32 size, const struct pt_regs *regs, const struct returns *returns,
					__u64 return_address, __u64 depth, __u64 id, __u64 missing)
{
	struct copy_header *header = bpf_ringbuf_reserve(&records, sizeof(*header) + size, 0);

	COUNT(records);
	if (!header) {
		COUNT(ringbuf_dropped);
		return 0;
	}
	header->kind = RECORD_COPY;
	header->stack_id = id;
	header->missing = missing;
	copy_regs(header, regs, return_address);
	header->stack_size = copy_stack((__u8 *)(header + 1), size, regs->rsp + 8, depth);
	put_back_returns(returns, (__u8 *)(header + 1), size, regs->rsp + 8);
	bpf_ringbuf_submit(header, 0);
	return 1;
}

/* Sends registers and stack under an id that only this allocation has. 0 when there was no room. */
static __always_inline __u64 send_copy(const struct pt_regs *regs, const struct returns *returns,
				       __u64 return_address, __u64 missing)
{
	__u64 id = STACK_ID_PROVISIONAL | __sync_fetch_and_add(&provisional_ids, 1);
	__u64 depth = stack_depth(regs->rsp + 8);
	int sent;

	if (depth <= 512)
		sent = send_copy_of(512, regs, returns, return_address, depth, id, missing);
	else if (depth <= 1024)
		sent = send_copy_of(1024, regs, returns, return_address, depth, id, missing);
	else if (depth <= 2048)
		sent = send_copy_of(2048, regs, returns, return_address, depth, id, missing);
	else if (depth <= 4096)
		sent = send_copy_of(4096, regs, returns, return_address, depth, id, missing);
	else
		sent = send_copy_of(STACK_COPY_MAX, regs, returns, return_address, depth, id, missing);
	if (!sent)
		return 0;
	COUNT(copies);
	yield_to_reader();
	return id;
}

#endif
