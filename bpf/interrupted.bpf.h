/*
 * Where a CPU sample has interrupted the target: where the thread would be if no function was probed,
 * and not where the kernel has led it to, or is about to.
 */
#ifndef RSP_INTERRUPTED_BPF_H
#define RSP_INTERRUPTED_BPF_H

#include "abi.h"
#include "entry.bpf.h"
#include "returns.bpf.h"
#include "target.bpf.h"

/* Slots of the "[uprobes]" page (UPROBE_XOL_SLOT_BYTES), the first of which has the trampoline. And what
 * that may have pushed: rax, rcx and r11. */
enum { UPROBES_PAGE_BYTES = 4096, UPROBES_SLOT_BYTES = 128, TRAMPOLINE_PUSHES_BYTES = 24 };
/* The instruction that a probe is made of. */
enum { BREAKPOINT = 0xcc };
/* orig_rax of an exception without an error code, as a breakpoint's. */
#define NO_ERROR_CODE ((__u64)-1)

struct interrupted {
	__u64 rip;
	__u64 rsp;
	__u64 rbp;
	__u64 orig_rax;	 /* 0: not in the kernel */
	__u32 is_return; /* rip is a return address */
};

/* The user's registers, as they were saved on the way into the kernel. */
static __always_inline bool saved_registers(struct interrupted *at)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs;

	if (!BPF_CORE_READ(task, mm))
		return false;
	regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	return !bpf_probe_read_kernel(&at->rip, sizeof(__u64), &regs->rip) &&
	       !bpf_probe_read_kernel(&at->rsp, sizeof(__u64), &regs->rsp) &&
	       !bpf_probe_read_kernel(&at->rbp, sizeof(__u64), &regs->rbp) &&
	       !bpf_probe_read_kernel(&at->orig_rax, sizeof(__u64), &regs->orig_rax);
}

/* The user's registers, which are the interrupted ones or were saved before. */
static __always_inline bool user_registers(struct bpf_perf_event_data *ctx, struct interrupted *at)
{
	if (!(ctx->regs.cs & 3))
		return saved_registers(at);
	at->rip = ctx->regs.rip;
	at->rsp = ctx->regs.rsp;
	at->rbp = ctx->regs.rbp;
	return true;
}

/* Whether the push that a function begins with has been emulated. */
static __always_inline bool has_pushed(const struct interrupted *at, const struct returns *returns)
{
	const struct probe_entry *entry = find_entry();
	struct displaced_return called = {};
	__u64 first = returns->next;

	return (entry && at->rsp + sizeof(__u64) == entry->rsp) ||
	       (returns_next(&first, &called) && at->rsp + sizeof(__u64) == called.slot);
}

/*
 * While the kernel handles a breakpoint, rip is behind that at first, as the processor has left it, and
 * then at it. Last the instruction that is probed is emulated; a push moves rsp before rip.
 */
static __always_inline bool leave_breakpoint(struct interrupted *at, const struct returns *returns)
{
	bool is_at, is_behind, pushed = has_pushed(at, returns);
	__u8 code[2];

	if (bpf_probe_read_user(code, sizeof(code), (const void *)(at->rip - 1)))
		return false;
	is_at = code[1] == BREAKPOINT;
	is_behind = code[0] == BREAKPOINT && !is_at;
	if (is_at && pushed)
		at->rsp += sizeof(__u64);
	else if (is_behind && !pushed)
		at->rip--;
	else
		return false;
	return true;
}

/* Whether the trampoline may have been led to from there. */
static __always_inline bool has_returned(const struct interrupted *at, const struct displaced_return *from)
{
	return from->slot && from->slot + sizeof(__u64) - at->rsp <= TRAMPOLINE_PUSHES_BYTES;
}

/* The call that was taken off the list last; the kernel keeps it for the next one (Linux 6.13). */
static __always_inline bool last_returned(struct displaced_return *found)
{
	const struct uprobe_task *utask = BPF_CORE_READ(current_task(), utask);
	__u64 first;

	if (!utask || !bpf_core_field_exists(utask->ri_pool))
		return false;
	first = (__u64)BPF_CORE_READ(utask, ri_pool);
	return returns_next(&first, found);
}

/* To the caller, from the trampoline. False: its return address is on the stack. */
static __always_inline bool leave_trampoline(struct interrupted *at, struct returns *returns)
{
	struct displaced_return found = {};
	__u64 next = returns->next;

	if (returns_next(&next, &found) && has_returned(at, &found))
		returns->next = next;
	else if (!last_returned(&found) || !has_returned(at, &found))
		return false;
	at->rip = found.return_address;
	at->rsp = found.slot + sizeof(__u64);
	at->is_return = 1;
	return true;
}

/* To the instruction from whose copy the thread executes. */
static __always_inline bool leave_slot(struct interrupted *at)
{
	const struct uprobe_task *utask = BPF_CORE_READ(current_task(), utask);
	__u64 offset = utask ? at->rip - BPF_CORE_READ(utask, xol_vaddr) : UPROBES_SLOT_BYTES;

	if (offset >= UPROBES_SLOT_BYTES)
		return false;
	at->rip = BPF_CORE_READ(utask, vaddr) + offset;
	return true;
}

/* Puts that right. 0: there was nothing to do. Not static: the verifier looks at it once. */
__attribute__((noinline)) int leave_probes(struct interrupted *at, struct returns *returns)
{
	__u64 offset;

	if (!at || !returns)
		return 0;
	offset = at->rip - returns->trampoline;
	if (at->orig_rax == NO_ERROR_CODE && leave_breakpoint(at, returns))
		return 1;
	if (offset >= UPROBES_PAGE_BYTES)
		return 0;
	return offset < UPROBES_SLOT_BYTES ? leave_trampoline(at, returns) : leave_slot(at);
}

#endif
