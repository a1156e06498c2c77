/*
 * What a setting of the governor's would cost, by what the present one does, and which one is the
 * next. Nothing of when. Pure.
 */
#ifndef RSP_OVERHEAD_GOVERNOR_STEPS_H
#define RSP_OVERHEAD_GOVERNOR_STEPS_H

#include "overhead/governor.h"

/* Parts of the budget: a step is undone when all would stay below the one, and above the other it
 * is not waited for whether the cost stays. */
extern const double governor_calm, governor_high;

/* What we have cost, and that in per cent of the target's CPU time. */
double governor_cost_ns(const struct cost_slice *cost);
double governor_cost_pct(const struct cost_slice *cost);

bool governor_same(const struct governor_setting *a, const struct governor_setting *b);

/* Whether a setting would cost no more than this part of the budget, or next to nothing. */
bool governor_fits(const struct governor *governor, const struct governor_limits *limits,
		   const struct governor_facts *facts, const struct governor_setting *setting,
		   double part);

/* As much of a measure as helps, the next one only when this does not suffice. */
struct governor_setting governor_tighter(const struct governor *governor,
					 const struct governor_limits *limits,
					 const struct governor_facts *facts);

/* One measure less: a share of the time by as much as stays calm, which is known well; others by a
 * step. */
struct governor_setting governor_looser(const struct governor *governor,
					const struct governor_limits *limits,
					const struct governor_facts *facts);

/* The present setting for as large a share of the time as stays calm, at most 1 / 2^least. */
struct governor_setting governor_longer(const struct governor *governor,
					const struct governor_limits *limits,
					const struct governor_facts *facts, unsigned least);

/* What it would cost to see what is freed, at the least, with this setting otherwise; per cent. */
double governor_followed_pct(const struct governor *governor, const struct governor_limits *limits,
			     const struct governor_facts *facts,
			     const struct governor_setting *next);

#endif
