/*
 * An entry alone is a uprobe-multi link; entry and return are a session link, or two uprobe-multi
 * links where the kernel has none; a kernel without uprobe-multi has a perf event for each place.
 */
#include "config.h"

#include "collect/bare_probe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect/multi_link.h"
#include "collect/uprobe_link.h"
#include "permit/perf_trial.h"

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

static void keep(struct bare_probes *probes, int fd)
{
	probes->fds = xreallocarray(probes->fds, probes->count + 1, sizeof(int));
	probes->fds[probes->count++] = fd;
}

static int attach_multi(struct bare_probes *probes, const struct place *place, unsigned attach_type,
			bool on_return)
{
	int program = empty_program_load(attach_type), fd;
	const struct multi_link link = {
	    .program_fd = program,
	    .attach_type = attach_type,
	    .on_return = on_return,
	    .pid = place->pid,
	    .path = place->path,
	    .offsets = place->offsets,
	    .count = place->count,
	};

	if (program < 0)
		return program;
	fd = multi_link_create(&link);
	(void)close(program);
	if (fd < 0)
		return fd;
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

static int attach_perf(struct bare_probes *probes, const struct place *place, int program,
		       bool on_return)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int code = perf_probe_type(&attr.type);

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
	int program = empty_program_load(0);
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
