/*
 * What the kernel's programs have seen of changes of the target's executable mappings (see
 * bpf/mappings.bpf.h): until they have been taken in, no stack is walked in the kernel.
 */
#ifndef RSP_COLLECT_MAPPING_WATCH_H
#define RSP_COLLECT_MAPPING_WATCH_H

#include <stdint.h>

#include "err.h"

struct mapping_watch;

/* 0, or -errno with one line. */
int mapping_watch_open(struct mapping_watch **ret_watch, struct err *err);
void mapping_watch_close(struct mapping_watch *watch);

/* The map, for programs that are to be loaded. */
int mapping_watch_fd(const struct mapping_watch *watch);

/* How many changes there were, and how many are known. */
uint64_t mapping_watch_changes(const struct mapping_watch *watch);
uint64_t mapping_watch_known(const struct mapping_watch *watch);

/*
 * Says that the first `changes` are known: the number as it was before perf's rings were read, all of
 * which has been taken in.
 */
void mapping_watch_set_known(struct mapping_watch *watch, uint64_t changes);

#endif
