/* What the model has of how it is measured: the kernel, channels, maps, probes, losses and costs.
 */
#include "config.h"

#include "model_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "err.h"

static void fill_channels(const struct model *model, struct snapshot *snapshot)
{
	uint64_t lost = model->scene == MODEL_LOSSY ? 40 : 0;
	const struct snapshot_channel channels[] = {
	    {"heap ring buffer", 212 + lost, 212, lost, UINT64_C(8) << 20,
	     lost ? UINT64_C(7) << 20 : 4096},
	    {"CPU ring buffer", 96, 96, 0, UINT64_C(1) << 20, 0},
	    {"perf rings", 12, 12, 0, 0, 0},
	};

	snapshot->channels = xcalloc(1, sizeof(channels));
	memcpy(snapshot->channels, channels, sizeof(channels));
	snapshot->channel_count = sizeof(channels) / sizeof(channels[0]);
}

static void fill_maps(const struct model *model, struct snapshot *snapshot)
{
	uint64_t refused = model->scene == MODEL_LOSSY ? 1200 : 0;
	const uint64_t live_most = refused ? snapshot->heap.live_objects : UINT64_C(1) << 20;
	const struct snapshot_map maps[] = {
	    {"unwind rules", 0, (double)NAN, SNAPSHOT_UNKNOWN, UINT64_C(9) << 20},
	    {"CPU samples by stack", 0, (double)NAN, SNAPSHOT_UNKNOWN, UINT64_C(3) << 20},
	    {"CPU samples by thread", 32768, (double)NAN, 0, UINT64_C(1) << 20},
	    {"live objects", live_most, (double)snapshot->heap.live_objects, refused,
	     UINT64_C(24) << 20},
	    {"allocation stacks", 65536, (double)snapshot->site_count, 0, UINT64_C(2) << 20},
	    {"other maps", 0, (double)NAN, SNAPSHOT_UNKNOWN, SNAPSHOT_UNKNOWN},
	};

	snapshot->maps = xcalloc(1, sizeof(maps));
	memcpy(snapshot->maps, maps, sizeof(maps));
	snapshot->map_count = sizeof(maps) / sizeof(maps[0]);
	snapshot->maps_bytes = UINT64_C(39) << 20;
}

static void fill_probes(const struct model *model, struct snapshot *snapshot)
{
	const struct snapshot_probe probes[] = {
	    {.function = "malloc",
	     .offset = 0x9d840,
	     .emulated = true,
	     .hits = snapshot->heap.alloc_objects},
	    {.function = "calloc", .offset = 0x9e2c4, .emulated = true},
	    {.function = "realloc",
	     .offset = 0x9df10,
	     .reallocates = true,
	     .emulated = true,
	     .hits = 311},
	    {.function = "aligned_alloc", .offset = 0x9ea70},
	    {.function = "free",
	     .offset = 0x9dc23,
	     .frees = true,
	     .emulated = true,
	     .hits = snapshot->heap.freed_objects},
	};

	snapshot->probe_count = sizeof(probes) / sizeof(probes[0]);
	snapshot->probes = xcalloc(1, sizeof(probes));
	memcpy(snapshot->probes, probes, sizeof(probes));
	for (size_t i = 0; i < snapshot->probe_count; i++) {
		struct snapshot_probe *probe = &snapshot->probes[i];

		probe->module = "libc.so.6";
		probe->hits_per_s =
		    (double)probe->hits / (double)(model->seconds + !model->seconds);
		probe->ns_per_hit = probe->emulated ? 720 : 10560;
	}
}

static void fill_losses(const struct model *model, struct snapshot *snapshot)
{
	snapshot->overhead = (struct snapshot_overhead){
	    .target_pct = 1.8,
	    .heap_pct = 1.5,
	    .cpu_pct = 0.3,
	    .self_cpu_pct = 2.1,
	    .self_rss_bytes = UINT64_C(38) << 20,
	};
	snapshot->governor.budget_pct = 5;
	snapshot->governor.heap_share = 1;
	if (model->scene != MODEL_LOSSY)
		return;
	snapshot->overflow = (struct snapshot_overflow){
	    .perf_lost = model->samples / 20,
	    .perf_throttled = 3,
	    .ringbuf_dropped = 40,
	    .ringbuf_drops = true,
	    .live_map_full = 1200,
	    .threads_uncovered = 2,
	};
	snapshot->overhead.target_pct = 23.0;
	snapshot->overhead.heap_pct = 22.0;
	snapshot->notice =
	    "libfoo.so: its functions have no names (its file made the symbol worker fail twice)";
}

void model_fill_health(const struct model *model, struct snapshot *snapshot)
{
	bool bare = model->scene == MODEL_BARE;

	(void)strlcpy(snapshot->kernel.release, "6.1.0-13-amd64", sizeof(snapshot->kernel.release));
	fill_losses(model, snapshot);
	if (bare) {
		snapshot->kernel.walk_reason = "it needs cap_bpf: samples are copied";
		return;
	}
	snapshot->kernel.uprobe_link = "multi: one for a file's probes";
	fill_channels(model, snapshot);
	fill_maps(model, snapshot);
	fill_probes(model, snapshot);
}
