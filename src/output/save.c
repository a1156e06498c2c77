#include "config.h"

#include "output/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/json.h"

static int fail(struct err *err, int code, const char *path)
{
	return err_set(err, code, EXIT_FAILED, "cannot write %s: %s%s", path, strerror(code),
		       code == EEXIST ? "; give another name" : "");
}

/*
 * The folder of a path, in which not everybody can put another file in the place of ours: not
 * writable by others, unless it is sticky, as /tmp is. A descriptor, or -errno with one line.
 */
static int open_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = xstrdup(slash ? path : ".");
	struct stat found;
	int fd, code = 0;

	if (slash)
		folder[slash == path ? 1 : slash - path] = '\0';
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0 || fstat(fd, &found) < 0)
		code = fail(err, errno, path);
	else if (found.st_mode & S_IWOTH && !(found.st_mode & S_ISVTX))
		code = err_set(
		    err, EPERM, EXIT_FAILED,
		    "not writing %s: everybody could exchange it, as its folder is writable "
		    "by everybody; choose another folder",
		    path);
	if (!code)
		return fd;
	if (fd >= 0)
		close(fd);
	return code;
}

static int open_new(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	int folder = open_folder(path, err), fd;

	if (folder < 0)
		return folder;
	fd = openat(folder, slash ? slash + 1 : path,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = fail(err, errno, path);
	close(folder);
	return fd;
}

int save_json(const char *path, const struct snapshot *snapshot, struct err *err)
{
	int fd = open_new(path, err);
	FILE *file;
	int code;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "w");
	if (!file) {
		code = -errno;
		close(fd);
	} else {
		code = json_print(file, snapshot);
		if (fclose(file) != 0 && !code)
			code = -errno;
	}
	if (!code)
		return 0;
	(void)unlink(path);
	return fail(err, -code, path);
}
