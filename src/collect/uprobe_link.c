#include "config.h"

#include "collect/uprobe_link.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MULTI_FLAG_RETURN = 1 };

/* The part of union bpf_attr that BPF_LINK_CREATE reads for uprobe-multi links (Linux 6.6). */
struct multi_attr {
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

struct uprobe_links {
	enum link_kind kind;
	struct bpf_link **perf;	/* LINK_PERF */
	int *multi;		/* LINK_MULTI, LINK_SESSION */
	size_t count;
};

struct uprobe_links *uprobe_links_new(enum link_kind kind)
{
	struct uprobe_links *links = xcalloc(1, sizeof(*links));

	links->kind = kind;
	return links;
}

static void detach_from(struct uprobe_links *links, size_t first)
{
	while (links->count > first) {
		links->count--;
		if (links->kind != LINK_PERF)
			close(links->multi[links->count]);
		else
			bpf_link__destroy(links->perf[links->count]);
	}
}

void uprobe_links_free(struct uprobe_links *links)
{
	if (!links)
		return;
	detach_from(links, 0);
	free(links->perf);
	free(links->multi);
	free(links);
}

static int link_create(const struct multi_attr *attr)
{
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));
}

static uint64_t pointer(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

/* A program that does nothing; -1 where the kernel does not know the type of attachment. */
static int load_empty_program(enum bpf_attach_type attach_type)
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

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* Tries to link the empty program to a folder, which no kernel does: how it says so is the answer. A
 * link that is made would take a grace period of the kernel's to undo. */
static int try_link(enum bpf_attach_type attach_type, int pid)
{
	const uint64_t offset = 0;
	int program = load_empty_program(attach_type), link, code;
	const struct multi_attr attr = {
	    .prog_fd = (__u32)program,
	    .attach_type = attach_type,
	    .path = pointer("/"),
	    .offsets = pointer(&offset),
	    .count = 1,
	    .pid = (__u32)pid,
	};

	if (program < 0)
		return errno;
	link = link_create(&attr);
	code = errno;
	close(program);
	if (link < 0)
		return code;
	close(link);
	return 0;
}

enum link_kind uprobe_link_choose(enum link_kind wanted)
{
	/* Who knows the type comes to look at the path, and who is right about the pid does so before. */
	if (wanted == LINK_PERF || try_link(UPROBE_MULTI_ATTACH_TYPE, getpid()) != EBADF ||
	    try_link(UPROBE_MULTI_ATTACH_TYPE, -1) != EINVAL)
		return LINK_PERF;
	if (wanted == LINK_MULTI)
		return LINK_MULTI;
	return try_link(UPROBE_SESSION_ATTACH_TYPE, getpid()) == EBADF ? LINK_SESSION : LINK_MULTI;
}

enum bpf_attach_type uprobe_attach_type(enum link_kind kind, enum uprobe_side side)
{
	if (kind == LINK_PERF)
		return (enum bpf_attach_type)0;
	return side == UPROBE_SESSION ? UPROBE_SESSION_ATTACH_TYPE : UPROBE_MULTI_ATTACH_TYPE;
}

static int attach_multi(struct uprobe_links *links, const struct bpf_program *program,
			enum uprobe_side side, int pid, const char *path, const struct uprobe_place *places, size_t count)
{
	uint64_t *offsets = xcalloc(count, sizeof(*offsets));
	uint64_t *cookies = xcalloc(count, sizeof(*cookies));
	struct multi_attr attr = {
	    .prog_fd = (__u32)bpf_program__fd(program),
	    .attach_type = uprobe_attach_type(links->kind, side),
	    .path = pointer(path),
	    .offsets = pointer(offsets),
	    .cookies = pointer(cookies),
	    .count = (__u32)count,
	    .multi_flags = side == UPROBE_RETURN ? MULTI_FLAG_RETURN : 0,
	    .pid = (__u32)pid,
	};
	int fd, code;

	for (size_t i = 0; i < count; i++) {
		offsets[i] = places[i].offset;
		cookies[i] = places[i].cookie;
	}
	fd = link_create(&attr);
	code = errno;
	free(offsets);
	free(cookies);
	if (fd < 0)
		return -code;
	links->multi = xreallocarray(links->multi, links->count + 1, sizeof(int));
	links->multi[links->count++] = fd;
	return 0;
}

static int attach_perf(struct uprobe_links *links, const struct bpf_program *program,
		       enum uprobe_side side, int pid, const char *path, const struct uprobe_place *place)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = place->cookie, .retprobe = side == UPROBE_RETURN);
	struct bpf_link *link =
	    bpf_program__attach_uprobe_opts(program, pid, path, (size_t)place->offset, &options);

	if (!link)
		return -errno;
	links->perf = xreallocarray(links->perf, links->count + 1, sizeof(struct bpf_link *));
	links->perf[links->count++] = link;
	return 0;
}

int uprobe_links_attach(struct uprobe_links *links, const struct bpf_program *program,
			enum uprobe_side side, int pid, const char *path,
			const struct uprobe_place *places, size_t count, struct err *err)
{
	size_t before = links->count;
	int code = 0;

	if (!count)
		return 0;
	if (links->kind != LINK_PERF) {
		code = attach_multi(links, program, side, pid, path, places, count);
	} else {
		for (size_t i = 0; i < count && !code; i++)
			code = attach_perf(links, program, side, pid, path, &places[i]);
	}
	if (!code)
		return 0;
	detach_from(links, before);
	return err_set(err, -code, code == -EPERM || code == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED,
		       "cannot attach probes: %s", strerror(-code));
}
