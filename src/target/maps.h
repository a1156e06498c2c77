/*
 * The executable mappings of a process, from /proc/PID/maps: a sorted array without overlaps, to
 * look an address up in. The text comes from the kernel but the paths in it are the target's.
 */
#ifndef RSP_TARGET_MAPS_H
#define RSP_TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

/* What the target can make us keep: more is counted in `overflow` and left out. */
enum { MAPS_COUNT_MAX = 262144, MAPS_PATH_BYTES_MAX = 64 << 20 };

struct mapping {
	uint64_t start;	 /* first address */
	uint64_t end;	 /* first address behind it */
	uint64_t offset; /* of `start` in the file, bytes */
	uint64_t inode;	 /* 0: not a file */
	uint32_t dev_major;
	uint32_t dev_minor;
	bool executable;
	bool deleted; /* the file has no name any more; " (deleted)" is not part of `path` */
	char *path;   /* owned, never NULL: "/usr/bin/x", "[vdso]", "" for anonymous memory */
};

/* Owner: whoever called maps_parse() or maps_read(). */
struct maps {
	struct mapping *items; /* owned; executable ones only, by `start`, without overlaps */
	size_t count;
	uint64_t total;	     /* lines that were mappings, executable or not */
	uint64_t overflow;   /* executable mappings left out because of the limits above */
	uint64_t malformed;  /* lines that were no mapping, and mappings that overlap others */
	uint64_t generation; /* the owner's stamp, 0 until it sets one */
};

/*
 * Reads the text of a maps file up to its end. Lines that are not well-formed are counted and
 * skipped. 0, or -errno of the reading; `ret_maps` is written on success only.
 */
int maps_parse(struct maps **ret_maps, FILE *file);

/*
 * As maps_parse() for a running process. -ESRCH (EXIT_NO_PROCESS) when there is none, -EACCES or
 * -EPERM (EXIT_NOT_PERMITTED), other -errno (EXIT_FAILED), each with a line in `err`. A process
 * that has exited but is not yet waited for has no mappings: that is success with count 0.
 */
int maps_read(struct maps **ret_maps, int pid, struct err *err);

/* The mapping with start <= addr < end, borrowed until maps_free(); NULL: none, or `maps` is NULL.
 */
const struct mapping *maps_find(const struct maps *maps, uint64_t addr);

/* NULL is allowed. */
void maps_free(struct maps *maps);

#endif
