#include "config.h"

#include "profile/sample_counts.h"

#include <string.h>

static uint64_t part_of(uint64_t second)
{
	return second / SAMPLE_PART_SECONDS;
}

void sample_clock_set(struct sample_clock *clock, double now_s)
{
	size_t slot;

	if (now_s < clock->now_s)
		return;
	clock->now_s = now_s;
	clock->second = (uint64_t)now_s;
	slot = clock->second % SAMPLE_SECONDS;
	if (clock->slot_second[slot] == clock->second)
		return;
	clock->slot_second[slot] = clock->second;
	clock->slot_s[slot] = clock->refresh_s;
}

void sample_clock_end_refresh(struct sample_clock *clock)
{
	clock->refresh++;
	clock->refresh_s = clock->now_s;
}

double sample_clock_span_s(const struct sample_clock *clock, enum snapshot_window window)
{
	double from_s = clock->now_s;

	if (window == SNAPSHOT_ALL)
		return clock->now_s;
	if (window == SNAPSHOT_LATEST)
		return clock->now_s - clock->refresh_s;
	for (size_t slot = 0; slot < SAMPLE_SECONDS; slot++)
		if (clock->slot_second[slot] + SAMPLE_SECONDS > clock->second &&
		    clock->slot_s[slot] < from_s)
			from_s = clock->slot_s[slot];
	return clock->now_s - from_s;
}

/* Empties the slots of seconds that have gone by since the counts were touched. */
static void advance(struct sample_counts *counts, const struct sample_clock *clock)
{
	uint64_t seconds = clock->second - counts->second;
	uint64_t parts = part_of(clock->second) - part_of(counts->second);

	if (counts->refresh != clock->refresh)
		counts->latest = 0;
	counts->refresh = clock->refresh;
	if (seconds >= SAMPLE_SECONDS)
		memset(counts->seconds, 0, sizeof(counts->seconds));
	else
		for (uint64_t i = 1; i <= seconds; i++)
			counts->seconds[(counts->second + i) % SAMPLE_SECONDS] = 0;
	if (parts >= SAMPLE_PARTS)
		memset(counts->parts, 0, sizeof(counts->parts));
	else
		for (uint64_t i = 1; i <= parts; i++)
			counts->parts[(part_of(counts->second) + i) % SAMPLE_PARTS] = 0;
	counts->second = clock->second;
}

void sample_counts_add(struct sample_counts *counts, const struct sample_clock *clock,
		       uint64_t samples)
{
	advance(counts, clock);
	counts->totals.all += samples;
	counts->latest += (uint32_t)samples;
	counts->seconds[clock->second % SAMPLE_SECONDS] += (uint32_t)samples;
	counts->parts[part_of(clock->second) % SAMPLE_PARTS] += (uint32_t)samples;
}

bool sample_counts_are_recent(const struct sample_counts *counts, const struct sample_clock *clock)
{
	return part_of(counts->second) + SAMPLE_PARTS > part_of(clock->second);
}

void sample_counts_merge_recent(struct sample_counts *to, const struct sample_counts *from,
				const struct sample_clock *clock)
{
	struct sample_counts now = *from;

	advance(&now, clock);
	advance(to, clock);
	to->latest += now.latest;
	for (size_t i = 0; i < SAMPLE_SECONDS; i++)
		to->seconds[i] += now.seconds[i];
	for (size_t i = 0; i < SAMPLE_PARTS; i++)
		to->parts[i] += now.parts[i];
}

void sample_totals_add(struct sample_totals *to, const struct sample_totals *from)
{
	to->all += from->all;
	to->zeroed += from->zeroed;
	to->zeroed_before += from->zeroed_before;
	to->marked += from->marked;
}

void sample_totals_zero(struct sample_totals *totals)
{
	totals->zeroed_before = totals->zeroed;
	totals->zeroed = totals->all;
}

void sample_totals_undo_zero(struct sample_totals *totals)
{
	totals->zeroed = totals->zeroed_before;
}

void sample_totals_mark(struct sample_totals *totals)
{
	totals->marked = totals->all;
}

void sample_totals_sum(const struct sample_totals *totals, struct sample_sums *sums)
{
	sums->in[SNAPSHOT_ALL] += totals->all - totals->zeroed;
	sums->since_mark += totals->all - totals->marked;
	sums->before_mark += totals->marked;
}

void sample_counts_sum(const struct sample_counts *counts, const struct sample_clock *clock,
		       struct sample_sums *sums)
{
	sample_totals_sum(&counts->totals, sums);
	if (counts->refresh == clock->refresh)
		sums->in[SNAPSHOT_LATEST] += counts->latest;
	if (counts->second + SAMPLE_SECONDS <= clock->second)
		return;
	for (uint64_t second = clock->second; second + SAMPLE_SECONDS > clock->second; second--) {
		if (second <= counts->second)
			sums->in[SNAPSHOT_RECENT] += counts->seconds[second % SAMPLE_SECONDS];
		if (second == 0)
			break;
	}
}

void sample_counts_add_trend(const struct sample_counts *counts, const struct sample_clock *clock,
			     double trend[SNAPSHOT_TREND])
{
	uint64_t over = part_of(clock->second), newest = part_of(counts->second);

	for (uint64_t back = 0; back < SNAPSHOT_TREND && back < over; back++) {
		uint64_t part = over - 1 - back;

		/* What lies before the counts were touched last and is still in their slots. */
		if (part <= newest && newest - part < SAMPLE_PARTS)
			trend[SNAPSHOT_TREND - 1 - back] += counts->parts[part % SAMPLE_PARTS];
	}
}

uint64_t sample_clock_parts(const struct sample_clock *clock)
{
	return part_of(clock->second);
}
