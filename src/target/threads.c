#include "config.h"

#include "target/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool threads_parse(const char *line, struct thread *ret_thread)
{
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	struct thread thread = {0};
	uint64_t user, system;
	size_t length;

	if (!open || !close || close < open)
		return false;
	/* Behind the name: state, ten fields, utime, stime, six more, starttime. */
	if (sscanf(close + 1,
		   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64
		   " %*s %*s %*s %*s %*s %*s %" SCNu64,
		   &thread.state, &user, &system, &thread.start_ticks) != 4)
		return false;
	thread.tid = (int)strtol(line, NULL, 10);
	thread.cpu_ticks = user + system;
	length = (size_t)(close - open - 1);
	if (length >= sizeof(thread.name))
		length = sizeof(thread.name) - 1;
	memcpy(thread.name, open + 1, length);
	*ret_thread = thread;
	return thread.tid > 0;
}

static bool read_thread(int folder_fd, const char *tid, struct thread *ret_thread)
{
	char path[64], line[1024];
	ssize_t length;
	int fd;

	if (snprintf(path, sizeof(path), "%s/stat", tid) >= (int)sizeof(path))
		return false;
	fd = openat(folder_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (length <= 0)
		return false;
	line[length] = '\0';
	return threads_parse(line, ret_thread);
}

bool threads_read_one(int tid, struct thread *ret_thread)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d", tid);
	return read_thread(AT_FDCWD, path, ret_thread);
}

static int by_tid(const void *left, const void *right)
{
	const struct thread *a = left, *b = right;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

size_t threads_read(int pid, struct thread *ret_threads, size_t *ret_left_out)
{
	const struct dirent *entry;
	char path[64];
	size_t count = 0;
	DIR *tasks;

	*ret_left_out = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		if (count == THREADS_MAX)
			++*ret_left_out;
		else
			count += read_thread(dirfd(tasks), entry->d_name, &ret_threads[count]);
	}
	closedir(tasks);
	if (count > 1)
		qsort(ret_threads, count, sizeof(*ret_threads), by_tid);
	return count;
}
