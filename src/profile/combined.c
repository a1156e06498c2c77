/* Both lists are put into one, by id, and what has the same id becomes one row. */
#include "config.h"

#include "profile/combined.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "profile/cpu_profile.h"

static struct snapshot_combined from_function(const struct snapshot *snapshot,
					      const struct snapshot_function *function)
{
	bool heap = snapshot->heap.state == CHANNEL_ON;
	bool frees = heap && !snapshot->heap.frees_unknown;

	return (struct snapshot_combined){
	    .id = function->id,
	    .name = function->name,
	    .module = function->module,
	    .file = function->file,
	    .line = function->line,
	    .kernel = function->kernel,
	    .self_samples = function->self_samples,
	    .self_pct = function->self_pct,
	    .total_pct = function->total_pct,
	    .live_bytes = frees ? 0 : SNAPSHOT_UNKNOWN,
	    .growth_bytes_per_s = frees ? 0 : NAN,
	    .alloc_bytes_per_s = heap ? 0 : NAN,
	};
}

static struct snapshot_combined from_site(const struct snapshot *snapshot,
					  const struct snapshot_site *site)
{
	bool cpu = snapshot->cpu.state == CHANNEL_ON;

	return (struct snapshot_combined){
	    .id = cpu_profile_function_id(site->function, site->module),
	    .name = site->function,
	    .module = site->module,
	    .file = site->file,
	    .line = site->line,
	    .self_pct = cpu ? 0 : NAN,
	    .total_pct = cpu ? 0 : NAN,
	    .live_bytes = site->live_bytes,
	    .growth_bytes_per_s = site->growth_bytes_per_s,
	    .alloc_bytes_per_s = site->alloc_bytes_per_s,
	};
}

/* Functions come before sites of the same id, so that theirs is the place: where it is declared. */
static int by_id(const void *left, const void *right)
{
	const struct snapshot_combined *a = left, *b = right;

	if (a->id != b->id)
		return (a->id > b->id) - (a->id < b->id);
	return (a->total_pct < b->total_pct) - (a->total_pct > b->total_pct);
}

/* What one of them does not know, neither does the sum. */
static void add_heap(struct snapshot_combined *to, const struct snapshot_combined *from)
{
	if (to->live_bytes == SNAPSHOT_UNKNOWN || from->live_bytes == SNAPSHOT_UNKNOWN)
		to->live_bytes = SNAPSHOT_UNKNOWN;
	else
		to->live_bytes += from->live_bytes;
	to->growth_bytes_per_s += from->growth_bytes_per_s;
	to->alloc_bytes_per_s += from->alloc_bytes_per_s;
}

void snapshot_fill_combined(struct snapshot *snapshot)
{
	bool folded = snapshot->request.fold_kernel;
	const struct snapshot_function *functions = folded ? snapshot->folded : snapshot->functions;
	size_t function_count = folded ? snapshot->folded_count : snapshot->function_count;
	size_t most = function_count + snapshot->site_count, count = 0, used = 0;
	struct snapshot_combined *rows = xcalloc(most + 1, sizeof(*rows));

	for (size_t i = 0; i < function_count; i++)
		rows[count++] = from_function(snapshot, &functions[i]);
	for (size_t i = 0; i < snapshot->site_count; i++)
		rows[count++] = from_site(snapshot, &snapshot->sites[i]);
	if (count > 1)
		qsort(rows, count, sizeof(*rows), by_id);
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && rows[used - 1].id == rows[i].id)
			add_heap(&rows[used - 1], &rows[i]);
		else
			rows[used++] = rows[i];
	}
	snapshot->combined = rows;
	snapshot->combined_count = used;
}
