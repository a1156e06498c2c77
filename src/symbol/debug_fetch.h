/*
 * Debug files from debuginfod servers, fetched by a process of its own so that nothing waits for
 * the network. Only where the environment names servers (DEBUGINFOD_URLS). All functions take NULL,
 * which has nothing.
 */
#ifndef RSP_SYMBOL_DEBUG_FETCH_H
#define RSP_SYMBOL_DEBUG_FETCH_H

#include <stdint.h>

#include "symbol/protocol.h"

struct debug_fetch;

/* NULL when no server is named. */
struct debug_fetch *debug_fetch_new(void);

/* Ends the process. */
void debug_fetch_free(struct debug_fetch *fetch);

/* Asks for the debug file with a build-id; `number` comes back with it. */
void debug_fetch_ask(struct debug_fetch *fetch, uint32_t number, const struct build_id *build_id);

/* A file that has come, a descriptor that is the caller's; -1: none is there. Does not wait. */
int debug_fetch_take(struct debug_fetch *fetch, uint32_t *ret_number);

/* Files that no server gave, or for which the process failed. */
unsigned debug_fetch_failures(const struct debug_fetch *fetch);

#endif
