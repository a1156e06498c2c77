/*
 * What is remembered of allocation sites from refresh to refresh: peaks, rates, and of the sites
 * that hold most also the series from which leaks are judged.
 */
#ifndef RSP_PROFILE_SITE_HISTORY_H
#define RSP_PROFILE_SITE_HISTORY_H

#include "profile/snapshot.h"

struct site_history;

/* Sites with a series, about 9 KB each; those with the least live bytes go first. */
enum { SITE_HISTORY_SERIES = 1024 };

struct site_history *site_history_new(void);

/* NULL is allowed. */
void site_history_free(struct site_history *history);

/* The books of all sites begin with nothing, at a time of CLOCK_MONOTONIC. */
void site_history_begin(struct site_history *history, double now_s);

/* Forgets everything. */
void site_history_reset(struct site_history *history);

/*
 * Takes the figures of all sites, in the order of live bytes, at a time of CLOCK_MONOTONIC, and
 * fills what follows: age of the oldest, and with those of before peak, rates, trend, verdict. `untracked_frees` is that
 * of the whole process.
 */
void site_history_fill(struct site_history *history, struct snapshot_site *sites, size_t count,
		       uint64_t untracked_frees, double now_s);

#endif
