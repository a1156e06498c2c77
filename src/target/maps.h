/*
 * The executable mappings of a process, without overlaps, to look an address up in. They come from
 * /proc/PID/maps or one by one; the text comes from the kernel but the paths in it are the
 * target's.
 */
#ifndef RSP_TARGET_MAPS_H
#define RSP_TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <bsd/sys/tree.h>

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
	char *path;   /* never NULL: "/usr/bin/x", "[vdso]", "" for anonymous memory */
};

/* Owner: whoever called maps_new(), maps_parse() or maps_read(). */
struct maps {
	RB_HEAD(maps_tree, maps_node) tree; /* executable ones only, by `start` */
	size_t count;
	size_t path_bytes;  /* of all paths with their NULs */
	uint64_t total;	    /* lines that were mappings, executable or not */
	uint64_t overflow;  /* executable mappings left out because of the limits above */
	uint64_t malformed; /* lines that were no mapping, and mappings that overlap others */
};

/* Told of addresses from `start` up to but not including `end`. Must not use the maps. */
typedef void (*maps_range_fn)(void *context, uint64_t start, uint64_t end);

/* Empty maps. */
struct maps *maps_new(void);

/*
 * Reads the text of a maps file up to its end. Lines that are not well-formed are counted and
 * skipped. 0, or -errno of the reading; `ret_maps` is written on success only.
 */
int maps_parse(struct maps **ret_maps, FILE *file);

/*
 * One line of a maps file, whose end is cut off. `ret_name` is what stands behind the numbers, with
 * blanks before it, borrowed from the line; the mapping's own path is not set. False: it is none.
 */
bool maps_take_line(char *line, size_t length, struct mapping *ret_mapping, const char **ret_name);

/*
 * As maps_parse() for a running process. -ESRCH (EXIT_NO_PROCESS) when there is none, -EACCES or
 * -EPERM (EXIT_NOT_PERMITTED), other -errno (EXIT_FAILED), each with a line in `err`. A process
 * that has exited but is not yet waited for has no mappings: that is success with count 0.
 */
int maps_read(struct maps **ret_maps, int pid, struct err *err);

/*
 * Puts a mapping, which is copied, in the place of whatever it overlaps: of that only the parts
 * outside stay. One that is not executable only removes. `changed` is told of the ranges that are
 * another thing after it, before they are; NULL: nobody. Whether there were any. `start` must be
 * below `end`.
 */
bool maps_put(struct maps *maps, const struct mapping *mapping, maps_range_fn changed,
	      void *context);

/* Tells of the ranges that are one thing in `before` and another in `after`, or only in one. */
void maps_compare(const struct maps *before, const struct maps *after, maps_range_fn changed,
		  void *context);

/*
 * The mapping with start <= addr < end, borrowed until the next maps_put() or maps_free(); NULL:
 * none, or `maps` is NULL.
 */
const struct mapping *maps_find(const struct maps *maps, uint64_t addr);

/* The first mapping that ends behind `addr`, borrowed likewise, or NULL. */
const struct mapping *maps_after(const struct maps *maps, uint64_t addr);

/*
 * The length of a mapping's name as the kernel writes it, without " (deleted)", which only files
 * have: the name of anonymous memory is the target's free choice.
 */
size_t maps_path_length(const char *name, bool *ret_deleted);

/* NULL is allowed. */
void maps_free(struct maps *maps);

#endif
