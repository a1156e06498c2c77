/* The ledger's part of the JSON. */
#ifndef RSP_OUTPUT_JSON_LEDGER_H
#define RSP_OUTPUT_JSON_LEDGER_H

#include <jansson.h>

#include "profile/snapshot.h"

/* The object "ledger", owned by the caller. */
json_t *json_ledger(const struct snapshot *snapshot);

#endif
