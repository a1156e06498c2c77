/*
 * Which instruction of a function a probe is put on. The kernel emulates a few instructions and
 * single-steps all others out of line, which costs ten times as much, so the first one is looked
 * for that it emulates, that every call passes once, and where the arguments are still in
 * registers. Pure: a function of the code bytes, which may be anything.
 */
#ifndef RSP_SYMBOL_PROBE_SITE_H
#define RSP_SYMBOL_PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/allocators.h"

enum {
	PROBE_DELTA_MAX = 255,	   /* the place is at most so far behind the function's start */
	PROBE_CODE_MAX = 64 << 10, /* bytes of a function that are looked at */
	PROBE_TEXT_SIZE = 64,	   /* an instruction's text with its NUL */
	PROBE_NO_REGISTER = HEAP_REGISTER_NONE,
};

/* Why the probe is where it is. All but the first mean the function's first byte. */
enum probe_reason {
	PROBE_EMULATED,	     /* the first instruction that is emulated */
	PROBE_ARGUMENT_LOST, /* a wanted argument is overwritten before there is one */
	PROBE_STACK_MOVED,   /* the stack pointer moves before there is one */
	PROBE_NOT_STRAIGHT,  /* a jump, call or return that is not emulated comes before one */
	PROBE_NOT_FOUND,     /* there is none within PROBE_DELTA_MAX bytes */
	PROBE_NOT_DECODED,   /* what comes before one is no instruction */
	PROBE_BRANCH_INTO,   /* a branch leads back in front of it or to it */
	PROBE_INDIRECT_JUMP, /* a jump whose target is not known may lead back */
	PROBE_TOO_LONG,	     /* the function is too long to look for branches */
	PROBE_REASONS,
};

/* A function's code. */
struct probe_code {
	const uint8_t *bytes;
	size_t size; /* that can be read */
	uint64_t
	    length; /* that the function has; `size` is less: it is longer than what can be read */
};

struct probe_site {
	uint32_t delta; /* from the function's first byte, at most PROBE_DELTA_MAX */
	bool emulated;
	enum probe_reason reason;
	/* Registers of the arguments by x86 number (rax 0, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to
	 * r15); PROBE_NO_REGISTER where the function has no such argument. */
	uint8_t size_reg;
	uint8_t count_reg;
	uint8_t pointer_reg;
	char text[PROBE_TEXT_SIZE]; /* of the instruction, Intel syntax; empty: it is none */
};

/* Chooses the place. There always is one: at worst the first byte, see `reason`. */
void probe_site_choose(struct probe_site *ret_site, const struct probe_code *code,
		       const struct allocator_arguments *wanted);

/* Moves the site to the first byte because of what the caller knows. */
void probe_site_retreat(struct probe_site *site, const struct probe_code *code,
			const struct allocator_arguments *wanted, enum probe_reason reason);

/*
 * Whether `delta` is the function's first byte, with an instruction there, or the place that decoding
 * from there comes to. Whether branches lead back to it is not looked at: a probe that is passed
 * twice counts twice and does no harm. All but `reason` is filled in.
 */
bool probe_site_confirm(struct probe_site *ret_site, const struct probe_code *code,
			const struct allocator_arguments *wanted, uint32_t delta);

/* The reason in words, a constant. */
const char *probe_reason_text(enum probe_reason reason);

/* Whether the kernel emulates the instruction of so many bytes: what every x86 kernel does. */
bool probe_is_emulated(const uint8_t *bytes, size_t length);

#endif
