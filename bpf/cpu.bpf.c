// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPU samples counted by stack in the kernel. At each sample of a perf event the user stack is walked
 * by the rules learnt so far. If that reaches an end, the stack's count goes up and the kernel writes
 * no record; if not, the program returns 1, and the kernel copies registers and stack into the perf
 * ring, where user space unwinds them and learns. So no sample depends on a rule being there.
 *
 * The counts are in two maps, of which one is in use. User space switches to the other when the first
 * has become full, and empties that when no program can be in it any more: nothing is lost between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"
#include "interrupted.bpf.h"
#include "mappings.bpf.h"
#include "returns.bpf.h"
#include "target.bpf.h"
#include "unwind.bpf.h"

/* perf's call chains have markers among the addresses, from here up (PERF_CONTEXT_MAX). */
#define FIRST_MARKER ((__u64)-4095)
/* Each refresh reads what is there. Between two, a record wakes user space at most so often, or when
 * there is so much. */
#define WAKE_INTERVAL_NS 1000000000ULL
#define WAKE_BYTES (128 << 10)

const volatile bool check = false; /* take both ways, and say what this one made of each sample */

/* Which slot each stack is counted in. */
struct count_index {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct stack_key);
	__type(value, __u32);
} index_even SEC(".maps"), index_odd SEC(".maps");

/* Read by user space without a call. */
struct count_slots {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 14);
	__type(key, __u32);
	__type(value, struct stack_count);
} counts_even SEC(".maps"), counts_odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, __u32);
	__type(value, struct thread_count);
} thread_counts SEC(".maps");

struct cpu_room {
	struct stack_record record;
	struct returns_record returns;
	struct stack_window window;
};

/* The room in which a stack is unwound. Samples come by interrupts that do not nest. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_room);
} scratch SEC(".maps");

/* By CPU: user space gives it the size, and reads it in its own memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

/* Written by user space. */
__u32 started = 0;
__u32 weight = 1; /* how often each sample counts */
__u32 by_thread = 0; /* those of one stack are counted for each thread by itself */
__u32 generation = 0; /* even or odd: which counts are in use */
__u64 used_even = 0; /* slots; more than there are where stacks found none */
__u64 used_odd = 0;
/* Which program of the process the last sample was of, and the rules in the map are of. The second is
 * written by user space, but for the first time. */
__u64 exec_id = 0;
__u64 rules_exec_id = 0;

__u64 woken_ns = 0;

static __always_inline void send(struct cpu_stats *stat, void *record, __u64 size, __u64 now)
{
	bool wake = now - woken_ns > WAKE_INTERVAL_NS ||
		    bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > WAKE_BYTES;

	stat->records++;
	if (bpf_ringbuf_output(&records, record, size, wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP))
		stat->ringbuf_dropped++;
	if (wake)
		woken_ns = now;
}

struct kernel_walk {
	struct stack_record *record;
	__u32 count;
	__u64 id;
};

/* Callback of bpf_loop(): takes one entry of the call chain, unless it is a marker. */
static long take_kernel_frame(__u32 index, void *context)
{
	struct kernel_walk *walk = context;
	__u64 address = walk->record->kernel[index & (STACK_KERNEL_MAX - 1)];

	if (address >= FIRST_MARKER || walk->count == STACK_KERNEL_MAX - 1)
		return 0;
	if (walk->count > 0)
		address--;
	walk->record->kernel[walk->count & (STACK_KERNEL_MAX - 1)] = address;
	walk->count++;
	walk->id = stack_id_step(walk->id, address);
	return 0;
}

/* The kernel's frames, if it was interrupted in there; their part of the stack's id. */
static __always_inline __u64 kernel_frames(struct bpf_perf_event_data *ctx, struct stack_record *record)
{
	struct kernel_walk walk = {.record = record};
	long size = bpf_get_stack(ctx, record->kernel, sizeof(record->kernel), 0);

	if (size > 0)
		bpf_loop((__u32)size / sizeof(__u64), take_kernel_frame, &walk, 0);
	record->kernel_count = walk.count;
	return walk.id;
}

