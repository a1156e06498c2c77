/*
 * Return addresses that are not on the stack. While the return of a function is probed, by whomever, the
 * kernel's trampoline is in its place, and the kernel has the address in a list of the thread's,
 * innermost first (struct return_instance of kernel/events/uprobes.c).
 */
#ifndef RSP_RETURNS_BPF_H
#define RSP_RETURNS_BPF_H

#include "abi.h"
#include "entry.bpf.h"
#include "target.bpf.h"

#define NO_TRAMPOLINE (~0ULL)

struct returns {
	__u64 trampoline;		/* its address, or NO_TRAMPOLINE */
	__u64 first;			/* address of the innermost instance; 0: there is none */
	__u64 next;			/* of the one to look at next */
	struct displaced_return last;	/* of our probe on this CPU; slot 0: it is not known */
	__u64 met;			/* the trampoline was */
};

static __always_inline void returns_begin(struct returns *returns)
{
	const struct task_struct *task = current_task();
	const struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const struct xol_area *area = mm ? BPF_CORE_READ(mm, uprobes_state.xol_area) : NULL;
	const struct uprobe_task *utask = area ? BPF_CORE_READ(task, utask) : NULL;
	const struct probe_entry *entry;

	returns->trampoline = NO_TRAMPOLINE;
	if (!utask)
		return;
	returns->trampoline = BPF_CORE_READ(area, vaddr);
	returns->first = returns->next = (__u64)BPF_CORE_READ(utask, return_instances);
	entry = find_entry();
	if (entry && entry->return_address && entry->return_address != returns->trampoline) {
		returns->last.slot = entry->rsp;
		returns->last.return_address = entry->return_address;
	}
}

/* The one at an instance's address, which becomes the next one's. False: there is none. */
static __always_inline bool returns_next(__u64 *address, struct displaced_return *found)
{
	const struct return_instance *instance = (const void *)*address;
	const struct return_instance *next = NULL;

	if (!instance || BPF_CORE_READ_INTO(&found->slot, instance, stack) ||
	    BPF_CORE_READ_INTO(&found->return_address, instance, orig_ret_vaddr) ||
	    BPF_CORE_READ_INTO(&next, instance, next)) {
		*address = 0;
		return false;
	}
	*address = (__u64)next;
	return true;
}

struct returns_search {
	__u64 next;
	__u64 slot;
	__u64 return_address; /* 0: not found */
};

/* Callback of bpf_loop(). */
static long returns_compare(__u32 index, void *context)
{
	struct returns_search *search = context;
	struct displaced_return found = {};

	(void)index;
	if (!returns_next(&search->next, &found))
		return 1;
	if (found.slot == search->slot)
		search->return_address = found.return_address;
	return search->return_address != 0;
}

/*
 * What belongs in a slot that has the trampoline, or the trampoline if nobody knows. Slots are asked for
 * innermost first; those of calls that were left by a jump are passed over. Not static: the verifier looks
 * at it once.
 */
__attribute__((noinline)) __u64 returns_take(struct returns *returns, __u64 slot)
{
	struct returns_search search = {.slot = slot};
	struct probe_entry *entry;

	if (!returns)
		return 0;
	returns->met = 1;
	search.next = returns->next;
	bpf_loop(RETURNS_MAX, returns_compare, &search, 0);
	if (search.return_address) {
		returns->next = search.next;
		return search.return_address;
	}
	if (slot == returns->last.slot)
		return returns->last.return_address;
	entry = find_entry();
	if (entry)
		entry->watched = 1;
	return returns->trampoline;
}

struct returns_list {
	struct returns *from;
	struct returns_record *to;
};

/* Callback of bpf_loop(). */
static long returns_put(__u32 index, void *context)
{
	struct returns_list *list = context;
	struct displaced_return found = {};

	if (!returns_next(&list->from->next, &found))
		return 1;
	list->to->returns[index & (RETURNS_MAX - 1)] = found;
	list->to->count = index + 1;
	return 0;
}

/* Takes all that are left for a record. Not static, as before. */
__attribute__((noinline)) int returns_collect(struct returns_record *record, struct returns *returns)
{
	struct returns_list list = {.from = returns, .to = record};
	__u32 count;

	if (!record || !returns)
		return 0;
	record->count = 0;
	bpf_loop(RETURNS_MAX - 1, returns_put, &list, 0);
	if (!returns->last.slot)
		return 0;
	count = record->count & (RETURNS_MAX - 1);
	record->returns[count] = returns->last;
	record->count = count + 1;
	return 0;
}

#endif
