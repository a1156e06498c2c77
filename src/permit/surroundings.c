#include "config.h"

#include "permit/surroundings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Inodes of the machine's first namespaces, the same on every kernel (include/linux/proc_ns.h). */
static const ino_t first_user_namespace = 0xeffffffd, first_pid_namespace = 0xeffffffc;

/* The inode of a namespace; 0: not known. */
static ino_t namespace_of(int pid, const char *kind)
{
	char path[64];
	struct stat found;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return stat(path, &found) < 0 ? 0 : found.st_ino;
}

/* The line of a process's status behind "KEY:"; false: not there. */
static bool read_status(int pid, const char *key, char *buf, size_t size)
{
	char path[64], line[1024];
	size_t length = strlen(key);
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, key, length) == 0 && line[length] == ':';
	(void)fclose(file);
	if (!found)
		return false;
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(buf, size, "%s", line + length + 1);
	return true;
}

/* "docker-default (enforce)", "unconfined", "kernel", or a context of SELinux. */
static void read_label(char *buf, size_t size)
{
	FILE *file = fopen("/proc/self/attr/current", "re");
	size_t length;

	buf[0] = '\0';
	if (!file)
		return;
	length = fread(buf, 1, size - 1, file);
	(void)fclose(file);
	buf[length] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (strcmp(buf, "unconfined") == 0 || strcmp(buf, "kernel") == 0 ||
	    strstr(buf, "unconfined_t"))
		buf[0] = '\0';
}

static const char *find_container(void)
{
	static const struct {
		const char *path, *name;
	} marks[] = {{"/.dockerenv", "docker"},
		     {"/run/.containerenv", "podman"},
		     {"/run/systemd/container", "systemd-nspawn or alike"},
		     {"/var/run/secrets/kubernetes.io", "kubernetes"}};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (access(marks[i].path, F_OK) == 0)
			return marks[i].name;
	return NULL;
}

void surroundings_read(struct surroundings *ret_surroundings)
{
	ino_t pid_namespace = namespace_of(getpid(), "pid");
	ino_t user_namespace = namespace_of(getpid(), "user");
	char seccomp[32];

	*ret_surroundings = (struct surroundings){
	    .own_pid_namespace = pid_namespace && pid_namespace != first_pid_namespace,
	    .own_user_namespace = user_namespace && user_namespace != first_user_namespace,
	    .container = find_container(),
	};
	if (read_status(getpid(), "Seccomp", seccomp, sizeof(seccomp)))
		ret_surroundings->seccomp = (unsigned)strtoul(seccomp, NULL, 10);
	read_label(ret_surroundings->label, sizeof(ret_surroundings->label));
}

static bool differs(int pid, const char *kind)
{
	ino_t theirs = namespace_of(pid, kind), ours = namespace_of(getpid(), kind);

	return theirs && ours && theirs != ours;
}

void surroundings_compare(struct remoteness *ret_remoteness, int pid)
{
	char numbers[256];
	const char *last = NULL;

	*ret_remoteness = (struct remoteness){
	    .pid_namespace = differs(pid, "pid"),
	    .mount_namespace = differs(pid, "mnt"),
	    .user_namespace = differs(pid, "user"),
	    .innermost_pid = pid,
	};
	if (read_status(pid, "NSpid", numbers, sizeof(numbers)))
		last = strrchr(numbers, '\t');
	if (last && strtol(last + 1, NULL, 10) > 0)
		ret_remoteness->innermost_pid = (int)strtol(last + 1, NULL, 10);
}

int surroundings_check_bpf(int pid, struct err *err)
{
	ino_t ours = namespace_of(getpid(), "pid");

	if (!ours || ours == first_pid_namespace || !differs(pid, "pid"))
		return 0;
	return err_set(
	    err, EOPNOTSUPP, EXIT_KERNEL_LACKS,
	    "this is a container, and process %d is in a PID namespace within it, where the "
	    "kernel's programs cannot tell it from others: run rsprof-top in that one, or "
	    "outside of all containers",
	    pid);
}
