/*
 * Whether a site leaks: a rule that makes a verdict of the evidence, and says it in words. Pure.
 * The rule is described in the manual, under LEAKS.
 */
#ifndef RSP_PROFILE_LEAK_H
#define RSP_PROFILE_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/ages.h"
#include "profile/series.h"

enum leak_level {
	LEAK_NONE,   /* nothing that lasts has grown */
	LEAK_CONST,  /* holds memory that does not grow any more */
	LEAK_LOW,    /* grew, but in a way that caches, queues or churn do too */
	LEAK_MEDIUM, /* grows, and something speaks against a leak or it is early */
	LEAK_HIGH,   /* a sure leak */
	LEAK_LEVELS,
};

enum { LEAK_EVIDENCE = 200 };

struct leak_verdict {
	enum leak_level level;
	double score;		  /* for the order, 0 to 100; the level decides, then the slope */
	double slope_bytes_per_s; /* NAN: unknown */
	double slope_half_width;  /* of its 95 % confidence interval; NAN: unknown */
	unsigned windows;	/* that were looked at, and in how many of them memory grew that */
	unsigned windows_grown; /* stayed */
	char evidence[LEAK_EVIDENCE]; /* a sentence; empty: there is nothing to say */
};

/* What is known of a site; borrowed for the call. */
struct leak_evidence {
	const struct series *series;
	double now_s; /* of the series' clock */
	uint64_t live_bytes, live_objects;
	double live_variance; /* of live_bytes where it is an estimate, in bytes squared; else 0 */
	bool ages_known;
	struct ages ages;
	double oldest_s; /* age of the oldest live object; NAN: unknown */
	/* Frees of objects older than the attachment, in the whole process: as long as there are
	 * many, what looks like growth may be replacement. */
	double older_frees_per_s; /* NAN: unknown */
};

/* From which age on memory is old at a resolution: what churn has left behind. */
enum age_bucket leak_old_from(enum series_scale scale);

struct leak_verdict leak_judge(const struct leak_evidence *evidence);

/* "HIGH", "MED", "LOW", "const", "none"; static. */
const char *leak_level_name(enum leak_level level);

#endif
