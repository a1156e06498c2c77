/*
 * Loads the heap's programs in a thread of its own: the kernel takes some hundred milliseconds to look
 * at them, in which the event loop is to go on. Nobody else touches the source meanwhile.
 */
#ifndef RSP_COLLECT_HEAP_LOAD_H
#define RSP_COLLECT_HEAP_LOAD_H

#include "collect/heap_source_state.h"

struct heap_load;

/* Begins. 0, or -errno, and then nothing has been begun. */
int heap_load_begin(struct heap_load **ret_load, struct heap_source *source,
		    const struct heap_options *options);

/* A descriptor that is readable when the thread is through. */
int heap_load_fd(const struct heap_load *load);

/* Waits for the thread, and frees what belongs to loading. 0, or -errno that loading has come to. NULL is
 * allowed. */
int heap_load_end(struct heap_load *load);

#endif
