#include "config.h"

#include "profile/leak_look.h"

#include <math.h>

enum {
	HIGH_STEPS = 7,
	MEDIUM_STEPS = 4,
	HIGH_OBJECTS = 5,
};

/* Growth that was seen for fewer slots is early, and for fewer than the second a moment. */
static const double high_slots[SERIES_SCALES] = {40, 12, 10};
static const double medium_slots[SERIES_SCALES] = {8, 6, 5};

/* Growth below this part of what is held may be the last of something that fills. */
static const double little = 0.01;

/* In the last third less than this part of what it is in the first. */
static const double slows_below = 0.5;

enum leak_level leak_doubt_level(enum leak_doubt doubt)
{
	if (doubt == DOUBT_NONE)
		return LEAK_HIGH;
	if (doubt < DOUBT_BRIEF)
		return LEAK_MEDIUM;
	return doubt < DOUBT_STOPPED ? LEAK_LOW : LEAK_CONST;
}

void leak_look_doubt(struct leak_look *look, enum leak_doubt doubt)
{
	if (leak_doubt_level(doubt) < leak_doubt_level(look->doubt))
		look->doubt = doubt;
}

static void doubt_if(struct leak_look *look, bool condition, enum leak_doubt doubt)
{
	if (condition)
		leak_look_doubt(look, doubt);
}

/* Only the points whose figure is known stay. */
static void read_points(struct leak_look *look, const struct series *series)
{
	size_t count = series_points(series, look->scale, look->points);

	look->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct series_point point = look->points[i];
		uint64_t bytes = look->old ? point.old_bytes : point.live_bytes;

		if (look->old && bytes == SERIES_UNKNOWN)
			continue;
		look->values[look->count] = (struct slope_point){point.time_s, (double)bytes};
		look->points[look->count++] = point;
	}
}

/* Seconds between two points: a slot, or more where refreshes are rarer. */
static double spacing_s(const struct leak_look *look)
{
	double slot_s = series_slot_s(look->scale);
	double mean_s = (look->values[look->count - 1].time_s - look->values[0].time_s) /
			(double)(look->count - 1);

	return mean_s > slot_s ? mean_s : slot_s;
}

bool leak_look_slows(const struct leak_look *look)
{
	return look->count >= 6 && look->lasting.steps >= MEDIUM_STEPS &&
	       look->lasting.late < slows_below * look->lasting.early;
}

/* What the rise has of variance is that of its parts by their share. */
static bool may_slow(const struct leak_look *look)
{
	const struct lasting *lasting = &look->lasting;
	double variance = look->variance * (lasting->late + slows_below * slows_below * lasting->early) / lasting->rise;

	return variance > 0 && lasting->late - slows_below * lasting->early < 1.96 * sqrt(variance);
}

static void weigh_shape(struct leak_look *look)
{
	const struct lasting *lasting = &look->lasting;
	double spacing = spacing_s(look), slots;

	slots = lasting->span_s / series_slot_s(look->scale);
	doubt_if(look, lasting->quiet_s > 1.5 * lasting->gap_s + 2.5 * spacing, DOUBT_STOPPED);
	doubt_if(look, slots < medium_slots[look->scale] - 0.5, DOUBT_BRIEF);
	doubt_if(look, lasting->steps < MEDIUM_STEPS, DOUBT_SPARSE);
	doubt_if(look, lasting->grown * 3 < lasting->windows, DOUBT_SPARSE);
	doubt_if(look, slots < high_slots[look->scale] - 0.5, DOUBT_EARLY);
	doubt_if(look, lasting->steps < HIGH_STEPS, DOUBT_FEW);
	doubt_if(look, lasting->grown * 9 < lasting->windows * 5, DOUBT_FEW);
	doubt_if(look, leak_look_slows(look), DOUBT_SLOWING);
}

/* How many more objects stay at the end than at the beginning. */
static double objects_grown(const struct leak_look *look)
{
	size_t last = look->count - 1, begin = look->lasting.begin;
	uint32_t least = look->points[last].live_objects, held;

	/* A twelfth before the end, as lasting_measure() does. */
	for (size_t i = last; i + look->count / LASTING_WINDOWS >= last && i > begin; i--)
		if (look->points[i].live_objects < least)
			least = look->points[i].live_objects;
	held = least;
	for (size_t i = begin; i < look->count; i++)
		if (look->points[i].live_objects < held)
			held = look->points[i].live_objects;
	return (double)least - (double)held;
}

static void weigh_objects(struct leak_look *look, const struct leak_evidence *evidence)
{
	double objects = objects_grown(look), span_s = look->lasting.span_s;
	double mean_bytes = evidence->live_objects
				? (double)evidence->live_bytes / (double)evidence->live_objects
				: 0;
	bool resized = objects * mean_bytes < 0.2 * look->lasting.rise;
	enum age_bucket half = AGE_0S;

	while (half + 1 < AGE_BUCKETS && ages_edge_s(half + 1) <= span_s / 2)
		half++;
	doubt_if(look, resized, DOUBT_RESIZED);
	doubt_if(look, objects < HIGH_OBJECTS, DOUBT_FEW);
	if (resized || !evidence->ages_known)
		return;
	doubt_if(look, evidence->oldest_s < span_s / 3, DOUBT_YOUNG);
	/* Ages that lack much of what lives now were read too long ago to say more. */
	if (ages_bytes_from(&evidence->ages, AGE_0S) >= 0.8 * (double)evidence->live_bytes)
		doubt_if(look, ages_bytes_from(&evidence->ages, half) < 0.3 * look->lasting.rise,
			 DOUBT_YOUNG);
}

/*
 * The rise is the difference of two estimates that have most of their objects in common. What came
 * new and what was exchanged since contributes to its variance, each with its share of the bytes.
 */
static void weigh_noise(struct leak_look *look, const struct leak_evidence *evidence)
{
	const struct series_point *begin = &look->points[look->lasting.begin];
	const struct series_point *last = &look->points[look->count - 1];
	double live = (double)evidence->live_bytes, start = (double)begin->live_bytes;
	double freed = last->freed_bytes > begin->freed_bytes
			   ? (double)(last->freed_bytes - begin->freed_bytes)
			   : 0;

	if (live <= 0)
		return;
	look->variance = evidence->live_variance *
			 (fmin(look->lasting.rise, live) + 2 * fmin(freed, start)) / live;
	doubt_if(look, look->lasting.rise < 1.96 * sqrt(look->variance), DOUBT_NOISE);
	doubt_if(look, may_slow(look), DOUBT_UNSURE);
}

void leak_look_take(struct leak_look *look, const struct leak_evidence *evidence,
		    enum series_scale scale, bool old)
{
	*look = (struct leak_look){.scale = scale, .old = old};
	read_points(look, evidence->series);
	look->lasting = lasting_measure(look->values, look->count);
	if (look->lasting.rise <= 0) {
		look->doubt = DOUBT_NO_GROWTH;
		return;
	}
	weigh_shape(look);
	weigh_noise(look, evidence);
	doubt_if(look, look->lasting.rise < little * (double)evidence->live_bytes, DOUBT_LITTLE);
	doubt_if(look,
		 evidence->older_frees_per_s * look->lasting.span_s > 0.5 * objects_grown(look),
		 DOUBT_REPLACED);
	if (!old)
		weigh_objects(look, evidence);
}
