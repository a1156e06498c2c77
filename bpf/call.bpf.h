/* Allocator calls in flight, by thread: kept by the heap's programs, read at CPU samples too. */
#ifndef RSP_CALL_BPF_H
#define RSP_CALL_BPF_H

#include "abi.h"

/* The key is the thread's id. Made by user space, which removes the threads that have ended. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 15);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct heap_thread);
} threads SEC(".maps");

#endif
