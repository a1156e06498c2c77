#include "config.h"

#include "symbol/path_check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "target/root_file.h"

struct look {
	struct module *module;
	bool replaced;
};

struct path_check {
	struct file_job job;
	int pid;
	bool *under_way;
	size_t count;
	struct look looks[];
};

/* Whether there is a file at the module's path that is another one. */
static bool is_replaced(const struct module *module, int pid)
{
	struct stat mapped, found;
	bool differs = false;
	int fd;

	if (fstat(module->fd, &mapped))
		return false;
	fd = root_file_open(pid, module->path, O_PATH);
	if (fd < 0)
		return false;
	if (fstat(fd, &found) == 0)
		differs = found.st_dev != mapped.st_dev || found.st_ino != mapped.st_ino;
	close(fd);
	return differs;
}

static void run(struct file_job *job)
{
	struct path_check *check = (struct path_check *)job;

	for (size_t i = 0; i < check->count; i++)
		check->looks[i].replaced = is_replaced(check->looks[i].module, check->pid);
}

static void drop(struct file_job *job)
{
	free(job);
}

static void take(void *context, struct file_job *job)
{
	const struct path_check *check = (const struct path_check *)job;

	(void)context;
	for (size_t i = 0; i < check->count; i++)
		check->looks[i].module->replaced = check->looks[i].replaced;
	*check->under_way = false;
	drop(job);
}

static const struct file_job_kind kind = {run, take, drop};

void path_check_begin(struct file_thread *files, struct module_table *table, int pid, bool *under_way)
{
	size_t most = module_table_count(table);
	struct path_check *check = xcalloc(1, sizeof(*check) + most * sizeof(check->looks[0]));

	check->job.kind = &kind;
	check->pid = pid;
	check->under_way = under_way;
	for (size_t i = 0; i < most; i++) {
		struct module *module = module_table_get(table, (uint32_t)i);

		/* The others are the kernel's, or code that the process made. */
		if (module->kind == MODULE_ELF && module->fd >= 0 && module->path[0] == '/')
			check->looks[check->count++].module = module;
	}
	*under_way = true;
	file_thread_begin(files, &check->job);
}
