#include "config.h"

#include "target/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "err.h"

enum {
	TEXT_MOST = 4 << 20, /* a machine may have thousands of mounts */
	FIELDS = 16,	     /* of a line of mountinfo that are looked at */
	NUMBER_SIZE = 32,
};

/* Version 1 has no word for "no limit" but a number near this. */
static const uint64_t limit_most = UINT64_C(1) << 62;

/* The file's text, owned by the caller; NULL: it cannot be read. */
static char *read_file(const char *path)
{
	size_t size = 0, used = 0;
	char *text = NULL;
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return NULL;
	while (got > 0 && used < TEXT_MOST) {
		if (used + 1 >= size) {
			size = size ? 2 * size : 4096;
			text = xreallocarray(text, size, 1);
		}
		got = read(fd, text + used, size - used - 1);
		used += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	text[used] = '\0';
	return text;
}

/* Mountinfo writes blanks and backslashes as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		const char *digits = from + 1;

		if (*from == '\\' && strspn(digits, "01234567") >= 3) {
			*to = (char)((digits[0] - '0') << 6 | (digits[1] - '0') << 3 |
				     (digits[2] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Whether a list such as "rw,memory" has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; list; list = strchr(list, ','), list = list ? list + 1 : NULL)
		if (strncmp(list, word, length) == 0 && (!list[length] || list[length] == ','))
			return true;
	return false;
}

/*
 * "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory": root and folder are
 * the fourth and fifth field, type and options of the file system the first and third behind the
 * dash.
 */
static bool take_mount(char *line, bool version_2, struct cgroup_mount *mount)
{
	char *fields[FIELDS], *rest = line;
	size_t count = 0, dash = 0;

	while (count < FIELDS && rest) {
		fields[count] = strsep(&rest, " ");
		if (count >= 6 && !dash && strcmp(fields[count], "-") == 0)
			dash = count;
		count++;
	}
	if (!dash || dash + 3 >= count ||
	    strcmp(fields[dash + 1], version_2 ? "cgroup2" : "cgroup") != 0 ||
	    (!version_2 && !has_word(fields[dash + 3], "memory")))
		return false;
	unescape(fields[3]);
	unescape(fields[4]);
	return strlcpy(mount->root, fields[3], sizeof(mount->root)) < sizeof(mount->root) &&
	       strlcpy(mount->folder, fields[4], sizeof(mount->folder)) < sizeof(mount->folder);
}

void cgroup_find_mount(const char *mountinfo, bool version_2, struct cgroup_mount *ret_mount)
{
	char *copy = xstrdup(mountinfo), *rest = copy, *line;

	*ret_mount = (struct cgroup_mount){.version_2 = version_2};
	while ((line = strsep(&rest, "\n"))) {
		if (take_mount(line, version_2, ret_mount))
			break;
		ret_mount->folder[0] = '\0';
	}
	free(copy);
}

/* "..": a group outside of this program's cgroup namespace. */
static bool goes_up(const char *path)
{
	for (; path; path = strchr(path, '/')) {
		path += *path == '/';
		if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'))
			return true;
	}
	return false;
}

bool cgroup_find_path(const char *text, bool version_2, char *path)
{
	char *copy = xstrdup(text), *rest = copy, *line;
	bool found = false;

	while (!found && (line = strsep(&rest, "\n"))) {
		char *number = strsep(&line, ":"), *controllers = strsep(&line, ":");

		/* What is left may have colons. */
		if (!line || line[0] != '/')
			continue;
		found = version_2 ? strcmp(number, "0") == 0 && controllers[0] == '\0'
				  : has_word(controllers, "memory");
		if (found && (goes_up(line) || strlcpy(path, line, PATH_MAX) >= PATH_MAX)) {
			found = false;
			break;
		}
	}
	free(copy);
	return found;
}

/* A number in a file of a group's folder; MEMORY_UNKNOWN: none, "max" too. */
static uint64_t read_number(const char *folder, const char *name)
{
	char path[PATH_MAX + 32], text[NUMBER_SIZE], *end;
	unsigned long long number;
	ssize_t got;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return MEMORY_UNKNOWN;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return MEMORY_UNKNOWN;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return MEMORY_UNKNOWN;
	text[got] = '\0';
	if (text[0] < '0' || text[0] > '9')
		return MEMORY_UNKNOWN;
	number = strtoull(text, &end, 10);
	return (*end == '\n' || *end == '\0') && number < limit_most ? number : MEMORY_UNKNOWN;
}

static struct cgroup_memory read_group(const char *folder, bool version_2)
{
	struct cgroup_memory memory = {MEMORY_UNKNOWN, MEMORY_UNKNOWN};

	if (version_2) {
		uint64_t high = read_number(folder, "memory.high");

		memory.limit_bytes = read_number(folder, "memory.max");
		/* From there on the kernel slows the processes down. */
		if (high < memory.limit_bytes)
			memory.limit_bytes = high;
		memory.used_bytes = read_number(folder, "memory.current");
	} else {
		memory.limit_bytes = read_number(folder, "memory.limit_in_bytes");
		memory.used_bytes = read_number(folder, "memory.usage_in_bytes");
	}
	return memory;
}

static uint64_t left(const struct cgroup_memory *memory)
{
	if (memory->limit_bytes == MEMORY_UNKNOWN || memory->used_bytes == MEMORY_UNKNOWN)
		return MEMORY_UNKNOWN;
	return memory->limit_bytes > memory->used_bytes ? memory->limit_bytes - memory->used_bytes
							: 0;
}

struct cgroup_memory cgroup_read_memory(const struct cgroup_mount *mount, const char *path)
{
	struct cgroup_memory nearest = {MEMORY_UNKNOWN, MEMORY_UNKNOWN};
	size_t root_length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
	char folder[2 * PATH_MAX];
	size_t least;

	if (!mount->folder[0] || strncmp(path, mount->root, root_length) != 0)
		return nearest;
	path += root_length;
	if (path[0] && path[0] != '/')
		return nearest;
	least = strlcpy(folder, mount->folder, sizeof(folder));
	(void)strlcat(folder, path, sizeof(folder));
	nearest = read_group(folder, mount->version_2);
	for (;;) {
		char *last = strrchr(folder + least, '/');
		struct cgroup_memory around;

		if (!last)
			return nearest;
		*last = '\0';
		around = read_group(folder, mount->version_2);
		if (left(&around) < left(&nearest))
			nearest = around;
	}
}

static void find_mount(struct cgroup_mount *mount)
{
	char *text = read_file("/proc/self/mountinfo");

	if (!text)
		return;
	/* The memory controller is in one of the two hierarchies. */
	cgroup_find_mount(text, false, mount);
	if (!mount->folder[0])
		cgroup_find_mount(text, true, mount);
	free(text);
}

struct cgroup_memory cgroup_read(struct cgroup_mount *mount, int pid)
{
	struct cgroup_memory memory = {MEMORY_UNKNOWN, MEMORY_UNKNOWN};
	char name[64], path[PATH_MAX];
	char *text;

	if (!mount->folder[0])
		find_mount(mount);
	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	text = mount->folder[0] ? read_file(name) : NULL;
	if (text && cgroup_find_path(text, mount->version_2, path))
		memory = cgroup_read_memory(mount, path);
	free(text);
	return memory;
}
