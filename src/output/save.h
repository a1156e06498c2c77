/* One refresh in a file. */
#ifndef RSP_OUTPUT_SAVE_H
#define RSP_OUTPUT_SAVE_H

#include "err.h"
#include "profile/snapshot.h"

/*
 * Writes the snapshot as JSON to a new file that only its owner may read. What is there already,
 * a link too, is left alone, and a folder is refused in which everybody could exchange the file. 0, or -errno with one line in `err`; nothing is left behind then.
 */
int save_json(const char *path, const struct snapshot *snapshot, struct err *err);

#endif
