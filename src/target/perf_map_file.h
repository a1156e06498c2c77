/* The file in which a process names the code that it makes at run time. */
#ifndef RSP_TARGET_PERF_MAP_FILE_H
#define RSP_TARGET_PERF_MAP_FILE_H

/*
 * Opens /tmp/perf-PID.map as the process sees it, where PID is its number in its own PID namespace
 * or else in ours. Only a regular file of its own user or of root, and no symbolic link leads out
 * of its root. The descriptor is the caller's; -1 when there is none.
 */
int perf_map_file_open(int pid);

#endif
