#include "config.h"

#include "target/source_text.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "err.h"
#include "target/root_file.h"

/*
 * Whether files open to this program that are closed to its real user: who chose the name of the file
 * is not to be told them.
 */
static bool has_foreign_rights(void)
{
	if (getuid() == 0)
		return false;
	return geteuid() != getuid() || getegid() != getgid() || capng_get_caps_process() < 0 ||
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_READ_SEARCH) ||
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE);
}

/* NULL, or why the file is not opened. `found` is what it is. */
static const char *refuse(const struct stat *found)
{
	if (!S_ISREG(found->st_mode))
		return "it is no regular file";
	if (found->st_size > SOURCE_TEXT_MOST)
		return "it is too large";
	return NULL;
}

/*
 * Opens the file for reading when it has been seen to be a regular one: opening a device may do
 * something. The descriptor, or -1 with a reason.
 */
static int open_regular(int pid, const char *path, struct stat *ret_found, const char **ret_reason)
{
	int place = root_file_open(pid, path, O_PATH), fd = -1;
	char link[64];

	*ret_reason = NULL;
	if (place < 0) {
		*ret_reason = strerror(-place);
		return -1;
	}
	if (fstat(place, ret_found) < 0)
		*ret_reason = strerror(errno);
	else
		*ret_reason = refuse(ret_found);
	if (!*ret_reason) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
		fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			*ret_reason = strerror(errno);
	}
	close(place);
	return fd;
}

static const char *read_all(int fd, struct source_text *source, size_t size)
{
	source->text = xcalloc(size + 1, 1);
	while (source->size < size) {
		ssize_t got = read(fd, source->text + source->size, size - source->size);

		if (got < 0 && errno != EINTR)
			return strerror(errno);
		if (got == 0)
			break;
		source->size += got > 0 ? (size_t)got : 0;
	}
	return memchr(source->text, '\0', source->size) ? "it is no text" : NULL;
}

struct source_text *source_text_read(int pid, const char *path)
{
	struct source_text *source = xcalloc(1, sizeof(*source));
	const char *reason = NULL;
	struct stat found;
	int fd = -1;

	source->path = xstrdup(path);
	if (path[0] != '/')
		reason = "the debug information does not say in which folder";
	else if (has_foreign_rights())
		reason = "this program may read files that its user may not";
	else
		fd = open_regular(pid, path, &found, &reason);
	if (fd >= 0) {
		source->changed = found.st_mtim;
		reason = read_all(fd, source, (size_t)found.st_size);
		close(fd);
	}
	if (reason) {
		(void)strlcpy(source->reason, reason, sizeof(source->reason));
		free(source->text);
		source->text = NULL;
		source->size = 0;
	}
	return source;
}

void source_text_free(struct source_text *source)
{
	if (!source)
		return;
	free(source->path);
	free(source->text);
	free(source);
}
