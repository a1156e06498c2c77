#include "config.h"

#include "target/root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void root_path(char *path, size_t size, int pid)
{
	if (pid)
		(void)snprintf(path, size, "/proc/%d/root", pid);
	else
		(void)snprintf(path, size, "/");
}

int root_file_open(int pid, const char *path, int flags)
{
	struct open_how how = {.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char root[64];
	int root_fd, fd;

	root_path(root, sizeof(root), pid);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	/* openat2() refuses what has no meaning together with O_PATH. */
	how.flags = (unsigned)(flags & O_PATH ? flags | O_CLOEXEC
					      : flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	close(root_fd);
	return fd;
}

bool root_file_is_ours(int pid)
{
	struct stat ours, theirs;
	char root[64];

	root_path(root, sizeof(root), pid);
	return stat("/", &ours) == 0 && stat(root, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}