/* The slot of a stack; NULL: there is no room. */
static __always_inline struct stack_count *slot_of(const struct stack_key *key)
{
	bool odd = generation & 1;
	void *index = odd ? (void *)&index_odd : (void *)&index_even;
	void *counts = odd ? (void *)&counts_odd : (void *)&counts_even;
	const __u32 *found = bpf_map_lookup_elem(index, key);
	struct stack_count *count;
	__u32 slot;

	if (found) {
		slot = *found;
		return bpf_map_lookup_elem(counts, &slot);
	}
	slot = (__u32)__sync_fetch_and_add(odd ? &used_odd : &used_even, 1);
	count = bpf_map_lookup_elem(counts, &slot);
	if (!count)
		return NULL;
	count->key = *key;
	if (!bpf_map_update_elem(index, key, &slot, BPF_NOEXIST))
		return count;
	/* Another CPU was first with the same stack. This slot stays without samples. */
	found = bpf_map_lookup_elem(index, key);
	if (!found)
		return NULL;
	slot = *found;
	return bpf_map_lookup_elem(counts, &slot);
}

static __always_inline bool count(struct cpu_stats *stat, struct stack_record *record, __u32 tid, __u64 now)
{
	const struct stack_key key = {.stack_id = record->stack_id, .thread = by_thread ? tid : 0};
	struct stack_count *found = slot_of(&key);

	if (!found)
		return false;
	__sync_fetch_and_add(&found->samples, weight);
	if (!found->sent) {
		__u64 dropped = stat->ringbuf_dropped;
		__u32 frames = record->frame_count;

		if (frames > STACK_FRAMES_MAX)
			return true;
		record->kind = RECORD_STACK;
		send(stat, record,
		     record->kernel_count ? sizeof(*record)
					  : offsetof(struct stack_record, frames) + frames * sizeof(__u64),
		     now);
		found->sent = stat->ringbuf_dropped == dropped;
	}
	return true;
}

/* A sample of the thread, which is on this CPU and so on no other. */
static __always_inline struct thread_count *count_thread(struct cpu_stats *stat, __u32 tid)
{
	static const struct thread_count none;
	struct thread_count *found = bpf_map_lookup_elem(&thread_counts, &tid);

	if (!found) {
		bpf_map_update_elem(&thread_counts, &tid, &none, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&thread_counts, &tid);
	}
	if (found)
		found->samples += weight;
	else
		stat->threads_full++;
	return found;
}

/* Where the walk begins, which is kept for a copy, too. */
static __always_inline void begin_walk(struct interrupted *at, struct unwind *unwind, struct returns_record *record,
				       __u32 tid, __u64 now)
{
	record->time_ns = now;
	returns_begin(&unwind->returns);
	record->kind = RECORD_RETURNS;
	record->tid = tid;
	record->sample_rip = at->rip;
	record->sample_rsp = at->rsp;
	(void)leave_probes(at, &unwind->returns);
	record->rip = at->rip;
	record->rsp = unwind->rsp = at->rsp;
	record->is_return = unwind->called = at->is_return;
	record->trampoline = unwind->returns.trampoline;
	unwind->lookup = at->rip - at->is_return;
	unwind->rbp = at->rbp;
}

/* User space must unwind this sample: it is told what it cannot see, if there is anything. */
static __always_inline int leave_to_copy(struct cpu_stats *stat, struct returns_record *record,
					 struct returns *returns)
{
	bool moved = record->rip != record->sample_rip || record->rsp != record->sample_rsp;
	__u32 count;

	(void)returns_collect(record, returns);
	count = record->count;
	if ((!count && !moved) || count > RETURNS_MAX)
		return 1;
	send(stat, record, offsetof(struct returns_record, returns) + count * sizeof(record->returns[0]),
	     record->time_ns);
	return 1;
}

static __always_inline int leave_to_check(struct cpu_stats *stat, struct cpu_room *room, struct returns *returns)
{
	struct check_record said = {
		.kind = RECORD_CHECK,
		.tid = room->returns.tid,
		.sample_rip = room->returns.sample_rip,
		.sample_rsp = room->returns.sample_rsp,
		.stack_id = room->record.stack_id,
	};

	said.time_ns = room->returns.time_ns;
	send(stat, &said, sizeof(said), said.time_ns);
	return leave_to_copy(stat, &room->returns, returns);
}

