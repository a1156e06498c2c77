/* The modules' parts of the JSON. */
#ifndef RSP_OUTPUT_JSON_MODULES_H
#define RSP_OUTPUT_JSON_MODULES_H

#include <jansson.h>

#include "profile/snapshot.h"

/* "modules": those that are not all they could be. The caller owns it. */
json_t *json_modules(const struct snapshot *snapshot);

/* "files": all of them, with what is known. The caller owns it. */
json_t *json_files(const struct snapshot *snapshot);

#endif
