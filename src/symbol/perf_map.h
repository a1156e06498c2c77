/*
 * Names of code that has no file: the map that a just-in-time compiler writes, a line "START SIZE
 * NAME" for each function, the numbers in hexadecimal. The file is the target's and grows while it
 * is read.
 */
#ifndef RSP_SYMBOL_PERF_MAP_H
#define RSP_SYMBOL_PERF_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct perf_map;

/* What is kept: when either is reached, the older half of the entries is forgotten. */
enum { PERF_MAP_ENTRIES_MAX = 262144, PERF_MAP_BYTES_MAX = 32 << 20 };

/* Takes over the descriptor of a regular file, from which nothing is read before it is asked for. */
struct perf_map *perf_map_new(int fd);

/* Closes it and frees what was read; NULL is nothing. */
void perf_map_free(struct perf_map *map);

/*
 * Reads the lines that were added since the last time; one without its end waits for it. A file that
 * has become shorter is read from its start, as another one. Of more bytes than are kept at all only
 * the last are read.
 */
void perf_map_read(struct perf_map *map);

/* As perf_map_read(), but at most ten times a second, and less often where reading takes long. */
void perf_map_refresh(struct perf_map *map);

/*
 * The name of an address and where its function starts; NULL if there is none. Of entries that overlap
 * the last in the file counts. The name is valid until the next read.
 */
const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *ret_start);

/* Whether entries of the file were forgotten or passed over for want of room. */
bool perf_map_is_cut(const struct perf_map *map);

#endif
