#include "config.h"

#include "profile/lasting.h"

/* A rise in one point that is this part of the whole is a big step. */
static const double big_step = 0.25;
static const double small_step = 1.0 / 40;
/* Rises below this part of the whole are rounding and drift, not growth of a window. */
static const double window_step = 0.002;

static void find_held(const struct slope_point *points, size_t count, double *held)
{
	held[count - 1] = points[count - 1].value;
	for (size_t i = count - 1; i-- > 0;)
		held[i] = points[i].value < held[i + 1] ? points[i].value : held[i + 1];
}

/* The first point behind the last step that is big for what follows it. */
static size_t skip_big_steps(const double *held, size_t count)
{
	size_t begin = 0;

	for (size_t i = 1; i < count; i++)
		if (held[i] - held[i - 1] >= big_step * (held[count - 1] - held[begin]) &&
		    held[i] > held[i - 1])
			begin = i;
	return begin;
}

/* ... and behind the time in which nothing grew. */
static size_t skip_flat(const double *held, size_t count, size_t begin)
{
	double least = held[begin] + 0.02 * (held[count - 1] - held[begin]);

	while (begin + 1 < count && held[begin + 1] <= least)
		begin++;
	return begin;
}

static void count_steps(const struct slope_point *points, const double *held, size_t count,
			struct lasting *lasting)
{
	double level = held[lasting->begin], last_s = points[lasting->begin].time_s;

	for (size_t i = lasting->begin + 1; i < count; i++) {
		if (held[i] <= level || held[i] - level < small_step * lasting->rise)
			continue;
		if (points[i].time_s - last_s > lasting->gap_s)
			lasting->gap_s = points[i].time_s - last_s;
		lasting->steps++;
		level = held[i];
		last_s = points[i].time_s;
	}
	lasting->quiet_s = points[count - 1].time_s - last_s;
}

/* The held figure at a time: that of the last point up to it. */
static double held_at(const struct slope_point *points, const double *held, size_t count,
		      size_t begin, double time_s)
{
	size_t i = begin;

	while (i + 1 < count && points[i + 1].time_s <= time_s + 1e-9)
		i++;
	return held[i];
}

static void count_windows(const struct slope_point *points, const double *held, size_t count,
			  struct lasting *lasting)
{
	size_t parts = count - 1 - lasting->begin;
	double begin_s = points[lasting->begin].time_s, before = held[lasting->begin];

	lasting->windows = (unsigned)(parts < LASTING_WINDOWS ? parts : LASTING_WINDOWS);
	for (unsigned i = 1; i <= lasting->windows; i++) {
		double end_s = begin_s + lasting->span_s * i / lasting->windows;
		double after = held_at(points, held, count, lasting->begin, end_s);

		lasting->grown += after - before > window_step * lasting->rise;
		before = after;
	}
}

struct lasting lasting_measure(const struct slope_point *points, size_t count)
{
	struct lasting lasting = {0};
	double held[LASTING_POINTS], begin_s, third;

	if (count < 3 || count > LASTING_POINTS)
		return lasting;
	find_held(points, count, held);
	/* Of the last values nobody knows yet what is held. */
	count -= (count + LASTING_WINDOWS / 2) / LASTING_WINDOWS;
	lasting.begin = skip_flat(held, count, skip_big_steps(held, count));
	begin_s = points[lasting.begin].time_s;
	lasting.span_s = points[count - 1].time_s - begin_s;
	lasting.rise = held[count - 1] - held[lasting.begin];
	if (lasting.rise <= 0)
		return (struct lasting){.begin = lasting.begin};
	count_steps(points, held, count, &lasting);
	count_windows(points, held, count, &lasting);
	third = lasting.span_s / 3;
	lasting.early =
	    held_at(points, held, count, lasting.begin, begin_s + third) - held[lasting.begin];
	lasting.late =
	    held[count - 1] - held_at(points, held, count, lasting.begin, begin_s + 2 * third);
	return lasting;
}

unsigned lasting_falls(const struct slope_point *points, size_t count, double depth)
{
	unsigned falls = 0;
	double highest = count ? points[0].value : 0;

	for (size_t i = 1; i < count; i++) {
		if (points[i].value > highest)
			highest = points[i].value;
		if (depth > 0 && highest - points[i].value >= depth) {
			falls++;
			highest = points[i].value;
		}
	}
	return falls;
}
