/* The arguments of an allocator call, from the registers that its probe's cookie names. */
#ifndef RSP_ARGUMENTS_BPF_H
#define RSP_ARGUMENTS_BPF_H

#include "abi.h"

/* One load for each register, which the compiler cannot join: the context may only be read at constant
 * places. */
#define LOAD_REGISTER(to, regs, name)                                                              \
	asm volatile("%0 = *(u64 *)(%1 + %2)"                                                      \
		     : "=r"(to)                                                                    \
		     : "r"(regs), "i"(offsetof(struct pt_regs, name)))

/* By its number in instructions; those that most probes name come first. 0: there is none. */
static __always_inline __u64 read_register(const struct pt_regs *regs, __u64 number)
{
	__u64 value = 0;

	number &= HEAP_REGISTERS - 1;
	if (number == HEAP_REGISTER_NONE)
		return 0;
	if (number == 7)
		LOAD_REGISTER(value, regs, rdi);
	else if (number == 6)
		LOAD_REGISTER(value, regs, rsi);
	else if (number == 3)
		LOAD_REGISTER(value, regs, rbx);
	else if (number == 5)
		LOAD_REGISTER(value, regs, rbp);
	else if (number == 2)
		LOAD_REGISTER(value, regs, rdx);
	else if (number == 0)
		LOAD_REGISTER(value, regs, rax);
	else if (number == 1)
		LOAD_REGISTER(value, regs, rcx);
	else if (number == 8)
		LOAD_REGISTER(value, regs, r8);
	else if (number == 9)
		LOAD_REGISTER(value, regs, r9);
	else if (number == 10)
		LOAD_REGISTER(value, regs, r10);
	else if (number == 11)
		LOAD_REGISTER(value, regs, r11);
	else if (number == 12)
		LOAD_REGISTER(value, regs, r12);
	else if (number == 13)
		LOAD_REGISTER(value, regs, r13);
	else if (number == 14)
		LOAD_REGISTER(value, regs, r14);
	else if (number == 15)
		LOAD_REGISTER(value, regs, r15);
	return value;
}

static __always_inline __u64 size_argument(const struct pt_regs *regs, __u64 cookie)
{
	__u64 size = read_register(regs, cookie >> 8);
	__u32 count = cookie >> 12 & (HEAP_REGISTERS - 1);

	if (count == HEAP_REGISTER_NONE || heap_cookie_call(cookie) == HEAP_CALL_MAP)
		return size;
	return size * read_register(regs, count);
}

static __always_inline __u64 pointer_argument(const struct pt_regs *regs, __u64 cookie)
{
	return read_register(regs, cookie >> 16);
}

#endif
