/* The part of the JSON on memory touched for the first time, and on the process's memory in all. */
#ifndef RSP_OUTPUT_JSON_GROWTH_H
#define RSP_OUTPUT_JSON_GROWTH_H

#include <jansson.h>

#include "profile/snapshot.h"

/* The object "growth", owned by the caller. */
json_t *json_growth(const struct snapshot *snapshot);

#endif
