#include "config.h"

#include "target/perf_map_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The number of the process in its innermost PID namespace, the last of "NSpid:"; `pid` if unknown.
 */
static int innermost_pid(int pid)
{
	char path[64], line[1024];
	int innermost = pid;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return pid;
	while (fgets(line, sizeof(line), file)) {
		const char *last;

		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		last = strrchr(line, '\t');
		if (last && atoi(last + 1) > 0)
			innermost = atoi(last + 1);
		break;
	}
	(void)fclose(file);
	return innermost;
}

/* Others can write to /tmp as well. */
static bool is_own_file(int fd, int pid)
{
	struct stat process, found;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &process) == 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) &&
	       (found.st_uid == process.st_uid || found.st_uid == 0);
}

static int open_in_root(int root_fd, int pid, int pid_in_name)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "tmp/perf-%d.map", pid_in_name);
	fd = (int)syscall(SYS_openat2, root_fd, name, &how, sizeof(how));
	if (fd >= 0 && !is_own_file(fd, pid)) {
		close(fd);
		return -1;
	}
	return fd;
}

int perf_map_file_open(int pid)
{
	int innermost = innermost_pid(pid), root_fd, fd;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	fd = open_in_root(root_fd, pid, innermost);
	if (fd < 0 && innermost != pid)
		fd = open_in_root(root_fd, pid, pid);
	close(root_fd);
	return fd;
}