static __always_inline int take_sample(struct bpf_perf_event_data *ctx, struct cpu_stats *stat, __u32 tid, __u64 now)
{
	__u64 start_ns, end_ns;
	__u32 zero = 0;
	const struct task_struct *task = current_task();
	struct cpu_room *room = bpf_map_lookup_elem(&scratch, &zero);
	struct thread_count *of_thread;
	struct stack_record *record;
	struct interrupted at = {};
	struct unwind unwind = {};
	struct returns returns;
	bool counted = false;
	int state;

	if (!room)
		return 0;
	record = unwind.record = &room->record;
	unwind.window = &room->window;
	room->window.size = 0;
	stat->samples++;
	of_thread = count_thread(stat, tid);
	exec_id = exec_id_of(BPF_CORE_READ(task, self_exec_id));
	if (!rules_exec_id)
		rules_exec_id = exec_id;
	if (!user_registers(ctx, &at)) {
		stat->missing_rules++;
		return 1;
	}
	begin_walk(&at, &unwind, &room->returns, tid, now);
	returns = unwind.returns;
	if (exec_id != rules_exec_id || !mappings_known(BPF_CORE_READ(task, mm, exec_vm))) {
		stat->missing_rules++;
		return leave_to_copy(stat, &room->returns, &returns);
	}
	record->kernel_count = 0;
	if (!(ctx->regs.cs & 3))
		unwind.id = kernel_frames(ctx, record);
	start_ns = bpf_ktime_get_ns();
	state = unwind_stack(&unwind);
	end_ns = bpf_ktime_get_ns();
	if (state == UNWIND_MISSING)
		stat->missing_rules++;
	else if (state == UNWIND_SPECIAL)
		stat->special_frames++;
	else if (count(stat, record, tid, end_ns))
		counted = true;
	else
		stat->counts_full++;
	if (!counted)
		return leave_to_copy(stat, &room->returns, &returns);
	stat->counted++;
	if (of_thread)
		of_thread->stacks[of_thread->walked++ & (THREAD_STACKS - 1)] = record->stack_id;
	stat->frames += record->frame_count;
	stat->walk_ns += end_ns - start_ns;
	return check ? leave_to_check(stat, room, &returns) : 0;
}

static __always_inline __u32 thread_of_target(void)
{
	__u64 ids = bpf_get_current_pid_tgid();

	return target_thread(ids >> 32, (__u32)ids);
}

static __always_inline struct cpu_stats *stats_of_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&stats, &cpu);
}

SEC("perf_event")
int cpu_sample(struct bpf_perf_event_data *ctx)
{
	__u64 start_ns = bpf_ktime_get_ns();
	__u32 tid = thread_of_target();
	struct cpu_stats *stat = stats_of_cpu();
	int what;

	if (!started || !tid || !stat)
		return 0;
	what = take_sample(ctx, stat, tid, start_ns);
	stat->run_ns += bpf_ktime_get_ns() - start_ns;
	return what;
}

/*
 * What is always copied: a page fault, and a call that maps memory, of this thread. In the moment that this
 * takes no other sample has its program run on the CPU, and the kernel drops one that would.
 */
static __always_inline int leave_all_to_copy(struct interrupted *at, __u32 tid)
{
	__u32 zero = 0;
	struct cpu_stats *stat = stats_of_cpu();
	struct cpu_room *room = bpf_map_lookup_elem(&scratch, &zero);
	struct unwind unwind = {};

	if (!started || !stat || !room)
		return 1;
	begin_walk(at, &unwind, &room->returns, tid, bpf_ktime_get_ns());
	return leave_to_copy(stat, &room->returns, &unwind.returns);
}

SEC("perf_event")
int growth_sample(struct bpf_perf_event_data *ctx)
{
	struct interrupted at = {};
	__u32 tid = thread_of_target();

	return tid && user_registers(ctx, &at) ? leave_all_to_copy(&at, tid) : 1;
}

/* Runs for every process, and 0 would take the event from all who trace it. */
SEC("tracepoint")
int mapping_returned(void *ctx)
{
	struct interrupted at = {};
	__u32 tid = thread_of_target();

	(void)ctx;
	return tid && saved_registers(&at) ? leave_all_to_copy(&at, tid) : 1;
}

char LICENSE[] SEC("license") = "GPL";
