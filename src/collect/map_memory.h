/* How much of the kernel's memory a BPF map of ours takes, as the kernel itself says it. */
#ifndef RSP_COLLECT_MAP_MEMORY_H
#define RSP_COLLECT_MAP_MEMORY_H

#include <stdint.h>

struct map_memory {
	uint32_t id;	 /* the kernel's; all descriptors of one map have the same */
	uint64_t bytes;	 /* what is accounted for it now */
};

/* Reads it of an open map. 0, or -errno: the kernel does not say it. */
int map_memory_read(int fd, struct map_memory *ret_memory);

/* Reads it out of the text of a map's /proc/PID/fdinfo/FD. 0, or -ENOENT: it is not there. */
int map_memory_parse(const char *text, struct map_memory *ret_memory);

/* Called with each map of a source: its name in the BPF program, and its descriptor, which is not owned. */
typedef void (*each_map_fn)(void *context, const char *name, int fd);

#endif
