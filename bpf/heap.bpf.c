// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes on the allocator's functions keep the books of the heap (books.bpf.h) in the kernel; the maps
 * are the truth, the ring buffer only announces stacks, so a slow reader cannot make the books wrong.
 * Every loss is counted in `stats`.
 *
 * What must hold:
 *  - an object enters `live` when its allocation returns and leaves when free() is entered. Any other
 *    order races with another thread that gets the same address. Its stack is walked at the entry, where
 *    no return probe has displaced the return address yet.
 *  - realloc takes the old object out at entry and keeps it for the return, which books it as freed
 *    or, if the call failed, puts it back.
 *  - calls nested in another allocator call of the same thread (reallocarray -> realloc -> malloc) are
 *    not booked; a nested call is one whose stack pointer is not above that of the call in flight. So
 *    a call which is not sampled is in flight too, where its function may call another one.
 *
 * A program whose return says SKIP_RETURN makes a session link leave the return unprobed. With other
 * links every return is probed, and every call is in flight, as its return address is displaced.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "arguments.bpf.h"
#include "books.bpf.h"
#include "copy.bpf.h"
#include "entry.bpf.h"
#include "hits.bpf.h"
#include "kernel_stack.bpf.h"
#include "mappings.bpf.h"
#include "sampling.bpf.h"
#include "target.bpf.h"
#include "unwind.bpf.h"

enum { SEE_RETURN = 0, SKIP_RETURN = 1 };

/* As asm-generic/mman-common.h has it. */
#define MAP_ANONYMOUS 0x20
#define PAGE_BYTES 4096

/* A stack that user space has not acknowledged is announced again, but not more often than this. */
#define ANNOUNCE_INTERVAL_NS 100000000ULL

const volatile bool session = false; /* the link is one */

/* Calls in flight. The key is the thread's id; user space removes the threads that have ended. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 15);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct heap_thread);
} threads SEC(".maps");

/* A thread's first value: too large for the BPF stack. Never written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heap_thread);
} blank_thread SEC(".maps");

/* Written by user space: the stacks whose frames it has. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} acknowledged SEC(".maps");

/* Written by user space: the epoch that the rules in the map are of. */
__u64 rules_epoch = 0;

/* The last tick of the kernel's clock that was noticed, and when that was. */
__u64 tick = 0;
__u64 tick_ns = 0;

/*
 * Written by user space. The probes of functions that only allocate may be in for a share of the time:
 * what is allocated counts while they are open, for what is not seen as well. A call of another opening
 * may have returned unseen.
 */
__u32 open = 0;
__u64 opening = 0;
__u64 extra = 0; /* as heap_interval() has it */

/* Written by user space: what is freed is seen. If not, allocations are only counted, and as the probes
 * of reallocations are then in for a share of the time, too, these count as allocations. */
__u32 follows = 0;

/* Written by user space: the threads that allocate are told apart. */
__u32 by_thread = 0;

/* A kernel that has not this function cannot be given the object that names it, whichever programs are
 * loaded: looking for it in the kernel's modules would need CAP_SYS_ADMIN. So there are two objects of
 * this source, alike but for this; heap_session is loaded from the one with sessions only. */
#ifdef WITH_SESSIONS
extern bool bpf_session_is_return(void) __ksym;
#else
static __always_inline bool bpf_session_is_return(void)
{
	return false;
}
#endif

/* Sends the frames of a stack until user space says that it has them. */
static __always_inline void announce(struct heap_site *site, struct stack_record *record, __u64 now)
{
	__u32 frames;
	long code;

	if (site->acknowledged || (site->announced_ns && now - site->announced_ns < ANNOUNCE_INTERVAL_NS))
		return;
	if (bpf_map_lookup_elem(&acknowledged, &record->stack_id)) {
		site->acknowledged = 1;
		return;
	}
	record->kind = RECORD_STACK;
	/* Read and used without a call between: the verifier of 6.1 forgets the limit of what it puts aside. */
	frames = *(const volatile __u32 *)&record->frame_count;
	if (frames > STACK_FRAMES_MAX)
		return;
	code = bpf_ringbuf_output(&records, record,
				  offsetof(struct stack_record, frames) + frames * sizeof(__u64), 0);
	COUNT(records);
	if (code)
		COUNT(ringbuf_dropped);
	site->announced_ns = now;
}

