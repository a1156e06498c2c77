/* The map of where probes have last interrupted the target: the heap's programs write it, that of CPU samples
 * reads it. */
#ifndef RSP_COLLECT_ENTRY_MAP_H
#define RSP_COLLECT_ENTRY_MAP_H

#include "err.h"

/* Makes the map. Its descriptor, owned by the caller; or -errno with one line. */
int entry_map_open(struct err *err);

#endif
