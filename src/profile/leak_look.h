/*
 * One look at a site for leak.c: how its memory grew at one resolution, all of it or only the part
 * that is old, and what in that speaks against a leak. Pure.
 */
#ifndef RSP_PROFILE_LEAK_LOOK_H
#define RSP_PROFILE_LEAK_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/lasting.h"
#include "profile/leak.h"
#include "profile/series.h"
#include "profile/slope.h"

/* What speaks against a leak. */
enum leak_doubt {
	DOUBT_NONE,
	DOUBT_EARLY,	/* it grows, but not for long enough to be sure */
	DOUBT_FEW,	/* too few objects or rises to be sure */
	DOUBT_LITTLE,	/* little beside what is held already */
	DOUBT_SLOWING,	/* the rate falls */
	DOUBT_RESIZED,	/* objects get larger, not more */
	DOUBT_REPLACED, /* objects older than the attachment are still being freed */
	DOUBT_FELL,	/* it has fallen back as far once */
	DOUBT_UNSURE,	/* the rate may fall: too few samples to say */
	DOUBT_PAUSED,	/* the finer resolution sees no growth now */
	DOUBT_BRIEF,	/* it grows for a moment only */
	DOUBT_SPARSE,	/* it grew at a few times only */
	DOUBT_FALLS,	/* it has fallen back as far again and again */
	DOUBT_YOUNG,	/* what it holds is young: objects do not survive */
	DOUBT_NOISE,	/* no more than sampling explains */
	DOUBT_STOPPED,	/* no growth for longer than ever before */
	DOUBT_NO_GROWTH,
};

struct leak_look {
	enum series_scale scale;
	bool old;     /* only memory that is old for this scale */
	size_t count; /* of points whose figure is known */
	struct series_point points[SERIES_SLOTS];
	struct slope_point values[SERIES_SLOTS]; /* the figures looked at, one for each point */
	struct lasting lasting;
	double variance;       /* of the rise, from sampling */
	enum leak_doubt doubt; /* the heaviest */
};

/* The highest level that a doubt leaves. */
enum leak_level leak_doubt_level(enum leak_doubt doubt);

/* Keeps the heavier of the look's doubt and this one. */
void leak_look_doubt(struct leak_look *look, enum leak_doubt doubt);

/* Whether its growth slows down, as far as the look can tell. */
bool leak_look_slows(const struct leak_look *look);

/* Looks at the series and weighs what it says by itself. */
void leak_look_take(struct leak_look *look, const struct leak_evidence *evidence,
		    enum series_scale scale, bool old);

#endif
