#include "config.h"

#include "output/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output/json.h"

static int fail(struct err *err, int code, const char *path)
{
	return err_set(err, code, EXIT_FAILED, "cannot write %s: %s%s", path, strerror(code),
		       code == EEXIST ? "; give another name" : "");
}

int save_json(const char *path, const struct snapshot *snapshot, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file;
	int code;

	if (fd < 0)
		return fail(err, errno, path);
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
