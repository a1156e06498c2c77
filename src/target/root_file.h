/* Files as a process sees them, in its own root folder and mount namespace. */
#ifndef RSP_TARGET_ROOT_FILE_H
#define RSP_TARGET_ROOT_FILE_H

#include <stdbool.h>

/*
 * Opens a path as the process sees it, close-on-exec and without waiting for a FIFO or becoming the
 * owner of a terminal; `flags` as for open(2). Links are followed within the root folder, never out
 * of it. `pid` 0 is this program's own root. A descriptor that is the caller's, or -errno.
 */
int root_file_open(int pid, const char *path, int flags);

/* Whether the process has this program's root folder. */
bool root_file_is_ours(int pid);

#endif
