/* One refresh as one JSON object on one line: schema 1, which only ever gets more keys. */
#ifndef RSP_OUTPUT_JSON_H
#define RSP_OUTPUT_JSON_H

#include <stdio.h>

#include "profile/snapshot.h"

/*
 * Writes and flushes the object and a line's end. Every key is there, what is unknown is null;
 * bytes that are not UTF-8 in a name are shown as `\xff`. 0, or -errno of the writing.
 */
int json_print(FILE *out, const struct snapshot *snapshot);

#endif
