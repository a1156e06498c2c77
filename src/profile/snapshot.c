/* The end of a snapshot. What builds it is the session, strings stay the session's. */
#include "config.h"

#include "profile/snapshot.h"

#include <stdlib.h>

static void free_site(struct snapshot_site *site)
{
	for (size_t i = 0; i < site->stack_count; i++)
		free(site->stacks[i].frames);
	free(site->stacks);
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->site_count; i++)
		free_site(&snapshot->sites[i]);
	free(snapshot->sites);
	free(snapshot->suspects);
	free(snapshot->functions);
	free(snapshot->folded);
	free(snapshot->allocators);
	free(snapshot->channels);
	free(snapshot->maps);
	free(snapshot->probes);
	free(snapshot->modules);
	free(snapshot);
}
