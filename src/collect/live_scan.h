/*
 * Reads the kernel's map of live objects a little at a time, so that a map with a million objects
 * never stalls the screen, and sums the ages of the objects of each site. A pass over the whole
 * map takes as many steps as it needs; what the last whole pass found stays until the next one is
 * done. A pass is no instant: an object that comes or goes during it may be in it or not.
 */
#ifndef RSP_COLLECT_LIVE_SCAN_H
#define RSP_COLLECT_LIVE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/ages.h"
#include "collect/sizes.h"

struct live_scan;

/* Sites in a pass; objects of more of them are counted as skipped. */
enum { LIVE_SCAN_SITES = 1 << 17 };

/*
 * Asked about each object with a provisional id that is met: the id that it has from now on, the same
 * if its stack is not known yet.
 */
typedef uint64_t (*live_scan_settle_fn)(void *context, uint64_t address, uint64_t provisional_id);

/* `map_fd` is borrowed: the map of struct heap_object by address. */
struct live_scan *live_scan_new(int map_fd, live_scan_settle_fn settle, void *context);

/* NULL is allowed. */
void live_scan_free(struct live_scan *scan);

/*
 * Goes on with the pass, or begins one, for about `budget_ns` of CPU time. Of all the time at most a fiftieth
 * is spent here: a step that comes too soon after the last one does nothing. Objects of another
 * epoch than `epoch` are left out, and a new one begins a new pass. 1: a pass is done, 0: not yet,
 * -errno: the map cannot be read, and the pass begins anew.
 */
int live_scan_step(struct live_scan *scan, uint64_t epoch, uint64_t budget_ns);

/* Calls back with the ages and sizes of each site that had live objects in the last whole pass. */
typedef void (*live_scan_fn)(void *context, uint64_t site_id, const struct ages *ages, const struct sizes *sizes);
void live_scan_each(const struct live_scan *scan, live_scan_fn each, void *context);

/* Objects of the last whole pass that are in no site's ages. */
uint64_t live_scan_skipped(const struct live_scan *scan);

#endif
