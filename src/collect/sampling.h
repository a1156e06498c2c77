/* The tables by which bpf/sampling.bpf.h samples allocations, and the same weights in user space. */
#ifndef RSP_COLLECT_SAMPLING_H
#define RSP_COLLECT_SAMPLING_H

#include <stdint.h>

#include "bpf/abi.h"

/* log2(1 + i / 256) in units of 1 / 65536. */
void sampling_fill_log2(uint32_t ret_table[SAMPLING_LOG_STEPS + 1]);

/* x / (1 - exp(-x)) for x = i / 16, in units of 1 / 65536. */
void sampling_fill_weight(uint32_t ret_table[SAMPLING_WEIGHT_STEPS + 1]);

/*
 * The bytes that a tracked object of `size` bytes stands for, when samples were `interval` bytes apart
 * on average: size / (1 - exp(-size / interval)); just its size when every object was taken (0).
 */
double sampling_weight_bytes(uint64_t size, uint64_t interval);

#endif
