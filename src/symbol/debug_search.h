/*
 * Finds separate debug files for the worker, which opens nothing itself: first in the target's own
 * root folder, so that containers work, then in ours. What is found is only offered; the worker
 * checks that it belongs to the module.
 */
#ifndef RSP_SYMBOL_DEBUG_SEARCH_H
#define RSP_SYMBOL_DEBUG_SEARCH_H

#include "symbol/module_table.h"
#include "symbol/protocol.h"

struct debug_search;

/* A search that has nothing to look for. `pid` is the process whose root folder is searched. */
struct debug_search *debug_search_new(int pid, const struct module *module);

/* NULL is allowed. */
void debug_search_free(struct debug_search *search);

/*
 * Looks for what a valid answer to REQUEST_MODULE or REQUEST_DEBUG_FILE refers to. A file of
 * DEBUG_OF_MODULE that was offered and taken is searched for no more.
 */
void debug_search_begin(struct debug_search *search, const struct reply *reply);

/* The next file to offer: a descriptor that is the caller's, and its kind; -1: there is no more. */
int debug_search_next(struct debug_search *search, enum debug_kind *ret_kind);

/* The build-id of the module's debug file while none was taken; NULL when it has none. */
const struct build_id *debug_search_missing(const struct debug_search *search);

/* The file that was offered last is one: no other of its kind is wanted. */
void debug_search_taken(struct debug_search *search);

#endif
