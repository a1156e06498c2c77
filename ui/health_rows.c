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
	FACT_WORKERS,
	FACT_PROBES,
	FACT_DEBUG_FILES,
	FACT_COUNT,
};

static struct health_row empty_row(const char *kind, const char *name)
{
	return (struct health_row){
	    .kind = kind,
	    .name = name,
	    .fill_pct = NAN,
	    .count = SNAPSHOT_UNKNOWN,
	    .memory = SNAPSHOT_UNKNOWN,
	    .per_s = NAN,
	    .ns = NAN,
	    .lost = SNAPSHOT_UNKNOWN,
	    .note = "",
	};
}

static struct health_row kernel_row(const char *name, const char *note)
{
	struct health_row row = empty_row("kernel", name);

	row.note = note;
	row.note_only = true;
	return row;
}

/* `count` of what was counted, `lost` of it was lost; either may be SNAPSHOT_UNKNOWN. */
static struct health_row loss_row(const char *name, uint64_t count, uint64_t lost, const char *note)
{
	struct health_row row = empty_row("loss", name);

	row.count = count;
	row.lost = lost;
	row.note = note;
	return row;
}

static struct health_row frees_row(const struct snapshot_heap *heap)
{
	if (!heap->untracked_known)
		return loss_row("unmatched frees", SNAPSHOT_UNKNOWN, SNAPSHOT_UNKNOWN,
				"unknown: not all are tracked");
	return loss_row("unmatched frees", heap->untracked_frees, SNAPSHOT_UNKNOWN,
			"of older allocations, or lost");
}

static struct health_row fact_row(const struct snapshot *snapshot, enum fact fact)
{
	const struct snapshot_overflow *overflow = &snapshot->overflow;
	const struct snapshot_kernel *kernel = &snapshot->kernel;
	const uint64_t unknown = SNAPSHOT_UNKNOWN;

	switch (fact) {
	case FACT_KERNEL:
		return kernel_row("Linux", kernel->release);
	case FACT_CPU_WALK:
		return kernel_row("stacks walked",
				  kernel->walk_reason ? kernel->walk_reason : "yes");
	case FACT_UPROBES:
		return kernel_row("links of probes", kernel->uprobe_link
							 ? kernel->uprobe_link
							 : "none: the heap is not tracked");
	case FACT_SAMPLES:
		return loss_row("CPU samples", snapshot->cpu.samples, overflow->perf_lost,
				"a lower -F loses fewer");
	case FACT_THROTTLED:
		return loss_row("throttled sampling", unknown, overflow->perf_throttled,
				"a lower -F is let through");
	case FACT_THREADS:
		return loss_row("threads not sampled", unknown, overflow->threads_uncovered,
				"no event could be opened");
	case FACT_FREES:
		return frees_row(&snapshot->heap);
	case FACT_RETURNS:
		return loss_row("calls without return", snapshot->books.lost_returns, unknown,
				"of allocators: left by a jump");
	case FACT_UNLEARNT:
		return loss_row("stacks cut short", unknown, snapshot->books.unlearnt,
				"too many waited for a rule");
	case FACT_WORKERS:
		return loss_row("replaced workers", snapshot->books.worker_restarts, unknown,
				"died or hung over a file, see 7");
	case FACT_PROBES:
		return loss_row("places of probes", unknown, overflow->probes_refused,
				"their file has none there");
	default:
		return loss_row("debug files", unknown, overflow->debug_files_missing,
				"no debuginfod server has them");
	}
}

static struct health_row channel_row(const struct snapshot_channel *channel)
{
	struct health_row row = empty_row("channel", channel->name);

	if (channel->capacity_bytes)
		row.fill_pct =
		    100.0 * (double)channel->used_bytes / (double)channel->capacity_bytes;
	row.count = channel->consumed;
	row.lost = channel->lost;
	row.note = "records";
	return row;
}

static struct health_row map_row(const struct snapshot_map *map)
{
	struct health_row row = empty_row("map", map->name);

	row.memory = map->memory_bytes;
	row.lost = map->refused;
	if (!isnan(map->used))
		row.count = (uint64_t)map->used;
	if (map->capacity) {
		row.fill_pct = 100.0 * map->used / (double)map->capacity;
		row.note = "entries; LOST found it full";
	}
	return row;
}

static struct health_row probe_row(const struct snapshot_probe *probe)
{
	struct health_row row = empty_row("probe", probe->function);

	row.probe = probe;
	row.count = probe->hits;
	row.per_s = probe->hits_per_s;
	row.ns = probe->ns_per_hit;
	row.note = probe->emulated ? "emulated" : "single-stepped: slow";
	return row;
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