/* Not inlined: what is seldom done is to be apart from what each call does. */
static __attribute__((noinline)) __u64 walk_anew(struct heap_thread *thread, const struct pt_regs *regs,
						 bool known, __u64 generation)
{
	struct stack_memo *memo = &thread->memo;
	struct unwind unwind = {
		.record = &thread->record,
		.window = &thread->window,
		.memo = memo,
		.called = 1,
		.rsp = regs->rsp + 8,
		.rbp = regs->rbp,
	};
	__u64 id = 0, return_address = thread->return_address;
	int state;

	memo_begin(memo, regs->rsp, regs->rbp, return_address);
	returns_begin(&unwind.returns);
	/* A function whose return is probed has jumped here. */
	if (return_address == unwind.returns.trampoline)
		return_address = returns_take(&unwind.returns, regs->rsp);
	unwind.lookup = return_address - 1;
	state = unwind_stack(&unwind);
	memo->generation = generation;
	memo->epoch = epoch;
	/* A word that could not be read, or is not on the stack, is not among those that are compared. */
	if (state < 0 || state == STACK_BROKEN || !known || unwind.returns.met)
		memo->count = 0;
	if (state < 0 || !known)
		id = send_copy(regs, &unwind.returns, return_address, unwind.lookup);
	/* The same addresses in another program are another stack. */
	if (epoch)
		thread->record.stack_id = stack_id_step(thread->record.stack_id, epoch) & STACK_ID_MASK;
	return id ? id : thread->record.stack_id;
}

/* The id of the stack that calls the allocator, at whose entry the return address is still in place.
 * `known`: all mappings are. */
static __always_inline __u64 walk_stack(struct heap_thread *thread, const struct pt_regs *regs, bool known)
{
	struct stack_memo *memo = &thread->memo;
	__u64 generation = rule_generation();

	known = known && rules_epoch == epoch;
	if (known && memo->generation == generation && memo->epoch == epoch &&
	    memo_holds(memo, &thread->window, regs->rsp, regs->rbp, thread->return_address))
		return thread->record.stack_id;
	return walk_anew(thread, regs, known, generation);
}

/* CLOCK_MONOTONIC at the begin of the tick: reading the clock each time costs three times as much. */
static __always_inline __u64 coarse_ns(void)
{
	__u64 now = bpf_jiffies64();

	if (now != tick) {
		tick_ns = bpf_ktime_get_ns();
		tick = now;
	}
	return tick_ns;
}

static __always_inline void book_returned(struct heap_thread *thread, __u64 address, __u32 tid)
{
	const struct stack_key of = {thread->stack_id, by_thread ? tid : 0};
	struct heap_object object = {
		.size = thread->size,
		.site_id = heap_site_id(&of),
		.birth_ns = coarse_ns(),
		.epoch = epoch,
		.interval = thread->interval,
	};
	struct heap_site *site = find_or_make_site(object.site_id, of.stack_id, of.thread);

	if (!site) {
		COUNT(site_map_full);
		return;
	}
	if (!(of.stack_id & STACK_ID_PROVISIONAL))
		announce(site, &thread->record, object.birth_ns);
	if (follows)
		thread->allocated += book_allocation(site, address, &object);
	else
		thread->allocated += book_passing(site, &object);
}

