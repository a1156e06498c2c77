/* One refresh as a text table, for -b: what the screen shows, for a pipe or a file. */
#ifndef RSP_OUTPUT_BATCH_H
#define RSP_OUTPUT_BATCH_H

#include <stdio.h>

#include "profile/snapshot.h"

/*
 * Writes and flushes summary lines, the functions and the sites at the top, and an empty line.
 * Names from the target cannot carry control characters. 0, or -errno of the writing.
 */
int batch_print(FILE *out, const struct snapshot *snapshot);

#endif
