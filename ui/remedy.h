/* What spoils the figures or the target most, and what helps against it. */
#ifndef RSP_UI_REMEDY_H
#define RSP_UI_REMEDY_H

#include <stddef.h>

#include "profile/snapshot.h"

/* A share of the target's CPU time from which on watching it is dear, in per cent. */
#define REMEDY_DEAR_PCT 5.0

/* Complete stacks below this share make the figures doubtful, in per cent. */
#define REMEDY_STACKS_PCT 90.0

/* Writes one sentence into `buf` and returns it; NULL when all is well. */
const char *remedy_of(const struct snapshot *snapshot, char *buf, size_t size);

#endif
