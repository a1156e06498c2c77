#include "config.h"

#include "collect/stack_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cpu.skel.h>

#include "clock.h"
#include "collect/ring_level.h"
#include "collect/ring_record.h"

enum {
	STACKS_MIN = 1 << 14,
	STACKS_MAX = 1 << 18,
	/* What was switched away from is still in use by the programs that run just then, for
	 * microseconds. */
	SETTLE_MS = 100,
	/* Stacks that do not come again take room no longer. */
	TURN_MS = 60000,
};

struct stack_counts {
	struct cpu_bpf *skeleton;
	struct ring_buffer *records;
	struct ring_level *level;
	uint64_t records_taken;
	struct counts_hooks hooks;
	uint32_t stacks_max;
	struct count_slots slots[2];
	double begun_ms;    /* when the slots in use came into use */
	double switched_ms; /* when the other ones went out of use; 0: they are empty */
	uint64_t unknown;
	int cpus;
	struct cpu_stats *per_cpu; /* mapped to be read: the kernel writes it */
};

static int on_record(void *context, void *data, size_t size)
{
	struct stack_counts *counts = context;
	const struct stack_record *stack = ring_record_stack(data, size);
	const struct returns_record *returns = ring_record_returns(data, size);
	const struct check_record *check = ring_record_check(data, size);

	counts->records_taken++;
	if (stack)
		counts->hooks.stack(counts->hooks.context, stack);
	else if (returns)
		counts->hooks.returns(counts->hooks.context, returns);
	else if (check)
		counts->hooks.check(counts->hooks.context, check);
	return 0;
}

/* Room for the different stacks of some seconds, if no two samples were alike. */
static uint32_t stacks_max(unsigned frequency_hz, int cpus)
{
	uint32_t room = STACKS_MIN;

	while (room < STACKS_MAX && room < 4ULL * frequency_hz * (unsigned)cpus)
		room *= 2;
	return room;
}

static int configure(struct stack_counts *counts, const struct counts_options *options)
{
	struct cpu_bpf *skeleton = counts->skeleton;
	struct stat namespace;
	int code;

	if (stat("/proc/self/ns/pid", &namespace) < 0)
		return -errno;
	skeleton->rodata->target_pid = (uint32_t)options->pid;
	skeleton->rodata->pid_namespace_dev = namespace.st_dev;
	skeleton->rodata->pid_namespace_ino = namespace.st_ino;
	skeleton->rodata->check = options->check;
	code = bpf_program__set_autoload(skeleton->progs.mapping_returned, options->follows_mappings);
	if (!code)
		code = bpf_map__reuse_fd(skeleton->maps.rules, options->rules_fd);
	if (!code)
		code = bpf_map__reuse_fd(skeleton->maps.rule_cache, options->rule_cache_fd);
	if (!code && options->mappings_fd >= 0)
		code = bpf_map__reuse_fd(skeleton->maps.mappings, options->mappings_fd);
	if (!code && options->entries_fd >= 0)
		code = bpf_map__reuse_fd(skeleton->maps.entries, options->entries_fd);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.stats, (__u32)counts->cpus);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.index_even, counts->stacks_max);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.index_odd, counts->stacks_max);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.counts_even, counts->stacks_max);
	if (!code)
		code = bpf_map__set_max_entries(skeleton->maps.counts_odd, counts->stacks_max);
	return code;
}

static int map_slots(struct stack_counts *counts)
{
	struct cpu_bpf *skeleton = counts->skeleton;
	int code = count_slots_map(&counts->slots[0], bpf_map__fd(skeleton->maps.index_even),
				   bpf_map__fd(skeleton->maps.counts_even), &skeleton->bss->used_even,
				   counts->stacks_max);

	if (code)
		return code;
	return count_slots_map(&counts->slots[1], bpf_map__fd(skeleton->maps.index_odd),
			       bpf_map__fd(skeleton->maps.counts_odd), &skeleton->bss->used_odd,
			       counts->stacks_max);
}

static size_t stats_bytes(const struct stack_counts *counts)
{
	return (size_t)counts->cpus * sizeof(*counts->per_cpu);
}

static int map_stats(struct stack_counts *counts)
{
	void *memory = mmap(NULL, stats_bytes(counts), PROT_READ, MAP_SHARED,
			    bpf_map__fd(counts->skeleton->maps.stats), 0);

	if (memory == MAP_FAILED)
		return -errno;
	counts->per_cpu = memory;
	return 0;
}

static int load(struct stack_counts *counts, const struct counts_options *options)
{
	int code;

	counts->skeleton = cpu_bpf__open();
	if (!counts->skeleton)
		return -errno;
	code = configure(counts, options);
	if (!code)
		code = cpu_bpf__load(counts->skeleton);
	if (!code)
		code = map_slots(counts);
	if (!code)
		code = map_stats(counts);
	if (code)
		return code;
	counts->records =
	    ring_buffer__new(bpf_map__fd(counts->skeleton->maps.records), on_record, counts, NULL);
	if (!counts->records)
		return -errno;
	counts->level = ring_level_open(bpf_map__fd(counts->skeleton->maps.records));
	return counts->level ? 0 : -errno;
}

int stack_counts_open(struct stack_counts **ret_counts, const struct counts_options *options,
		      const struct counts_hooks *hooks, struct err *err)
{
	struct stack_counts *counts = xcalloc(1, sizeof(*counts));
	int code;

	counts->hooks = *hooks;
	counts->cpus = libbpf_num_possible_cpus();
	if (counts->cpus < 1)
		counts->cpus = 1;
	counts->stacks_max = stacks_max(options->frequency_hz, counts->cpus);
	code = load(counts, options);
	if (code) {
		stack_counts_close(counts);
		return err_set(err, -code, EXIT_FAILED,
			       "samples cannot be counted in the kernel, every stack is copied: %s",
			       strerror(-code));
	}
	*ret_counts = counts;
	return 0;
}

