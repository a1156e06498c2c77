/* What spoils the figures or the target most, and what helps against it. */
#ifndef RSP_UI_REMEDY_H
#define RSP_UI_REMEDY_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/snapshot.h"

/* Complete stacks below this share make the figures doubtful, in per cent. */
#define REMEDY_STACKS_PCT 90.0

/* Watching costs the target more than the budget, or without one more than what the default would be. */
bool remedy_is_dear(const struct snapshot *snapshot);

/* Writes one sentence into `buf` and returns it; NULL when all is well. */
const char *remedy_of(const struct snapshot *snapshot, char *buf, size_t size);

#endif
