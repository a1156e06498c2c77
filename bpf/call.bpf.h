/* Allocator calls in flight, by thread: kept by the heap's programs, read at CPU samples too. */
#ifndef RSP_CALL_BPF_H
#define RSP_CALL_BPF_H

#include "abi.h"
#include "window.bpf.h"

/* A thread's call in flight, and the room in which its stack is unwound. A per-CPU scratch would not
 * do: programs on uprobes can be preempted by another thread of the target on the same CPU. */
struct heap_thread {
	__u64 entry_sp;		/* of the outermost call in flight; 0: none */
	__u64 slot;		/* where that call, or the last one, has its return address, ... */
	__u64 return_address;	/* ... and what it is */
	__u64 probe;		/* where it was interrupted */
	__u64 cookie;
	__u64 size;
	__u64 interval;		/* as heap_object's */
	__u64 sampled;		/* the object is to be tracked */
	__u64 pointer;		/* realloc: the old object; posix_memalign: where the result goes */
	__u64 freeing;		/* what it last gave to a function that calls another one to free it */
	__u64 stack_id;		/* of the caller, if sampled */
	__u64 has_old;
	struct heap_object old;
	struct stack_record record;
	struct stack_window window;
};

/* The key is the thread's id; user space removes the threads that have ended. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 15);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct heap_thread);
} threads SEC(".maps");

#endif
