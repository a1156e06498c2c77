/*
 * The records of the BPF ring buffers, whose kinds and sizes are looked at before anything reads
 * them: a kernel program that was made for another layout must not make us read what is not there.
 * Pure.
 */
#ifndef RSP_COLLECT_RING_RECORD_H
#define RSP_COLLECT_RING_RECORD_H

#include <stddef.h>

#include "bpf/abi.h"

/* Each gives the record if it is of that kind and whole, borrowed, or NULL. */

/* The frames, too, and those of the kernel where it has any. */
const struct stack_record *ring_record_stack(const void *data, size_t size);
/* The copied stack is behind it. */
const struct copy_header *ring_record_copy(const void *data, size_t size);
/* As many returns as it counts are there. */
const struct returns_record *ring_record_returns(const void *data, size_t size);
const struct check_record *ring_record_check(const void *data, size_t size);

#endif
