/* Where this process and a target run: namespaces, and what stands between them and the kernel. */
#ifndef RSP_PERMIT_SURROUNDINGS_H
#define RSP_PERMIT_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct surroundings {
	bool own_pid_namespace;	 /* another one than the machine's first */
	bool own_user_namespace; /* the same: root here is not root there */
	unsigned seccomp;	 /* 0 none, 1 strict, 2 filter */
	char label[128];	 /* of a security module; "": none, or it does not confine */
	const char *container;	 /* whose mark is there, such as "docker"; NULL: none */
};

/* Of this process. */
void surroundings_read(struct surroundings *ret_surroundings);

/* Of a process in relation to this one; all false where it cannot be known. */
struct remoteness {
	bool pid_namespace, mount_namespace, user_namespace; /* another than ours */
	int innermost_pid;				     /* its number for itself */
};

void surroundings_compare(struct remoteness *ret_remoteness, int pid);

/*
 * BPF programs know the target by its number in our PID namespace, which the kernel tells them where
 * that is the machine's first one or the target's own. 0; or -EOPNOTSUPP with one line.
 */
int surroundings_check_bpf(int pid, struct err *err);

#endif
