/*
 * CPU and heap of the same code side by side: one row for each function that has CPU samples of its
 * own, or is the site of allocations, joined by name and module. The kernel's functions are one row where
 * the request wants them folded.
 */
#ifndef RSP_PROFILE_COMBINED_H
#define RSP_PROFILE_COMBINED_H

#include "profile/snapshot.h"

/* Fills the combined rows of a snapshot whose functions and sites are there. */
void snapshot_fill_combined(struct snapshot *snapshot);

#endif
