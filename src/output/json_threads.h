/* The threads' part of the JSON. */
#ifndef RSP_OUTPUT_JSON_THREADS_H
#define RSP_OUTPUT_JSON_THREADS_H

#include <jansson.h>

#include "profile/snapshot.h"

/* "threads". The caller owns it. */
json_t *json_threads(const struct snapshot *snapshot);

#endif
