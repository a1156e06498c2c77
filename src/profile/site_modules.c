#include "config.h"

#include "profile/site_modules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "err.h"

static int by_module(const void *left, const void *right)
{
	const struct snapshot_site *const *a = left, *const *b = right;

	return strcmp((*a)->module, (*b)->module);
}

static void add_count(uint64_t *sum, uint64_t count)
{
	*sum = *sum == SNAPSHOT_UNKNOWN || count == SNAPSHOT_UNKNOWN ? SNAPSHOT_UNKNOWN
								       : *sum + count;
}

/* What is not known of one site is taken for nothing, and stays unknown where it is of none. */
static void add_known(double *sum, double value)
{
	if (isnan(*sum))
		*sum = value;
	else if (!isnan(value))
		*sum += value;
}

static void begin(struct snapshot_site *sum, const struct snapshot_site *site)
{
	*sum = (struct snapshot_site){
	    .id = XXH3_64bits(site->module, strlen(site->module)),
	    .function = site->module,
	    .module = site->module,
	    .peak_bytes = SNAPSHOT_UNKNOWN,
	    .change_bytes = (double)NAN,
	    .growth_bytes_per_s = (double)NAN,
	    .alloc_bytes_per_s = (double)NAN,
	    .alloc_objects_per_s = (double)NAN,
	    .freed_bytes_per_s = (double)NAN,
	    .freed_objects_per_s = (double)NAN,
	    .oldest_s = (double)NAN,
	    .ages_known = true,
	};
	for (size_t part = 0; part < SNAPSHOT_TREND; part++)
		sum->trend[part] = (double)NAN;
}

static void add(struct snapshot_site *sum, const struct snapshot_site *site)
{
	add_count(&sum->live_bytes, site->live_bytes);
	add_count(&sum->live_objects, site->live_objects);
	add_count(&sum->alloc_bytes, site->alloc_bytes);
	add_count(&sum->alloc_objects, site->alloc_objects);
	add_count(&sum->freed_bytes, site->freed_bytes);
	add_count(&sum->freed_objects, site->freed_objects);
	add_count(&sum->since_alloc_bytes, site->since_alloc_bytes);
	add_count(&sum->since_freed_bytes, site->since_freed_bytes);
	add_known(&sum->change_bytes, site->change_bytes);
	add_known(&sum->growth_bytes_per_s, site->growth_bytes_per_s);
	add_known(&sum->alloc_bytes_per_s, site->alloc_bytes_per_s);
	add_known(&sum->alloc_objects_per_s, site->alloc_objects_per_s);
	add_known(&sum->freed_bytes_per_s, site->freed_bytes_per_s);
	add_known(&sum->freed_objects_per_s, site->freed_objects_per_s);
	for (size_t part = 0; part < SNAPSHOT_TREND; part++)
		add_known(&sum->trend[part], site->trend[part]);
	/* The errors of different sites are independent. */
	sum->live_ci_bytes = hypot(sum->live_ci_bytes, site->live_ci_bytes);
	sum->ages_known = sum->ages_known && site->ages_known;
	ages_merge(&sum->ages, &site->ages);
	sizes_merge(&sum->sizes, &site->sizes);
	if (!(sum->oldest_s >= site->oldest_s) && !isnan(site->oldest_s))
		sum->oldest_s = site->oldest_s;
}

void snapshot_fill_site_modules(struct snapshot *snapshot)
{
	size_t count = snapshot->site_count, used = 0;
	const struct snapshot_site **order = xcalloc(count + 1, sizeof(*order));
	struct snapshot_site *sums = xcalloc_aligned(count + 1, sizeof(*sums), SNAPSHOT_ROW_ALIGNMENT);

	for (size_t i = 0; i < count; i++)
		order[i] = &snapshot->sites[i];
	qsort(order, count, sizeof(*order), by_module);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(order[i]->module, order[i - 1]->module) != 0)
			begin(&sums[used++], order[i]);
		add(&sums[used - 1], order[i]);
	}
	qsort(sums, used, sizeof(*sums), snapshot_compare_sites);
	free(order);
	snapshot->grouped_sites = sums;
	snapshot->grouped_site_count = used;
}
