/* The map of allocator calls in flight, which the heap's programs keep and that of CPU samples reads. */
#ifndef RSP_COLLECT_CALL_MAP_H
#define RSP_COLLECT_CALL_MAP_H

#include <stdint.h>

#include "err.h"

/* Makes the map with room for so many threads, 0: as many as usual. Its descriptor, owned by the caller;
 * or -errno with one line. */
int call_map_open(uint64_t threads, struct err *err);

#endif
