#include "config.h"

#include "profile/series.h"

#include <math.h>

static const double slot_s[SERIES_SCALES] = {1, 60, 24 * 60};

double series_slot_s(enum series_scale scale)
{
	return slot_s[scale];
}

static uint32_t limited(uint64_t count)
{
	return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void lower(struct series_point *point, double time_s, const struct series_sample *sample,
		  uint64_t old_bytes)
{
	if (sample->live_bytes < point->live_bytes) {
		point->live_bytes = sample->live_bytes;
		point->time_s = time_s;
	}
	if (limited(sample->live_objects) < point->live_objects)
		point->live_objects = limited(sample->live_objects);
	if (old_bytes < point->old_bytes)
		point->old_bytes = old_bytes;
	point->alloc_bytes = sample->alloc_bytes;
	point->freed_bytes = sample->freed_bytes;
}

static void add_to_scale(struct series *series, enum series_scale scale, double time_s,
			 const struct series_sample *sample)
{
	uint32_t number = (uint32_t)(time_s / slot_s[scale]) + 1;
	struct series_point *point = &series->slots[scale][number % SERIES_SLOTS];

	if (number < series->latest[scale])
		return;
	series->latest[scale] = number;
	if (point->number == number) {
		lower(point, time_s, sample, sample->old_bytes[scale]);
		return;
	}
	*point = (struct series_point){
	    .time_s = time_s,
	    .live_bytes = sample->live_bytes,
	    .old_bytes = sample->old_bytes[scale],
	    .alloc_bytes = sample->alloc_bytes,
	    .freed_bytes = sample->freed_bytes,
	    .live_objects = limited(sample->live_objects),
	    .number = number,
	};
}

void series_add(struct series *series, double time_s, const struct series_sample *sample)
{
	if (!isfinite(time_s) || time_s < 0 || time_s >= (double)UINT32_MAX)
		return;
	for (enum series_scale scale = SERIES_MINUTE; scale < SERIES_SCALES; scale++)
		add_to_scale(series, scale, time_s, sample);
}

size_t series_points(const struct series *series, enum series_scale scale,
		     struct series_point *points)
{
	size_t count = 0;

	for (uint32_t i = SERIES_SLOTS; i-- > 0;) {
		uint32_t number = series->latest[scale] - i;
		const struct series_point *point = &series->slots[scale][number % SERIES_SLOTS];

		if (series->latest[scale] > i && point->number == number)
			points[count++] = *point;
	}
	return count;
}
