/* Reading the books that the kernel keeps. */
#include "config.h"

#include <errno.h>

#include <bpf/bpf.h>

#include "collect/heap_source_state.h"

static struct heap_counts sum_of(const struct heap_site *site)
{
	struct heap_counts sum = {0};

	for (size_t i = 0; i < HEAP_SHARDS; i++)
		heap_counts_add(&sum, &site->shards[i].counts);
	return sum;
}

int heap_source_read_sites(struct heap_source *source, heap_site_fn each, void *context)
{
	int fd = bpf_map__fd(source->skeleton->maps.sites);
	uint64_t position;
	bool first = true, end = false;

	source->sites = 0;
	while (!end) {
		__u32 count = HEAP_SITES_BATCH;
		int code = bpf_map_lookup_batch(fd, first ? NULL : &position, &position, source->batch_ids,
						source->batch_sites, &count, NULL);

		end = code == -ENOENT;
		if (code && !end)
			return code;
		for (__u32 i = 0; i < count; i++) {
			const struct heap_site *site = &source->batch_sites[i];
			const struct heap_counts sum = sum_of(site);

			if (site->epoch == source->skeleton->bss->epoch)
				each(context, source->batch_ids[i], &site->of, &sum);
			else
				heap_source_forget_site(source, source->batch_ids[i]);
		}
		source->sites += count;
		first = false;
	}
	return 0;
}

uint64_t heap_source_settle(struct heap_source *source, uint64_t address, uint64_t provisional,
			    const struct stack_key *of)
{
	uint64_t epoch = source->skeleton->bss->epoch;
	/* As the kernel has it: the same addresses in another program are another stack. */
	const struct stack_key now = {
	    .stack_id = epoch ? stack_id_step(of->stack_id, epoch) & STACK_ID_MASK : of->stack_id,
	    .thread = of->thread,
	};
	uint64_t arguments[] = {address, provisional, now.stack_id, now.thread};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	int fd = bpf_program__fd(source->skeleton->progs.heap_settle);

	return bpf_prog_test_run_opts(fd, &run) == 0 && run.retval == 1 ? heap_site_id(&now) : 0;
}

void heap_source_forget_site(struct heap_source *source, uint64_t site_id)
{
	(void)bpf_map_delete_elem(bpf_map__fd(source->skeleton->maps.sites), &site_id);
}

void heap_source_forget_thread(struct heap_source *source, uint32_t tid)
{
	(void)bpf_map_delete_elem(bpf_map__fd(source->skeleton->maps.threads), &tid);
}

bool heap_source_thread_bytes(const struct heap_source *source, uint32_t tid, uint64_t *ret_bytes)
{
	struct heap_thread thread;

	*ret_bytes = 0;
	if (bpf_map_lookup_elem(bpf_map__fd(source->skeleton->maps.threads), &tid, &thread) == 0) {
		*ret_bytes = thread.allocated;
		return true;
	}
	/* It has made no call yet, unless it is one of those that found the map full. */
	return heap_source_stats(source).thread_map_full == 0;
}

struct heap_stats heap_source_stats(const struct heap_source *source)
{
	enum { FIELDS = sizeof(struct heap_stats) / sizeof(__u64) };
	struct heap_stats sum = {0};
	__u64 *to = (__u64 *)&sum;
	__u32 key = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(source->skeleton->maps.stats), &key, source->stats_per_cpu))
		return sum;
	for (int cpu = 0; cpu < source->cpus; cpu++) {
		const __u64 *from = (const __u64 *)&source->stats_per_cpu[cpu];

		for (int field = 0; field < FIELDS; field++)
			to[field] += from[field];
	}
	return sum;
}

void heap_source_hits(const struct heap_source *source, struct heap_hits *ret_hits, size_t count)
{
	int fd = bpf_map__fd(source->skeleton->maps.hits);

	for (__u32 probe = 0; probe < count; probe++) {
		struct heap_hits *sum = &ret_hits[probe];

		*sum = (struct heap_hits){0};
		if (bpf_map_lookup_elem(fd, &probe, source->hits_per_cpu))
			continue;
		for (int cpu = 0; cpu < source->cpus; cpu++) {
			const struct heap_hits *each = &source->hits_per_cpu[cpu];

			sum->booked += each->booked;
			sum->others += each->others;
			sum->booked_timed += each->booked_timed;
			sum->booked_ns += each->booked_ns;
			sum->others_timed += each->others_timed;
			sum->others_ns += each->others_ns;
			sum->returns_timed += each->returns_timed;
			sum->returns_ns += each->returns_ns;
		}
	}
}

uint64_t heap_source_live_count(const struct heap_source *source, const struct heap_stats *stats)
{
	uint64_t gone = stats->frees + stats->dropped + source->dropped;

	return stats->allocations > gone ? stats->allocations - gone : 0;
}

size_t heap_source_site_count(const struct heap_source *source)
{
	return source->sites;
}

uint64_t heap_source_records_taken(const struct heap_source *source)
{
	return source->records_taken;
}

uint64_t heap_source_ring_used(const struct heap_source *source)
{
	return ring_level_bytes(source->level);
}

int heap_source_live_fd(const struct heap_source *source)
{
	return bpf_map__fd(source->skeleton->maps.live);
}

void heap_source_each_map(const struct heap_source *source, each_map_fn each, void *context)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, source->skeleton->obj)
		each(context, bpf_map__name(map), bpf_map__fd(map));
}
