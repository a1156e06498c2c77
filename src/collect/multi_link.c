#include "config.h"

#include "collect/multi_link.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MULTI_FLAG_RETURN = 1 };

/* The part of union bpf_attr that BPF_LINK_CREATE reads for these links. */
struct link_attr {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__aligned_u64 path;
	__aligned_u64 offsets;
	__aligned_u64 ref_ctr_offsets;
	__aligned_u64 cookies;
	__u32 count;
	__u32 multi_flags;
	__u32 pid;
	__u32 reserved;
};

static uint64_t pointer(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

int multi_link_create(const struct multi_link *link)
{
	const struct link_attr attr = {
	    .prog_fd = (__u32)link->program_fd,
	    .attach_type = link->attach_type,
	    .path = pointer(link->path),
	    .offsets = pointer(link->offsets),
	    .cookies = pointer(link->cookies),
	    .count = (__u32)link->count,
	    .multi_flags = link->on_return ? MULTI_FLAG_RETURN : 0,
	    .pid = (__u32)link->pid,
	};
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

int empty_program_load(unsigned attach_type)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
	    .prog_type = BPF_PROG_TYPE_KPROBE,
	    .insns = pointer(code),
	    .insn_cnt = sizeof(code) / sizeof(code[0]),
	    .license = pointer("GPL"),
	    .expected_attach_type = attach_type,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}