void stack_counts_close(struct stack_counts *counts)
{
	if (!counts)
		return;
	for (int i = 0; i < 2; i++)
		count_slots_unmap(&counts->slots[i]);
	ring_level_close(counts->level);
	ring_buffer__free(counts->records);
	cpu_bpf__destroy(counts->skeleton);
	if (counts->per_cpu)
		munmap(counts->per_cpu, stats_bytes(counts));
	free(counts);
}

int stack_counts_program(const struct stack_counts *counts)
{
	return bpf_program__fd(counts->skeleton->progs.cpu_sample);
}

int stack_counts_growth_program(const struct stack_counts *counts)
{
	return bpf_program__fd(counts->skeleton->progs.growth_sample);
}

int stack_counts_mapping_program(const struct stack_counts *counts)
{
	return bpf_program__fd(counts->skeleton->progs.mapping_returned);
}

void stack_counts_start(struct stack_counts *counts)
{
	counts->skeleton->bss->started = 1;
	counts->begun_ms = monotonic_ms();
}

void stack_counts_set_weight(struct stack_counts *counts, unsigned weight)
{
	counts->skeleton->data->weight = weight;
}

void stack_counts_set_by_thread(struct stack_counts *counts, bool by_thread)
{
	counts->skeleton->bss->by_thread = by_thread;
}

int stack_counts_fd(const struct stack_counts *counts)
{
	return ring_buffer__epoll_fd(counts->records);
}

void stack_counts_drain(struct stack_counts *counts)
{
	(void)ring_buffer__consume(counts->records);
}

void stack_counts_read(struct stack_counts *counts, take_samples_fn take, void *context)
{
	unsigned active = counts->skeleton->bss->generation & 1;

	if (counts->switched_ms > 0) {
		bool settled = monotonic_ms() - counts->switched_ms > SETTLE_MS;
		uint64_t left = count_slots_read(&counts->slots[!active], take, context);

		if (settled) {
			counts->unknown += left;
			count_slots_empty(&counts->slots[!active]);
			counts->switched_ms = 0;
		}
	}
	(void)count_slots_read(&counts->slots[active], take, context);
	if (counts->switched_ms <= 0 && (count_slots_used(&counts->slots[active]) > counts->stacks_max / 2 ||
					 monotonic_ms() - counts->begun_ms > TURN_MS)) {
		counts->switched_ms = counts->begun_ms = monotonic_ms();
		counts->skeleton->bss->generation++;
	}
}

void stack_counts_each(const struct stack_counts *counts, counted_stack_fn use, void *context)
{
	for (int i = 0; i < 2; i++)
		for (uint32_t slot = 0; slot < count_slots_used(&counts->slots[i]); slot++)
			use(context, counts->slots[i].slots[slot].key.stack_id);
}

bool stack_counts_executed(const struct stack_counts *counts)
{
	return counts->skeleton->bss->rules_exec_id != counts->skeleton->bss->exec_id;
}

static bool forget_samples(void *context, const struct stack_key *key, uint64_t samples)
{
	(void)context;
	(void)key;
	(void)samples;
	return true;
}

void stack_counts_start_anew(struct stack_counts *counts, bool forget)
{
	if (forget) {
		stack_counts_read(counts, forget_samples, NULL);
		counts->unknown = 0;
	}
	counts->skeleton->bss->rules_exec_id = counts->skeleton->bss->exec_id;
}

struct cpu_stats stack_counts_stats(const struct stack_counts *counts)
{
	enum { FIELDS = sizeof(struct cpu_stats) / sizeof(__u64) };
	struct cpu_stats sum = {0};
	__u64 *to = (__u64 *)&sum;

	for (int cpu = 0; cpu < counts->cpus; cpu++) {
		const __u64 *from = (const __u64 *)&counts->per_cpu[cpu];

		for (int field = 0; field < FIELDS; field++)
			to[field] += __atomic_load_n(&from[field], __ATOMIC_RELAXED);
	}
	return sum;
}

void stack_counts_thread(const struct stack_counts *counts, uint32_t tid,
			 struct thread_count *ret_count)
{
	if (bpf_map_lookup_elem(bpf_map__fd(counts->skeleton->maps.thread_counts), &tid, ret_count))
		*ret_count = (struct thread_count){0};
}

uint32_t stack_counts_threads_max(const struct stack_counts *counts)
{
	return bpf_map__max_entries(counts->skeleton->maps.thread_counts);
}

void stack_counts_forget_thread(struct stack_counts *counts, uint32_t tid)
{
	(void)bpf_map_delete_elem(bpf_map__fd(counts->skeleton->maps.thread_counts), &tid);
}

uint64_t stack_counts_unknown(const struct stack_counts *counts)
{
	return counts->unknown;
}

uint64_t stack_counts_records_taken(const struct stack_counts *counts)
{
	return counts->records_taken;
}

uint64_t stack_counts_ring_bytes(const struct stack_counts *counts)
{
	return bpf_map__max_entries(counts->skeleton->maps.records);
}

uint64_t stack_counts_ring_used(const struct stack_counts *counts)
{
	return ring_level_bytes(counts->level);
}

void stack_counts_each_map(const struct stack_counts *counts, each_map_fn each, void *context)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, counts->skeleton->obj)
		each(context, bpf_map__name(map), bpf_map__fd(map));
}
