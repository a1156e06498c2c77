/*
 * System calls only, no libbpf: a program of two instructions needs no object file. An entry alone
 * is a uprobe-multi link; entry and return are a session link, or two uprobe-multi links where the
 * kernel has none; a kernel without uprobe-multi has a perf event for each place.
 */
#include "config.h"

#include "collect/bare_probe.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect/uprobe_link.h"

enum { MULTI_FLAG_RETURN = 1 };

/* The part of union bpf_attr that BPF_LINK_CREATE reads for these links (Linux 6.6). */
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

struct bare_probes {
	int *fds; /* each holds its program */
	size_t count;
};

struct place {
	int pid;
	const char *path;
	const uint64_t *offsets;
	size_t count;
};

static uint64_t pointer(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static int load_program(unsigned attach_type)
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

static void keep(struct bare_probes *probes, int fd)
{
	probes->fds = xreallocarray(probes->fds, probes->count + 1, sizeof(int));
	probes->fds[probes->count++] = fd;
}

static int attach_multi(struct bare_probes *probes, const struct place *place, unsigned attach_type,
			bool on_return)
{
	struct link_attr attr = {
	    .attach_type = attach_type,
	    .path = pointer(place->path),
	    .offsets = pointer(place->offsets),
	    .count = (__u32)place->count,
	    .multi_flags = on_return ? MULTI_FLAG_RETURN : 0,
	    .pid = (__u32)place->pid,
	};
	int program = load_program(attach_type), fd, code;

	if (program < 0)
		return program;
	attr.prog_fd = (__u32)program;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	code = errno;
	(void)close(program);
	if (fd < 0)
		return -code;
	keep(probes, fd);
	return 0;
}

static int attach_multi_both(struct bare_probes *probes, const struct place *place)
{
	int code = attach_multi(probes, place, UPROBE_SESSION_ATTACH_TYPE, false);

	if (!code)
		return 0;
	code = attach_multi(probes, place, UPROBE_MULTI_ATTACH_TYPE, true);
	return code ? code : attach_multi(probes, place, UPROBE_MULTI_ATTACH_TYPE, false);
}

/* The number of perf's uprobe unit, which the kernel gives out at boot. */
static int read_perf_type(uint32_t *ret_type)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	bool known;

	if (!file)
		return -errno;
	known = fscanf(file, "%u", ret_type) == 1;
	(void)fclose(file);
	return known ? 0 : -EINVAL;
}

static int attach_perf(struct bare_probes *probes, const struct place *place, int program,
		       bool on_return)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int code = read_perf_type(&attr.type);

	if (code)
		return code;
	attr.config = on_return; /* bit 0, see format/retprobe beside the type */
	attr.uprobe_path = pointer(place->path);
	for (size_t i = 0; i < place->count; i++) {
		int fd;

		attr.probe_offset = place->offsets[i];
		fd = (int)syscall(SYS_perf_event_open, &attr, place->pid, -1, -1,
				  PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			return -errno;
		keep(probes, fd);
		if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) < 0)
			return -errno;
	}
	return 0;
}

static int attach_perf_both(struct bare_probes *probes, const struct place *place, bool with_return)
{
	int program = load_program(0);
	int code;

	if (program < 0)
		return program;
	code = attach_perf(probes, place, program, false);
	if (!code && with_return)
		code = attach_perf(probes, place, program, true);
	(void)close(program);
	return code;
}

int bare_probes_attach(struct bare_probes **ret_probes, int pid, const char *path,
		       const uint64_t *offsets, size_t count, bool with_return, struct err *err)
{
	const struct place place = {pid, path, offsets, count};
	struct bare_probes *probes = xcalloc(1, sizeof(*probes));
	int code;

	if (uprobe_link_choose(LINK_BEST) == LINK_PERF)
		code = attach_perf_both(probes, &place, with_return);
	else if (with_return)
		code = attach_multi_both(probes, &place);
	else
		code = attach_multi(probes, &place, UPROBE_MULTI_ATTACH_TYPE, false);
	if (!code) {
		*ret_probes = probes;
		return 0;
	}
	bare_probes_free(probes);
	if (code == -EPERM || code == -EACCES)
		return err_set(err, -code, EXIT_NOT_PERMITTED,
			       "probes need CAP_BPF and CAP_PERFMON");
	return err_set(err, -code, EXIT_FAILED, "cannot attach empty probes: %s", strerror(-code));
}

void bare_probes_free(struct bare_probes *probes)
{
	if (!probes)
		return;
	for (size_t i = 0; i < probes->count; i++)
		(void)close(probes->fds[i]);
	free(probes->fds);
	free(probes);
}
