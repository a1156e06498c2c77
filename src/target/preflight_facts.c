/* Where the facts of preflight.h come from: /proc, the kernel, or an option. */
#include "config.h"

#include "target/preflight.h"

#include <dirent.h>
#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "6.12.1-amd64" or "6.12"; 0: not a version. */
static uint32_t version_of(const char *text)
{
	unsigned major, minor, patch = 0;

	if (sscanf(text, "%4u.%4u.%4u", &major, &minor, &patch) < 2)
		return 0;
	if (major > 255 || minor > 255)
		return 0;
	return KERNEL_VERSION(major, minor, patch);
}

static uint32_t kernel_version(void)
{
	struct utsname name;

	return uname(&name) < 0 ? 0 : version_of(name.release);
}

static void read_status_line(struct preflight_facts *facts, const char *line)
{
	unsigned number;

	if (sscanf(line, "Seccomp: %u", &number) == 1 && number > facts->seccomp)
		facts->seccomp = number;
	else if (sscanf(line, "TracerPid: %u", &number) == 1 && (int)number != getpid())
		facts->tracer = (int)number;
	else if (strncmp(line, "x86_Thread_features:", 20) == 0 && strstr(line, "shstk"))
		facts->shadow_stack = true;
}

static void read_thread(struct preflight_facts *facts, int pid, const char *tid)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;

	if (snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, tid) >= (int)sizeof(path))
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	while (getline(&line, &size, file) > 0)
		read_status_line(facts, line);
	free(line);
	(void)fclose(file);
}

/* Filter, shadow stack and tracer are each thread's own. */
static void read_threads(struct preflight_facts *facts, int pid)
{
	char path[64];
	const struct dirent *entry;
	DIR *threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		return;
	while ((entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			read_thread(facts, pid, entry->d_name);
	(void)closedir(threads);
}

void preflight_read(struct preflight_facts *ret_facts, int pid)
{
	struct preflight_facts facts = {.kernel = kernel_version()};

	read_threads(&facts, pid);
	facts.call = uretprobe_call_probe(facts.kernel);
	*ret_facts = facts;
}

static int force_number(const char *value, unsigned most, unsigned *ret_number)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || number > most)
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

static int force_runtime(struct preflight_facts *facts, const char *value)
{
	static const char *const names[] = {[STACK_RUNTIME_PLAIN] = "plain",
					    [STACK_RUNTIME_GO] = "go",
					    [STACK_RUNTIME_SPLIT] = "split"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			facts->runtime = (enum stack_runtime)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int force_fact(struct preflight_facts *facts, const char *name, const char *value)
{
	unsigned number;
	int code;

	if (strcmp(name, "kernel") == 0) {
		facts->kernel = version_of(value);
		facts->call = uretprobe_call_of_version(facts->kernel);
		return facts->kernel ? 0 : -EINVAL;
	}
	if (strcmp(name, "runtime") == 0)
		return force_runtime(facts, value);
	code = force_number(value, INT32_MAX, &number);
	if (code)
		return code;
	if (strcmp(name, "seccomp") == 0)
		facts->seccomp = number;
	else if (strcmp(name, "shadow-stack") == 0)
		facts->shadow_stack = number != 0;
	else if (strcmp(name, "tracer") == 0)
		facts->tracer = (int)number;
	else
		return -EINVAL;
	return 0;
}

int preflight_force(struct preflight_facts *ret_facts, const char *text, struct err *err)
{
	struct preflight_facts facts = {.kernel = kernel_version(), .forced = true};
	char *copy = xstrdup(text), *next = copy, *word;
	int code = 0;

	facts.call = uretprobe_call_of_version(facts.kernel);
	while (!code && (word = strsep(&next, ","))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		code = value ? force_fact(&facts, word, value) : -EINVAL;
	}
	free(copy);
	if (code)
		return err_set(
		    err, EINVAL, EXIT_USAGE,
		    "'%s' are not facts: give kernel=A.B.C, seccomp=N, shadow-stack=N, tracer=PID, "
		    "runtime=plain|go|split",
		    text);
	*ret_facts = facts;
	return 0;
}
