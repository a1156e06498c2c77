/*
 * What kind of memory an address of the process is in: anonymous memory, which is what a heap is
 * made of, or a file's pages. Made from /proc/PID/maps, which is read only when it is asked to be,
 * and never for more than a small part of our time.
 */
#ifndef RSP_TARGET_MEMORY_MAP_H
#define RSP_TARGET_MEMORY_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum memory_kind { MEMORY_UNMAPPED, MEMORY_ANONYMOUS, MEMORY_FILE };

struct memory_map;

/* Knows nothing before the first reading. */
struct memory_map *memory_map_new(int pid);
void memory_map_free(struct memory_map *map);

/*
 * Reads the mappings, unless the last reading was a moment ago. `now_s` is of a monotonic clock.
 * True: what is known is of now. Of a process that is gone the last ones stay.
 */
bool memory_map_refresh(struct memory_map *map, double now_s);

/*
 * How long the mappings are not read again after two readings that took so long each, in seconds. The
 * shorter one decides: on a virtual machine time that was stolen from us once looks like work, and would
 * keep us blind for seconds.
 */
double memory_map_pause_s(double worked_s, double worked_before_s);

/* Takes the text of a maps file in place of what is known; lines that are none are left out. */
void memory_map_parse(struct memory_map *map, FILE *file);

/* As of the last reading. Shared memory counts as a file, which it is for the kernel. */
enum memory_kind memory_map_kind(const struct memory_map *map, uint64_t address);

/* Size of what brk() has, in bytes. */
uint64_t memory_map_brk_bytes(const struct memory_map *map);

/* Where that ends. 0: it has nothing. */
uint64_t memory_map_brk_end(const struct memory_map *map);

#endif
