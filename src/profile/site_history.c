#include "config.h"

#include "profile/site_history.h"

#include <math.h>
#include <stdlib.h>

#include "err.h"
#include "profile/growth.h"
#include "profile/series.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

struct entry {
	uint64_t id;
	uint64_t peak_bytes;
	struct growth live_bytes;
	struct growth alloc_bytes, alloc_objects;
	struct growth freed_bytes, freed_objects;
	struct series *series; /* owned; NULL: not one of those that hold most */
	uint64_t seen;	       /* the refresh in which the site was there last */
	UT_hash_handle hh;
};

struct site_history {
	struct entry *entries;
	struct growth untracked_frees;
	uint64_t refresh;
	double begin_s; /* of the books; 0: unknown */
	double last_s;	/* the refresh before; 0: none */
};

struct site_history *site_history_new(void)
{
	return xcalloc(1, sizeof(struct site_history));
}

static void drop(struct site_history *history, struct entry *entry)
{
	HASH_DEL(history->entries, entry);
	free(entry->series);
	free(entry);
}

/* A site whose name has become known is another one: what it was called before is gone. */
static void drop_unseen(struct site_history *history)
{
	struct entry *entry, *next;

	HASH_ITER (hh, history->entries, entry, next)
		if (entry->seen != history->refresh)
			drop(history, entry);
}

void site_history_reset(struct site_history *history)
{
	struct entry *entry, *next;

	HASH_ITER (hh, history->entries, entry, next)
		drop(history, entry);
	*history = (struct site_history){0};
}

void site_history_free(struct site_history *history)
{
	if (!history)
		return;
	site_history_reset(history);
	free(history);
}

void site_history_begin(struct site_history *history, double now_s)
{
	history->begin_s = now_s;
}

static void add_zero(struct entry *entry, double time_s)
{
	growth_add(&entry->live_bytes, time_s, 0);
	growth_add(&entry->alloc_bytes, time_s, 0);
	growth_add(&entry->alloc_objects, time_s, 0);
	growth_add(&entry->freed_bytes, time_s, 0);
	growth_add(&entry->freed_objects, time_s, 0);
}

/* Of what has only appeared it is known that there was nothing until the last refresh. */
static struct entry *find_or_make(struct site_history *history, const struct snapshot_site *site, double now_s)
{
	struct entry *entry;

	HASH_FIND(hh, history->entries, &site->id, sizeof(site->id), entry);
	if (entry)
		return entry;
	entry = xcalloc(1, sizeof(*entry));
	entry->id = site->id;
	if (site->appeared && history->begin_s > 0) {
		add_zero(entry, fmax(history->begin_s, now_s - GROWTH_WINDOW_S));
		add_zero(entry, history->last_s);
	}
	HASH_ADD(hh, history->entries, id, sizeof(entry->id), entry);
	return entry;
}

static void fill_oldest(struct snapshot_site *site, double now_s)
{
	double age_s = now_s - (double)site->ages.oldest_ns * 1e-9;

	site->ages_known = site->ages.oldest_ns != 0;
	site->oldest_s = !site->ages_known ? (double)NAN : age_s > 0 ? age_s : 0;
}

static void fill_rates(struct entry *entry, struct snapshot_site *site, double now_s)
{
	if (site->live_bytes > entry->peak_bytes)
		entry->peak_bytes = site->live_bytes;
	growth_add(&entry->live_bytes, now_s, (double)site->live_bytes);
	growth_add(&entry->alloc_bytes, now_s, (double)site->alloc_bytes);
	growth_add(&entry->alloc_objects, now_s, (double)site->alloc_objects);
	growth_add(&entry->freed_bytes, now_s, (double)site->freed_bytes);
	growth_add(&entry->freed_objects, now_s, (double)site->freed_objects);
	site->peak_bytes = entry->peak_bytes;
	site->growth_bytes_per_s = growth_per_s(&entry->live_bytes);
	site->alloc_bytes_per_s = growth_per_s(&entry->alloc_bytes);
	site->alloc_objects_per_s = growth_per_s(&entry->alloc_objects);
	site->freed_bytes_per_s = growth_per_s(&entry->freed_bytes);
	site->freed_objects_per_s = growth_per_s(&entry->freed_objects);
}

static void add_to_series(struct entry *entry, const struct snapshot_site *site, double now_s)
{
	struct series_sample sample = {
	    .live_bytes = site->live_bytes,
	    .live_objects = site->live_objects,
	    .alloc_bytes = site->alloc_bytes,
	    .freed_bytes = site->freed_bytes,
	};

	for (enum series_scale scale = SERIES_MINUTE; scale < SERIES_SCALES; scale++)
		sample.old_bytes[scale] = site->ages_known
					      ? (uint64_t)ages_bytes_from(&site->ages, leak_old_from(scale))
					      : SERIES_UNKNOWN;
	series_add(entry->series, now_s, &sample);
}

/* The last minute in SNAPSHOT_TREND parts, the latest at the end. */
static void fill_trend(const struct series *series, struct snapshot_site *site)
{
	enum { SLOTS = SERIES_SLOTS / SNAPSHOT_TREND };
	struct series_point points[SERIES_SLOTS];
	size_t count = series_points(series, SERIES_MINUTE, points);
	uint32_t latest = count ? points[count - 1].number : 0;

	for (size_t i = 0; i < count; i++) {
		double *value =
		    &site->trend[SNAPSHOT_TREND - 1 - (latest - points[i].number) / SLOTS];

		if (isnan(*value) || (double)points[i].live_bytes < *value)
			*value = (double)points[i].live_bytes;
	}
}

static void judge(struct site_history *history, const struct entry *entry,
		  struct snapshot_site *site, double now_s)
{
	/* What is not known may be all of it. */
	const double error = isnan(site->live_ci_bytes) ? (double)site->live_bytes
							: site->live_ci_bytes / 1.96;
	const struct leak_evidence evidence = {
	    .series = entry->series,
	    .now_s = now_s,
	    .live_bytes = site->live_bytes,
	    .live_objects = site->live_objects,
	    .live_variance = error * error,
	    .ages_known = site->ages_known,
	    .ages = site->ages,
	    .oldest_s = site->oldest_s,
	    .older_frees_per_s = growth_per_s(&history->untracked_frees),
	};

	site->leak = leak_judge(&evidence);
}

static void forget_series(struct entry *entry, struct snapshot_site *site)
{
	free(entry->series);
	entry->series = NULL;
	site->leak = (struct leak_verdict){
	    .level = LEAK_NONE, .slope_bytes_per_s = (double)NAN, .slope_half_width = (double)NAN};
}

void site_history_fill(struct site_history *history, struct snapshot_site *sites, size_t count,
		       uint64_t untracked_frees, double now_s)
{
	history->refresh++;
	growth_add(&history->untracked_frees, now_s, (double)untracked_frees);
	for (size_t i = 0; i < count; i++) {
		struct entry *entry = find_or_make(history, &sites[i], now_s);

		entry->seen = history->refresh;
		fill_oldest(&sites[i], now_s);
		fill_rates(entry, &sites[i], now_s);
		for (size_t t = 0; t < SNAPSHOT_TREND; t++)
			sites[i].trend[t] = (double)NAN;
		if (i >= SITE_HISTORY_SERIES) {
			forget_series(entry, &sites[i]);
			continue;
		}
		if (!entry->series)
			entry->series = xcalloc(1, sizeof(*entry->series));
		add_to_series(entry, &sites[i], now_s);
		fill_trend(entry->series, &sites[i]);
		judge(history, entry, &sites[i], now_s);
	}
	drop_unseen(history);
	history->last_s = now_s;
}