static __always_inline __u32 thread_of_target(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	return target_thread((__u32)task->tgid, (__u32)task->pid);
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

static __always_inline bool is_realloc(__u64 cookie)
{
	return heap_call_reallocates(heap_cookie_call(cookie));
}

/* Its probe is never taken out on its own. */
static __always_inline bool is_always_seen(__u64 cookie)
{
	return follows && is_realloc(cookie);
}

/* Whether a call that is not sampled can be left alone from here on. */
static __always_inline bool can_skip(__u64 cookie, __u64 pointer)
{
	if (!session || heap_cookie_flags(cookie) & HEAP_COOKIE_NESTS)
		return false;
	return !is_realloc(cookie) || !bpf_map_lookup_elem(&live, &pointer);
}

/* Another call of this thread has not returned: nested in it, unless that one was left by a jump. */
static __always_inline bool is_nested(const struct heap_thread *thread, const struct pt_regs *regs, __u64 cookie)
{
	bool again = regs->rsp == thread->entry_sp && cookie == thread->cookie;

	return regs->rsp <= thread->entry_sp && !again;
}

static __always_inline void begin_call(struct heap_thread *thread, const struct pt_regs *regs, __u64 cookie,
				       struct probe_entry *entry)
{
	if (thread->entry_sp) {
		COUNT(lost_returns);
		if (thread->has_old)
			book_free(&thread->old);
	}
	window_fill(&thread->window, regs->rsp, memo_window_bytes(&thread->memo, regs->rsp));
	if (window_take(&thread->window, &thread->return_address, regs->rsp) &&
	    window_read(&thread->window, &thread->return_address, regs->rsp, regs->rsp))
		thread->return_address = 0;
	if (entry)
		entry->return_address = thread->return_address;
	thread->entry_sp = regs->rsp;
	thread->cookie = cookie;
	thread->has_old = 0;
	if (!is_realloc(cookie) || !thread->pointer)
		return;
	if (!take_object(thread->pointer, &thread->old))
		thread->has_old = 1;
	else if (follows && !thread->interval)
		COUNT(untracked_frees);
}

/* Of a call that there is no room to remember: nobody will see whether it moves the object. Nearly all
 * do or leave it where it is, at another size; one that fails makes an object unknown that lives on. */
static __always_inline void let_go(__u64 cookie, __u64 pointer)
{
	struct heap_object object;

	if (is_realloc(cookie) && pointer && !take_object(pointer, &object))
		book_free(&object);
}

/* Whether it has executed another program, or changed its mappings. True: all mappings are known. */
static __always_inline bool look_at_task(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct mm_struct *mm = task->mm;

	notice_exec(task->self_exec_id);
	return mappings_known(mm ? mm->exec_vm : 0);
}

static __always_inline int enter_allocation(const struct pt_regs *regs, __u64 cookie, bool timed,
					    struct probe_entry *entry)
{
	__u64 size, pointer, at_interval;
	struct heap_thread *thread;
	bool sampled, known;
	__u32 tid;

	if (!open && !is_always_seen(cookie))
		return SKIP_RETURN;
	size = size_argument(regs, cookie);
	pointer = pointer_argument(regs, cookie);
	if (heap_cookie_call(cookie) == HEAP_CALL_MAP &&
	    !(read_register(regs, cookie >> 12) & MAP_ANONYMOUS))
		return SKIP_RETURN;
	sampled = sampling_takes(size, &at_interval);
	if (!sampled && can_skip(cookie, pointer))
		return SKIP_RETURN;
	tid = thread_of_target();
	if (!tid)
		return SKIP_RETURN;
	known = look_at_task();
	thread = find_or_make_thread(tid);
	if (!thread) {
		COUNT(thread_map_full);
		let_go(cookie, pointer);
		return SKIP_RETURN;
	}
	if (thread->opening != opening && !is_always_seen(thread->cookie))
		thread->entry_sp = 0;
	if (thread->entry_sp && is_nested(thread, regs, cookie))
		return SKIP_RETURN;
	thread->opening = opening;
	thread->size = size;
	thread->pointer = pointer;
	thread->interval = is_always_seen(cookie) ? at_interval : heap_interval(at_interval, extra);
	thread->sampled = sampled;
	thread->timed = timed;
	begin_call(thread, regs, cookie, entry);
	if (sampled)
		thread->stack_id = walk_stack(thread, regs, known);
	return SEE_RETURN;
}

static __always_inline __u64 returned_address(const struct heap_thread *thread, const struct pt_regs *regs)
{
	__u32 call = heap_cookie_call(thread->cookie);
	__u64 address = 0;

	if (call == HEAP_CALL_MAP || call == HEAP_CALL_REMAP)
		return regs->rax + 1 ? regs->rax : 0;
	if (call == HEAP_CALL_RESIZE)
		return regs->rax >= thread->size ? thread->pointer : 0;
	if (call != HEAP_CALL_ALLOC_OUT)
		return regs->rax;
	if ((__u32)regs->rax || bpf_probe_read_user(&address, sizeof(address), (const void *)thread->pointer))
		return 0;
	return address;
}

static __always_inline void book_return(struct heap_thread *thread, const struct pt_regs *regs, __u32 tid)
{
	__u64 address = returned_address(thread, regs);

	if (address) {
		if (thread->has_old)
			book_free(&thread->old);
		if (thread->sampled)
			book_returned(thread, address, tid);
		return;
	}
	if (thread->has_old) {
		/* realloc(p, 0) frees and returns NULL; any other NULL leaves the old object alone. */
		if (thread->size)
			put_back(thread->pointer, &thread->old);
		else
			book_free(&thread->old);
	}
	/* There an object that cannot grow where it is is no failure. */
	if (heap_cookie_call(thread->cookie) != HEAP_CALL_RESIZE)
		COUNT(failed);
}

static __always_inline int leave_allocation(const struct pt_regs *regs, __u64 cookie)
{
	__u32 tid = thread_of_target();
	struct heap_thread *thread;
	__u64 start_ns;

	if (!tid)
		return 0;
	thread = bpf_map_lookup_elem(&threads, &tid);
	/* With a session a nested call, which may have been jumped to, has no return that is seen. */
	if (!thread || regs->rsp != thread->entry_sp + 8 || (!session && cookie != thread->cookie))
		return 0;
	thread->entry_sp = 0;
	start_ns = thread->timed ? bpf_ktime_get_ns() : 0;
	book_return(thread, regs, tid);
	if (thread->timed)
		time_return(thread->cookie, start_ns);
	return 0;
}

/* A free of an object that is not in the books: from before, or the inner one of two nested calls. */
static __always_inline void count_untracked(__u64 address)
{
	__u32 tid = thread_of_target();
	struct heap_thread *thread;

	if (!tid)
		return;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (thread && (thread->entry_sp || thread->freeing == address))
		thread->freeing = 0;
	else
		COUNT(untracked_frees);
}

/* True: it was in the books. */
static __always_inline bool enter_free(const struct pt_regs *regs, __u64 cookie)
{
	__u64 address;
	const struct heap_object *found;
	struct heap_thread *thread;
	struct heap_object object;
	__u32 tid;

	address = pointer_argument(regs, cookie);
	if (!address)
		return false;
	found = bpf_map_lookup_elem(&live, &address);
	if (!found) {
		if (!interval)
			count_untracked(address);
		return false;
	}
	tid = thread_of_target();
	if (!tid)
		return false;
	(void)look_at_task();
	if (take_found(address, found, &object))
		return false;
	book_free(&object);
	if (heap_cookie_flags(cookie) & HEAP_COOKIE_NESTS) {
		thread = find_or_make_thread(tid);
		if (thread)
			thread->freeing = address;
	}
	return true;
}

/* munmap() of a part: what is behind it stays, as an object of the same stack and age. */
static __always_inline bool enter_unmap(const struct pt_regs *regs, __u64 cookie)
{
	struct heap_object object;
	struct heap_site *site;
	__u64 address, bytes;

	address = pointer_argument(regs, cookie);
	bytes = size_argument(regs, cookie);
	bytes = (bytes + PAGE_BYTES - 1) & -(__u64)PAGE_BYTES;
	if (!bpf_map_lookup_elem(&live, &address) || !thread_of_target() ||
	    take_object(address, &object))
		return false;
	book_free(&object);
	site = bpf_map_lookup_elem(&sites, &object.site_id);
	if (bytes < object.size && site) {
		object.size -= bytes;
		(void)book_allocation(site, address + bytes, &object);
	}
	return true;
}

/* An allocation's entry, with its time if it is taken. */
static __always_inline int begin_allocation(const struct pt_regs *regs, __u64 cookie)
{
	struct heap_hits *hits = hits_of(cookie);
	__u64 start_ns = begin_hit(hits);
	struct probe_entry *entry = note_entry(regs);
	int what = enter_allocation(regs, cookie, start_ns, entry);
	end_entry(hits, what == SEE_RETURN, start_ns);
	return what;
}

NO_PROGRAMS(after_session);
NO_PROGRAMS(after_enter);
NO_PROGRAMS(after_leave);
NO_PROGRAMS(after_free);

SEC("uprobe")
int heap_session(struct pt_regs *ctx)
{
	stay_on_kernel_stack(ctx, &after_session);
	if (bpf_session_is_return())
		return leave_allocation(ctx, 0);
	return begin_allocation(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int heap_enter(struct pt_regs *ctx)
{
	stay_on_kernel_stack(ctx, &after_enter);
	(void)begin_allocation(ctx, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("uretprobe")
int heap_leave(struct pt_regs *ctx)
{
	stay_on_kernel_stack(ctx, &after_leave);
	return leave_allocation(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int heap_free(struct pt_regs *ctx)
{
	struct heap_hits *hits;
	__u64 cookie, start_ns;
	bool booked;

	stay_on_kernel_stack(ctx, &after_free);
	cookie = bpf_get_attach_cookie(ctx);
	hits = hits_of(cookie);
	start_ns = begin_hit(hits);
	(void)note_entry(ctx);
	booked = heap_cookie_call(cookie) == HEAP_CALL_UNMAP ? enter_unmap(ctx, cookie)
							      : enter_free(ctx, cookie);
	end_entry(hits, booked, start_ns);
	return 0;
}

/*
 * Not attached: user space runs it with four arguments, an address, a provisional id, and the stack and the
 * thread of the site that this stands for. 1: the object at the address had the one and now is of the other.
 * No other object ever has a provisional id, so the exchange can only meet the one it is meant for,
 * whatever is freed and allocated meanwhile.
 */
SEC("raw_tp")
int heap_settle(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 address = ctx->args[0], provisional = ctx->args[1], id;
	const struct stack_key of = {ctx->args[2], ctx->args[3]};
	struct heap_object *object = bpf_map_lookup_elem(&live, &address);

	if (!object || object->site_id != provisional)
		return 0;
	/* What an object refers to has to be there when it is freed. */
	id = heap_site_id(&of);
	if (!find_or_make_site(id, of.stack_id, of.thread))
		return 0;
	return __sync_val_compare_and_swap(&object->site_id, provisional, id) == provisional;
}

char LICENSE[] SEC("license") = "GPL";
