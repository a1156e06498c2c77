#include "config.h"

#include "profile/leak.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fmt.h"
#include "profile/leak_look.h"

enum { LOOKS = 2 * SERIES_SCALES };

enum age_bucket leak_old_from(enum series_scale scale)
{
	static const enum age_bucket from[SERIES_SCALES] = {AGE_10S, AGE_10MIN, AGE_1H};

	return from[scale];
}

const char *leak_level_name(enum leak_level level)
{
	static const char *const names[LEAK_LEVELS] = {"none", "const", "LOW", "MED", "HIGH"};

	return names[level];
}

/* --- what one look says of another ------------------------------------------------------------ */

/* Memory that fell back as far before may do so again: the longer series remember it. */
static void weigh_falls(struct leak_look *look, const struct leak_look *looks)
{
	unsigned most = 0;

	for (size_t i = 0; i < LOOKS; i++) {
		const struct leak_look *other = &looks[i];
		unsigned falls;

		if (other->old != look->old || other->scale < look->scale)
			continue;
		falls = lasting_falls(other->values, other->count, 0.4 * look->lasting.rise);
		most = falls > most ? falls : most;
	}
	if (most > 0)
		leak_look_doubt(look, most == 1 ? DOUBT_FELL : DOUBT_FALLS);
}

/* What grew all the hour and surely not in the last minute may be full. */
static void weigh_pause(struct leak_look *look, const struct leak_look *finer,
			const struct leak_evidence *evidence)
{
	double object = evidence->live_objects
			    ? (double)evidence->live_bytes / (double)evidence->live_objects
			    : 0;
	double rate = look->lasting.rise / look->lasting.span_s, span_s;
	struct slope slope = slope_fit(finer->values, finer->count);

	if (finer->count < 3)
		return;
	span_s = finer->values[finer->count - 1].time_s - finer->values[0].time_s;
	if (rate * span_s >= 4 * object && slope.per_s + slope.half_width < 0.3 * rate)
		leak_look_doubt(look, DOUBT_PAUSED);
}

/* What grows evenly for a minute may slow down in an hour; and the old part of it later than all.
 */
static void weigh_slowing(struct leak_look *look, const struct leak_look *looks)
{
	for (size_t i = 0; i < LOOKS; i++) {
		const struct leak_look *other = &looks[i];
		bool wider = other->old == look->old ? other->scale > look->scale
						     : look->old && other->scale >= look->scale;

		if (wider && leak_look_slows(other) &&
		    leak_doubt_level(other->doubt) >= LEAK_MEDIUM)
			leak_look_doubt(look, DOUBT_SLOWING);
	}
}

/* Old memory grows for a while in a cache that has just become full: all of it does not. */
static void weigh_all(struct leak_look *look, const struct leak_look *all)
{
	double late_s = look->lasting.span_s / 3;
	size_t begin = all->count;
	struct slope slope;

	while (begin > 0 &&
	       all->values[all->count - 1].time_s - all->values[begin - 1].time_s <= late_s)
		begin--;
	slope = slope_fit(all->values + begin, all->count - begin);
	/* Twice the interval: this is asked at every refresh. */
	if (slope.per_s + 2 * slope.half_width < 0.3 * look->lasting.late / late_s)
		leak_look_doubt(look, DOUBT_STOPPED);
}

/* Looks in the order all and old of each scale. */
static void take_looks(struct leak_look *looks, const struct leak_evidence *evidence)
{
	for (size_t i = 0; i < LOOKS; i++)
		leak_look_take(&looks[i], evidence, (enum series_scale)(i / 2), i % 2 == 1);
	for (size_t i = 0; i < LOOKS; i++) {
		if (looks[i].lasting.rise <= 0)
			continue;
		weigh_falls(&looks[i], looks);
		weigh_slowing(&looks[i], looks);
		if (looks[i].old)
			weigh_all(&looks[i], &looks[i - 1]);
		if (i >= 2)
			weigh_pause(&looks[i], &looks[i - 2], evidence);
	}
}

static bool is_stronger(const struct leak_look *one, const struct leak_look *other)
{
	enum leak_level a = leak_doubt_level(one->doubt), b = leak_doubt_level(other->doubt);

	if (a != b)
		return a > b;
	return one->lasting.grown * other->lasting.windows >
	       other->lasting.grown * one->lasting.windows;
}

static const struct leak_look *strongest(const struct leak_look *looks)
{
	const struct leak_look *best = &looks[0];

	for (size_t i = 1; i < LOOKS; i++)
		if (is_stronger(&looks[i], best))
			best = &looks[i];
	return best;
}

/* --- words ------------------------------------------------------------------------------------ */

static void say(struct leak_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct leak_verdict *verdict, const char *format, ...)
{
	size_t length = strlen(verdict->evidence);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(verdict->evidence + length, sizeof(verdict->evidence) - length, format,
			args);
	va_end(args);
}

static void say_ages(struct leak_verdict *verdict, const struct leak_evidence *evidence,
		     double span_s)
{
	enum age_bucket bucket = AGE_1S;
	double all = ages_bytes_from(&evidence->ages, AGE_0S);
	char text[FMT_SIZE];

	if (!evidence->ages_known || all <= 0)
		return;
	while (bucket + 1 < AGE_BUCKETS && ages_edge_s(bucket + 1) <= span_s)
		bucket++;
	say(verdict, ", %.0f %% older than %s",
	    100 * ages_bytes_from(&evidence->ages, bucket) / all,
	    fmt_duration(text, sizeof(text), ages_edge_s(bucket)));
}

