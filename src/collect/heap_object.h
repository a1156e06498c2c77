/* The heap's BPF programs, of which there are two objects: with session links and without. */
#ifndef RSP_COLLECT_HEAP_OBJECT_H
#define RSP_COLLECT_HEAP_OBJECT_H

#include <stdbool.h>

#include <heap.skel.h>

/*
 * Opens the one that can be loaded with session links, which only kernels with these can load, or the
 * other one. To be ended by heap_bpf__destroy(); NULL with errno if it cannot be opened.
 */
struct heap_bpf *heap_object_open(bool sessions);

#endif
