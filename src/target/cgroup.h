/*
 * The memory limit of the control groups that the process is in: of version 2, or of version 1
 * where that has the memory controller. The limit that counts is the one that is nearest, in its
 * own group or in one around it.
 */
#ifndef RSP_TARGET_CGROUP_H
#define RSP_TARGET_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/memory_facts.h"

/* Where the groups with the memory controller are mounted; a value type. */
struct cgroup_mount {
	bool version_2;
	char folder[PATH_MAX]; /* "": nowhere */
	char root[PATH_MAX];   /* the group that is seen there; "/": all of them */
};

/* Figures in bytes, MEMORY_UNKNOWN where there is no limit or none can be read. */
struct cgroup_memory {
	uint64_t limit_bytes;
	uint64_t used_bytes; /* of all that is in the group, with its page cache */
};

/* Finds the mount of this program's own mount namespace in the text of a mountinfo file. */
void cgroup_find_mount(const char *mountinfo, bool version_2, struct cgroup_mount *ret_mount);

/*
 * The process's group in the text of its cgroup file, as this program sees it. False: it is not in
 * such a hierarchy, or outside of what can be seen. `path` has PATH_MAX.
 */
bool cgroup_find_path(const char *text, bool version_2, char *path);

/* The nearest limit of the group `path` below the mount, and of those around it. */
struct cgroup_memory cgroup_read_memory(const struct cgroup_mount *mount, const char *path);

/* All of that for a process. `mount` is filled when it is all zero, and kept from call to call. */
struct cgroup_memory cgroup_read(struct cgroup_mount *mount, int pid);

#endif
