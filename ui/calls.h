/* What the tree and the flame graph, two pictures of one call tree, say in common. */
#ifndef RSP_UI_CALLS_H
#define RSP_UI_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/snapshot.h"

/* The call tree that a snapshot has, and whether it is of the heap; NULL: it has none. */
const struct call_tree *calls_tree(const struct snapshot *snapshot);
bool calls_by_heap(const struct snapshot *snapshot);

/* Why there is nothing to draw, raw in `buf`. */
void calls_explain(const struct snapshot *snapshot, char *buf, size_t size);

/* What the picture is of, `how` it is drawn and what is not in it, raw in `buf`. */
void calls_about(const struct snapshot *snapshot, const char *how, char *buf, size_t size);

#endif
