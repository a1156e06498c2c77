/*
 * Samples of one stack or function, and when they came: in the last refresh, the last ten seconds,
 * the parts of the last minute, since the last reset, since the baseline.
 *
 * A clock, of which a profile has one, gives each refresh its number and second; counts are brought
 * up to it when they are touched, so that what is not sampled costs nothing.
 */
#ifndef RSP_PROFILE_SAMPLE_COUNTS_H
#define RSP_PROFILE_SAMPLE_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/snapshot.h"

enum {
	SAMPLE_SECONDS = 10,
	SAMPLE_PART_SECONDS = 60 / SNAPSHOT_TREND,
	SAMPLE_PARTS = SNAPSHOT_TREND + 1, /* the newest is not over yet */
};

struct sample_clock {
	uint64_t refresh;	       /* number of the one that is being gathered */
	double refresh_s;	       /* when the one before it was */
	double now_s;		       /* since the start */
	uint64_t second;	       /* whole ones of now_s */
	double slot_s[SAMPLE_SECONDS]; /* from when on what is in the slots came; by second */
	uint64_t slot_second[SAMPLE_SECONDS];
};

/* All zero at first. */
struct sample_totals {
	uint64_t all;
	uint64_t zeroed;	/* of them, before the last reset */
	uint64_t zeroed_before; /* before the one before */
	uint64_t marked;	/* before the baseline */
};

/* All zero at first. */
struct sample_counts {
	struct sample_totals totals;
	uint64_t refresh; /* that `latest` is of */
	uint32_t latest;
	uint64_t second; /* that the newest slots are of */
	uint32_t seconds[SAMPLE_SECONDS];
	uint32_t parts[SAMPLE_PARTS];
};

/* Of one time span each. */
struct sample_sums {
	uint64_t in[SNAPSHOT_WINDOWS];
	uint64_t since_mark, before_mark;
};

/* Sets the time, in seconds since the start; it never goes back. */
void sample_clock_set(struct sample_clock *clock, double now_s);

/* Ends a refresh: what is added from now on belongs to the next one. */
void sample_clock_end_refresh(struct sample_clock *clock);

/* How long ago what a window has began to come, in seconds; for SNAPSHOT_ALL since the start. */
double sample_clock_span_s(const struct sample_clock *clock, enum snapshot_window window);

void sample_counts_add(struct sample_counts *counts, const struct sample_clock *clock,
		       uint64_t samples);

/* Whether there is anything of the last minute. */
bool sample_counts_are_recent(const struct sample_counts *counts, const struct sample_clock *clock);

/* Adds what another one has of the last minute, and leaves the totals alone. */
void sample_counts_merge_recent(struct sample_counts *to, const struct sample_counts *from,
				const struct sample_clock *clock);

void sample_totals_add(struct sample_totals *to, const struct sample_totals *from);

/* Counts from now on; takes that back, once. */
void sample_totals_zero(struct sample_totals *totals);
void sample_totals_undo_zero(struct sample_totals *totals);

/* Makes what has been counted the baseline. */
void sample_totals_mark(struct sample_totals *totals);

/* Adds to the sums what the totals have, or totals and what is of the last seconds. */
void sample_totals_sum(const struct sample_totals *totals, struct sample_sums *sums);
void sample_counts_sum(const struct sample_counts *counts, const struct sample_clock *clock,
		       struct sample_sums *sums);

/* Adds the parts of the last minute that are over to a trend, oldest first. */
void sample_counts_add_trend(const struct sample_counts *counts, const struct sample_clock *clock,
			     double trend[SNAPSHOT_TREND]);

/* How many parts there are since the start. */
uint64_t sample_clock_parts(const struct sample_clock *clock);

#endif
