/* Allocation sites summed up by the module that they are in. */
#ifndef RSP_PROFILE_SITE_MODULES_H
#define RSP_PROFILE_SITE_MODULES_H

#include "profile/snapshot.h"

/*
 * Fills the snapshot's sites by module from its sites, which are complete. A sum has no place, no stacks
 * and no verdict on leaks, and its peak is not known: the sites' peaks were at different times.
 */
void snapshot_fill_site_modules(struct snapshot *snapshot);

#endif
