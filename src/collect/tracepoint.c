#include "config.h"

#include "collect/tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* A mount without a place in the tree of folders. The folder's descriptor, or -errno. */
static int mount_own(void)
{
	int context = fsopen("tracefs", FSOPEN_CLOEXEC), folder;

	if (context < 0)
		return -errno;
	folder = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (folder >= 0)
		folder = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (folder < 0)
		folder = -errno;
	close(context);
	return folder;
}

/* The folder "events" of tracefs. Its descriptor, or -errno. */
static int open_events(void)
{
	static const char *const places[] = {"/sys/kernel/tracing/events",
					     "/sys/kernel/debug/tracing/events"};
	int folder, events, code;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		events = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (events >= 0)
			return events;
		if (errno != ENOENT)
			return -errno;
	}
	folder = mount_own();
	if (folder < 0)
		return folder;
	events = openat(folder, "events", O_PATH | O_DIRECTORY | O_CLOEXEC);
	code = errno;
	close(folder);
	return events < 0 ? -code : events;
}

static int read_id(int events, const char *name, uint64_t *ret_id)
{
	char path[128], text[32], *end;
	int length = snprintf(path, sizeof(path), "%s/id", name), file, code;
	ssize_t bytes;

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	file = openat(events, path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	bytes = read(file, text, sizeof(text) - 1);
	code = errno;
	close(file);
	if (bytes < 0)
		return -code;
	text[bytes] = '\0';
	*ret_id = strtoull(text, &end, 10);
	return end == text || *end != '\n' ? -EBADMSG : 0;
}

int tracepoint_ids(const char *const *names, size_t count, uint64_t *ret_ids)
{
	int events = open_events(), code = 0;

	if (events < 0)
		return events;
	for (size_t i = 0; i < count && !code; i++)
		code = read_id(events, names[i], &ret_ids[i]);
	close(events);
	return code;
}
