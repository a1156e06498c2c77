/*
 * Sampling by bytes. Samples are the points of a Poisson process along the bytes that are allocated,
 * `interval` bytes apart on average; an object is tracked when at least one lies in it, which has the
 * probability p = 1 - exp(-size / interval). Its weight 1 / p makes every sum unbiased (Horvitz and
 * Thompson), whatever the interval is and however it changes: an object keeps the one it was taken at.
 *
 * The distance to the next point is exponential, and as that has no memory one countdown serves all
 * threads that run on a CPU, and begins anew when the interval changes.
 */
#ifndef RSP_SAMPLING_BPF_H
#define RSP_SAMPLING_BPF_H

#include "abi.h"

enum { SAMPLING_ONE = 1 << 16, /* in the tables' fixed point */ SAMPLING_LN2 = 45426 };

/* log2(1 + i / 256), and x / (1 - exp(-x)) for x = i / 16. */
const volatile __u32 sampling_log2[SAMPLING_LOG_STEPS + 1] = {};
const volatile __u32 sampling_weight[SAMPLING_WEIGHT_STEPS + 1] = {};

/* Mean bytes between samples, written by user space and, when it cannot keep up, raised by the programs;
 * 0: every allocation is tracked. */
__u64 interval = 0;

struct sampling_countdown {
	__s64 left;	/* bytes to the next sample */
	__u64 interval; /* that this was drawn for */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampling_countdown);
} countdown SEC(".maps");

/* Says to the verifier what the compiler, which knows it, would leave out: an index is below 256. */
static __always_inline __u64 sampling_index(__u64 index)
{
	asm volatile("%0 &= 255" : "+r"(index));
	return index;
}

/* log2 of a number above 0, in fixed point. */
static __always_inline __u64 sampling_log2_of(__u32 number)
{
	__u64 exponent = 31, index, rest;

	for (int shift = 16; shift; shift /= 2) {
		if (number < 1U << (32 - shift)) {
			number <<= shift;
			exponent -= shift;
		}
	}
	index = sampling_index(number >> 23);
	rest = number >> 7 & (SAMPLING_ONE - 1);
	return exponent * SAMPLING_ONE + sampling_log2[index] +
	       ((sampling_log2[index + 1] - sampling_log2[index]) * rest >> 16);
}

/* An exponential distance with this mean: -mean * ln(u), u uniform in (0, 1]. */
static __always_inline __s64 sampling_draw(__u64 mean)
{
	__u64 nats = (32 * SAMPLING_ONE - sampling_log2_of(bpf_get_prandom_u32() | 1)) * SAMPLING_LN2 >> 16;
	__u64 distance = mean * nats >> 16;

	return distance ? distance : 1;
}

/* Whether an allocation of so many bytes is tracked; and at which interval that was decided. */
static __always_inline bool sampling_takes(__u64 size, __u64 *ret_interval)
{
	const __u64 size_most = 1ULL << 62;
	struct sampling_countdown *next;
	__u64 mean = interval;
	__u32 zero = 0;
	__s64 bytes = size < size_most ? size : size_most;

	*ret_interval = mean;
	if (!mean)
		return true;
	next = bpf_map_lookup_elem(&countdown, &zero);
	if (!next)
		return false;
	if (next->interval != mean) {
		next->left = sampling_draw(mean);
		next->interval = mean;
	}
	/* Atomic, since a thread may be preempted in here by another one of the target. */
	if (__sync_fetch_and_add(&next->left, -bytes) > bytes)
		return false;
	next->left = sampling_draw(mean);
	return bytes > 0;
}

/* The bytes that a tracked object stands for: size / p. */
static __always_inline __u64 sampling_bytes(__u64 size, __u64 mean)
{
	__u64 wide = mean, position, factor, index;

	if (!mean || size / SAMPLING_WEIGHT_PER_UNIT >= mean)
		return size;
	position = size;
	if (wide >> 36) {
		position >>= 8;
		wide >>= 8;
	}
	if (!wide)
		return size;
	position = (position << 20) / wide;
	index = position >> 16;
	if (index >= SAMPLING_WEIGHT_STEPS)
		return size;
	index = sampling_index(index);
	factor = sampling_weight[index] +
		 ((sampling_weight[index + 1] - sampling_weight[index]) * (position & 0xffff) >> 16);
	return mean * factor >> 16;
}

/* The same of an object, which may also count for those that were not seen. */
static __always_inline __u64 sampling_object_bytes(const struct heap_object *object)
{
	__u64 bytes = sampling_bytes(object->size, heap_interval_mean(object->interval));

	return bytes + bytes * heap_interval_extra(object->interval) / HEAP_EXTRA_ONE;
}

/* The objects it stands for, 1 / p, in units of 1 / 65536. */
static __always_inline __u64 sampling_objects(const struct heap_object *object, __u64 bytes)
{
	const __u64 one = 1ULL << HEAP_OBJECTS_SHIFT;

	if (!object->size)
		return one + one / HEAP_EXTRA_ONE * heap_interval_extra(object->interval);
	return bytes == object->size ? one : (bytes << HEAP_OBJECTS_SHIFT) / object->size;
}

/* What it adds to the variance of the sum of bytes: (1 - p) * (size / p)^2. */
static __always_inline __u64 sampling_variance(__u64 size, __u64 bytes)
{
	if (bytes <= size)
		return 0;
	if (bytes >> 32)
		return (bytes >> 8) * ((bytes - size) >> 8);
	return bytes * (bytes - size) >> HEAP_VARIANCE_SHIFT;
}

#endif
