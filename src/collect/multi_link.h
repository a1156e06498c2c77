/*
 * uprobe-multi links by system call: one descriptor for many places of a file. The kernel has had them since
 * 6.6, libbpf 1.1 has not. And the program that does nothing, which needs no object file.
 */
#ifndef RSP_COLLECT_MULTI_LINK_H
#define RSP_COLLECT_MULTI_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct multi_link {
	int program_fd;
	unsigned attach_type;	/* that the program was loaded for */
	bool on_return;		/* at the returns of the functions that begin at the places */
	int pid;		/* in this process only */
	const char *path;
	const uint64_t *offsets;
	const uint64_t *cookies; /* NULL: none */
	size_t count;		/* of offsets, and of cookies */
};

/* Attaches the program. The link's descriptor, with which all ends, or -errno. */
int multi_link_create(const struct multi_link *link);

/* The program that does nothing, for a type of attachment, 0: perf events. Its descriptor, or -errno. */
int empty_program_load(unsigned attach_type);

#endif
