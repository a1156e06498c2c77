#include "config.h"

#include "permit/perf_trial.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int try_event(struct perf_event_attr *attr)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

int perf_trial(void)
{
	struct perf_event_attr attr = {
	    .size = sizeof(attr),
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_DUMMY,
	    .disabled = 1,
	    .exclude_kernel = 1,
	    .exclude_hv = 1,
	};

	return try_event(&attr);
}

int perf_trial_probe(void)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int code = perf_probe_type(&attr.type);

	if (!code)
		code = try_event(&attr);
	/* Who may set one is asked where, which is not said here. */
	return code == -EINVAL ? 0 : code;
}

int perf_probe_type(uint32_t *ret_type)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	bool known;

	if (!file)
		return -errno;
	known = fscanf(file, "%9u", ret_type) == 1;
	(void)fclose(file);
	return known ? 0 : -ENOENT;
}
