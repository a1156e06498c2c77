/* The functions of a snapshot with the kernel's as one row: most users care only how much it is. */
#ifndef RSP_PROFILE_KERNEL_FOLD_H
#define RSP_PROFILE_KERNEL_FOLD_H

#include "profile/snapshot.h"

/*
 * Makes `folded` of the snapshot's functions, in their order. The row "[kernel]" has as self and
 * total the samples whose innermost frame is in the kernel, and an id of its own that is always the
 * same. There is none without kernel functions.
 */
void snapshot_fold_kernel(struct snapshot *snapshot);

#endif
