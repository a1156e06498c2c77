/*
 * Reads a user stack through a window that is copied at once: one read of 1 KiB costs less than two
 * of eight bytes. A window never crosses a page, so that it can be read wherever one word of it can.
 */
#ifndef RSP_WINDOW_BPF_H
#define RSP_WINDOW_BPF_H

#include "abi.h"

enum { WINDOW_PAGE_BYTES = 4096 };

static __always_inline int window_take(const struct stack_window *window, __u64 *value, __u64 address)
{
	__u64 offset = address - window->start;

	if (offset > WINDOW_BYTES - sizeof(*value) || offset + sizeof(*value) > window->size)
		return -1;
	*value = *(const __u64 *)(window->bytes + offset);
	return 0;
}

static __always_inline void window_fill(struct stack_window *window, __u64 from, __u64 bytes)
{
	__u64 size = WINDOW_PAGE_BYTES - (from & (WINDOW_PAGE_BYTES - 1));

	if (size > bytes)
		size = bytes;
	if (size > WINDOW_BYTES)
		size = WINDOW_BYTES;
	window->start = from;
	window->size = bpf_probe_read_user(window->bytes, size, (const void *)from) ? 0 : size;
}

/*
 * Reads eight bytes. `rsp` is the lowest address that the walk may still want: a window begins there
 * if it can. 0, or -1 when they cannot be read. Not static: the verifier looks at it once, and not at
 * each of its calls in each state.
 */
__attribute__((noinline)) int window_read(struct stack_window *window, __u64 *value, __u64 address, __u64 rsp)
{
	if (!window || !value)
		return -1;
	if (!window_take(window, value, address))
		return 0;
	if (address - rsp > WINDOW_BYTES - sizeof(*value) ||
	    (address ^ rsp) & -(__u64)WINDOW_PAGE_BYTES)
		rsp = address;
	window_fill(window, rsp, WINDOW_BYTES);
	if (!window_take(window, value, address))
		return 0;
	/* A word that crosses into another page. */
	return bpf_probe_read_user(value, sizeof(*value), (const void *)address) ? -1 : 0;
}

#endif
