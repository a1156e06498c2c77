/*
 * Keeps a program on an uprobe off the per-CPU stack that kernels from 6.13 on give to programs of its
 * type, as if none of them could be preempted. One on an uprobe can be, by a thread that runs it on the same
 * CPU, and both would write to one stack. A program that may make a tail call is left on the kernel's
 * stack, and the kernel looks for the call before it finds that it is never made and takes it out.
 */
#ifndef RSP_KERNEL_STACK_BPF_H
#define RSP_KERNEL_STACK_BPF_H

const volatile bool calls_another_program = false; /* never */

/* A map with nothing in it: each program needs its own, as the first one that has a map makes it one for
 * programs of its kind of link. */
#define NO_PROGRAMS(name)                                                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} name SEC(".maps")

static __always_inline void stay_on_kernel_stack(void *context, void *no_programs)
{
	if (calls_another_program)
		bpf_tail_call(context, no_programs, 0);
}

#endif
