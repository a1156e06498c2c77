/*
 * A thread that allocates in a loop has the same stack again and again. What a walk has read of the stack
 * is remembered; if all of it is as it was, and so are the registers and the rules, a walk would come to the
 * same frames. To compare a word costs a tenth of what a frame does.
 */
#ifndef RSP_MEMO_BPF_H
#define RSP_MEMO_BPF_H

#include "abi.h"
#include "window.bpf.h"

/* Begins anew, for a walk from these registers. */
static __always_inline void memo_begin(struct stack_memo *memo, __u64 rsp, __u64 rbp, __u64 return_address)
{
	memo->rsp = rsp;
	memo->rbp = rbp;
	memo->return_address = return_address;
	memo->uses_rbp = 0;
	memo->bytes = sizeof(__u64);
	memo->count = 0;
}

static __always_inline void memo_add(struct stack_memo *memo, __u64 address, __u64 value)
{
	__u64 offset = address - memo->rsp, index = memo->count;

	memo->count = index + 1;
	if (index >= MEMO_WORDS || offset > WINDOW_BYTES - sizeof(value)) {
		memo->count = MEMO_WORDS + 1;
		return;
	}
	memo->words[index & (MEMO_WORDS - 1)].offset = offset;
	memo->words[index & (MEMO_WORDS - 1)].value = value;
	if (memo->bytes < offset + sizeof(value))
		memo->bytes = offset + sizeof(value);
}

/* How much of the stack at rsp is worth reading at once. */
static __always_inline __u64 memo_window_bytes(const struct stack_memo *memo, __u64 rsp)
{
	return memo->count && memo->rsp == rsp ? memo->bytes : WINDOW_BYTES;
}

/* Whether all is as it was, seen through a window that begins at rsp. */
static __always_inline bool memo_holds(const struct stack_memo *memo, const struct stack_window *window,
				       __u64 rsp, __u64 rbp, __u64 return_address)
{
	if (!memo->count || memo->count > MEMO_WORDS || memo->rsp != rsp || window->start != rsp ||
	    memo->return_address != return_address || (memo->uses_rbp && memo->rbp != rbp))
		return false;
	for (__u32 i = 0; i < MEMO_WORDS; i++) {
		__u64 value;

		if (i >= memo->count)
			return true;
		if (window_take(window, &value, rsp + memo->words[i].offset) ||
		    value != memo->words[i].value)
			return false;
	}
	return true;
}

#endif
