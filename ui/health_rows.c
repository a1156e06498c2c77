#include "config.h"

#include "health_rows.h"

#include <math.h>

enum fact {
	FACT_KERNEL,
	FACT_CPU_WALK,
	FACT_UPROBES,
	FACT_SAMPLES,
	FACT_THROTTLED,
	FACT_THREADS,
	FACT_FREES,
	FACT_RETURNS,
	FACT_UNLEARNT,
	FACT_PROBES,
	FACT_DEBUG_FILES,
	FACT_COUNT,
};

static struct health_row fact_row(const struct snapshot *snapshot, enum fact fact)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	const struct snapshot_kernel *kernel = &snapshot->kernel;
	struct health_row row = {
	    .kind = "loss", .fill_pct = NAN, .count = SNAPSHOT_UNKNOWN, .memory = SNAPSHOT_UNKNOWN,
	    .per_s = NAN, .ns = NAN};

	switch (fact) {
	case FACT_KERNEL:
		row.kind = "kernel";
		row.name = "Linux";
		row.note = kernel->release;
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_CPU_WALK:
		row.kind = "kernel";
		row.name = "stacks walked in it";
		row.note = kernel->walk_reason ? kernel->walk_reason : "yes";
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_UPROBES:
		row.kind = "kernel";
		row.name = "links of probes";
		row.note =
		    kernel->uprobe_link ? kernel->uprobe_link : "none: the heap is not tracked";
		row.lost = SNAPSHOT_UNKNOWN;
		break;
	case FACT_SAMPLES:
		row.name = "CPU samples";
		row.count = snapshot->cpu.samples;
		row.lost = overflow->perf_lost;
		row.note = "a lower -F loses fewer";
		break;
	case FACT_THROTTLED:
		row.name = "throttled sampling";
		row.lost = overflow->perf_throttled;
		row.note = "times that the kernel paused it; a lower -F is let through";
		break;
	case FACT_THREADS:
		row.name = "threads not sampled";
		row.lost = overflow->threads_uncovered;
		row.note = "no event could be opened for them";
		break;
	case FACT_FREES:
		row.name = "unmatched frees";
		row.lost = SNAPSHOT_UNKNOWN;
		row.count = snapshot->heap.untracked_known ? snapshot->heap.untracked_frees
							   : SNAPSHOT_UNKNOWN;
		row.note = snapshot->heap.untracked_known
			       ? "of what was allocated before the attachment, or lost"
			       : "cannot be told: not every allocation is tracked";
		break;
	case FACT_RETURNS:
		row.name = "calls without return";
		row.count = snapshot->books.lost_returns;
		row.lost = SNAPSHOT_UNKNOWN;
		row.note = "of allocators: left by a jump";
		break;
	case FACT_UNLEARNT:
		row.name = "stacks cut short";
		row.lost = snapshot->books.unlearnt;
		row.note = "too many waited for a rule";
		break;
	case FACT_PROBES:
		row.name = "places of probes";
		row.lost = overflow->probes_refused;
		row.note = "the worker named them, and their file has none there";
		break;
	default:
		row.name = "debug files";
		row.lost = overflow->debug_files_missing;
		row.note = "asked debuginfod servers for, in vain";
		break;
	}
	return row;
}

static struct health_row channel_row(const struct snapshot_channel *channel)
{
	return (struct health_row){
	    .kind = "channel",
	    .name = channel->name,
	    .fill_pct = channel->capacity_bytes
			    ? 100.0 * (double)channel->used_bytes / (double)channel->capacity_bytes
			    : (double)NAN,
	    .count = channel->consumed,
	    .memory = SNAPSHOT_UNKNOWN,
	    .per_s = NAN,
	    .ns = NAN,
	    .lost = channel->lost,
	    .note = "records",
	};
}

static struct health_row map_row(const struct snapshot_map *map)
{
	return (struct health_row){
	    .kind = "map",
	    .name = map->name,
	    .fill_pct = map->capacity ? 100.0 * map->used / (double)map->capacity : (double)NAN,
	    .count = isnan(map->used) ? SNAPSHOT_UNKNOWN : (uint64_t)map->used,
	    .memory = map->memory_bytes,
	    .per_s = NAN,
	    .ns = NAN,
	    .lost = map->refused,
	    .note = map->capacity ? "entries; LOST found it full" : "",
	};
}

static struct health_row probe_row(const struct snapshot_probe *probe)
{
	return (struct health_row){
	    .kind = "probe",
	    .name = probe->function,
	    .probe = probe,
	    .fill_pct = NAN,
	    .count = probe->hits,
	    .memory = SNAPSHOT_UNKNOWN,
	    .per_s = probe->hits_per_s,
	    .ns = probe->ns_per_hit,
	    .lost = SNAPSHOT_UNKNOWN,
	    .note = probe->emulated ? "emulated" : "single-stepped: slow",
	};
}

struct health_row health_row_at(const struct snapshot *snapshot, size_t index)
{
	if (index < FACT_COUNT)
		return fact_row(snapshot, (enum fact)index);
	index -= FACT_COUNT;
	if (index < snapshot->channel_count)
		return channel_row(&snapshot->channels[index]);
	index -= snapshot->channel_count;
	if (index < snapshot->map_count)
		return map_row(&snapshot->maps[index]);
	return probe_row(&snapshot->probes[index - snapshot->map_count]);
}

uint64_t health_row_id(const struct snapshot *snapshot, size_t index)
{
	uint64_t kind = 0;

	if (index >= FACT_COUNT) {
		index -= FACT_COUNT;
		kind++;
		if (index >= snapshot->channel_count) {
			index -= snapshot->channel_count;
			kind++;
			if (index >= snapshot->map_count) {
				index -= snapshot->map_count;
				kind++;
			}
		}
	}
	return kind << 32 | index;
}

size_t health_row_count(const struct snapshot *snapshot)
{
	return FACT_COUNT + snapshot->channel_count + snapshot->map_count + snapshot->probe_count;
}