static void say_frees(struct leak_verdict *verdict, const struct leak_look *look)
{
	const struct series_point *begin = &look->points[look->lasting.begin];
	const struct series_point *last = &look->points[look->count - 1];
	double allocated = (double)last->alloc_bytes - (double)begin->alloc_bytes;
	double freed = (double)last->freed_bytes - (double)begin->freed_bytes;

	if (last->freed_bytes == 0)
		say(verdict, ", no frees from this site");
	else if (freed <= 0)
		say(verdict, ", no frees from this site since it grows");
	else if (freed > 0.9995 * allocated)
		say(verdict, ", nearly all that it allocates is freed");
	else
		say(verdict, ", %.3g %% of what it allocates is freed", 100 * freed / allocated);
}

static void say_doubt(struct leak_verdict *verdict, const struct leak_look *look)
{
	static const char *const words[] = {
	    [DOUBT_EARLY] = "seen for a short time only",
	    [DOUBT_FEW] = "few rises so far",
	    [DOUBT_LITTLE] = "little beside what it holds",
	    [DOUBT_SLOWING] = "its growth slows down, as a filling cache's does",
	    [DOUBT_RESIZED] = "its objects get larger, not more",
	    [DOUBT_REPLACED] = "objects older than the attachment are still being freed",
	    [DOUBT_FELL] = "it fell back as far once before",
	    [DOUBT_UNSURE] = "with so few samples it may be slowing down",
	    [DOUBT_PAUSED] = "it does not grow now",
	    [DOUBT_BRIEF] = "for a moment only",
	    [DOUBT_SPARSE] = "at a few times only",
	    [DOUBT_FALLS] = "it fell back as far again and again",
	    [DOUBT_YOUNG] = "its objects do not live long",
	    [DOUBT_NOISE] = "no more than sampling explains",
	};

	if (look->doubt != DOUBT_NONE)
		say(verdict, "; but %s", words[look->doubt]);
}

/* Windows may be shorter than fmt_duration()'s second. */
static const char *window_length(char *text, size_t size, double seconds)
{
	if (seconds >= 10)
		return fmt_duration(text, size, seconds);
	(void)snprintf(text, size, "%.1fs", seconds);
	return text;
}

static void describe(struct leak_verdict *verdict, const struct leak_evidence *evidence,
		     const struct leak_look *look)
{
	char text[FMT_SIZE];

	if (verdict->level == LEAK_NONE)
		return;
	if (verdict->level == LEAK_CONST) {
		if (look->doubt == DOUBT_STOPPED)
			say(verdict, "stopped growing %s ago",
			    fmt_duration(text, sizeof(text), look->lasting.quiet_s));
		else
			say(verdict, "holds memory and does not grow");
		return;
	}
	say(verdict, "%s in %u of %u windows of %s", look->old ? "what survives grew" : "grew",
	    verdict->windows_grown, verdict->windows,
	    window_length(text, sizeof(text), look->lasting.span_s / verdict->windows));
	say_ages(verdict, evidence, look->lasting.span_s / 2);
	say_frees(verdict, look);
	say_doubt(verdict, look);
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* Whether the site held most of what it holds now for a while, and it is not churn. */
static bool holds(const struct leak_look *minute, const struct leak_evidence *evidence)
{
	for (size_t i = 0; i < minute->count; i++)
		if (i + 6 >= minute->count &&
		    minute->values[i].value < 0.5 * (double)evidence->live_bytes)
			return false;
	if (evidence->ages_known &&
	    ages_bytes_from(&evidence->ages, AGE_10S) < 0.5 * (double)evidence->live_bytes)
		return false;
	return minute->count >= 6 && evidence->live_bytes > 0;
}

static double score(const struct leak_verdict *verdict)
{
	double per_min = verdict->slope_bytes_per_s * 60;
	double size = per_min > 0 ? log2(1 + per_min) / 40 : 0;

	if (verdict->level <= LEAK_CONST)
		size = 0;
	return 20.0 * (double)verdict->level + 20 * fmin(size, 1);
}

/* Of the growth that was judged; where there is none, of the last minute. */
static void set_slope(struct leak_verdict *verdict, const struct leak_look *look)
{
	size_t begin = verdict->level > LEAK_CONST ? look->lasting.begin : 0;
	struct slope slope = slope_fit(look->values + begin, look->count - begin);

	slope = slope_with_noise(slope, look->variance, look->lasting.span_s);
	verdict->slope_bytes_per_s = slope.per_s;
	verdict->slope_half_width = slope.half_width;
}

struct leak_verdict leak_judge(const struct leak_evidence *evidence)
{
	struct leak_look looks[LOOKS];
	const struct leak_look *look;
	struct leak_verdict verdict = {.level = LEAK_NONE};

	take_looks(looks, evidence);
	look = strongest(looks);
	verdict.level = leak_doubt_level(look->doubt);
	if (verdict.level == LEAK_CONST && !holds(&looks[0], evidence))
		verdict.level = LEAK_NONE;
	set_slope(&verdict, verdict.level > LEAK_CONST ? look : &looks[0]);
	verdict.windows = look->lasting.windows;
	verdict.windows_grown = look->lasting.grown;
	verdict.score = score(&verdict);
	describe(&verdict, evidence, look);
	return verdict;
}
