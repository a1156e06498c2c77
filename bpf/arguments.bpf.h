/* The arguments of an allocator call, from the registers that its probe's cookie names. */
#ifndef RSP_ARGUMENTS_BPF_H
#define RSP_ARGUMENTS_BPF_H

#include "abi.h"

/* By their number, as the context may only be read at constant places. */
struct registers {
	__u64 values[HEAP_REGISTERS];
};

static __always_inline void read_registers(struct registers *to, const struct pt_regs *regs)
{
	to->values[0] = regs->rax;
	to->values[1] = regs->rcx;
	to->values[2] = regs->rdx;
	to->values[3] = regs->rbx;
	to->values[4] = 0;
	to->values[5] = regs->rbp;
	to->values[6] = regs->rsi;
	to->values[7] = regs->rdi;
	to->values[8] = regs->r8;
	to->values[9] = regs->r9;
	to->values[10] = regs->r10;
	to->values[11] = regs->r11;
	to->values[12] = regs->r12;
	to->values[13] = regs->r13;
	to->values[14] = regs->r14;
	to->values[15] = regs->r15;
}

static __always_inline __u64 read_register(const struct registers *registers, __u64 number)
{
	number &= HEAP_REGISTERS - 1;
	asm volatile("" : "+r"(number));
	return registers->values[number & (HEAP_REGISTERS - 1)];
}

static __always_inline __u64 size_argument(const struct registers *regs, __u64 cookie)
{
	__u64 size = read_register(regs, cookie >> 8);
	__u32 count = cookie >> 12 & (HEAP_REGISTERS - 1);

	if (count == HEAP_REGISTER_NONE || heap_cookie_call(cookie) == HEAP_CALL_MAP)
		return size;
	return size * read_register(regs, count);
}

static __always_inline __u64 pointer_argument(const struct registers *regs, __u64 cookie)
{
	return read_register(regs, cookie >> 16);
}

#endif
