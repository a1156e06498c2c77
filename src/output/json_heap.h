/* The heap's part of the JSON. */
#ifndef RSP_OUTPUT_JSON_HEAP_H
#define RSP_OUTPUT_JSON_HEAP_H

#include <jansson.h>

#include "profile/snapshot.h"

/* The object "heap", owned by the caller. */
json_t *json_heap(const struct snapshot *snapshot);

#endif
