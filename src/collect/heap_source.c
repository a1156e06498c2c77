#include "config.h"

#include "collect/heap_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <bpf/bpf.h>

#include "clock.h"
#include "collect/heap_load.h"
#include "collect/heap_source_state.h"
#include "collect/ring_record.h"
#include "permit/kernel_limits.h"

/* A target may fill the ring as fast as it is read: others have their turn between. */
enum { DRAIN_NS = 1000000 };

static int on_record(void *context, void *data, size_t size)
{
	struct heap_source *source = context;
	const struct stack_record *stack = ring_record_stack(data, size);
	const struct copy_header *copy = ring_record_copy(data, size);

	source->records_taken++;
	if (stack)
		source->hooks.stack(source->hooks.context, stack);
	else if (copy)
		source->hooks.copy(source->hooks.context, copy, (const uint8_t *)(copy + 1));
	return monotonic_ns() < source->drain_until_ns ? 0 : -EAGAIN;
}

static int describe_load(int code, struct err *err)
{
	struct kernel_limits limits;
	char reason[sizeof(err->text)];

	kernel_limits_read(&limits);
	if (kernel_limits_forbid_bpf(code, &limits))
		return err_set(err, -code, EXIT_NOT_PERMITTED, "heap tracking is not permitted: %s",
			       kernel_limits_bpf_reason(reason, sizeof(reason), &limits));
	if (code == -ENOMEM)
		return err_set(err, -code, EXIT_FAILED, "no kernel memory for the heap's maps");
	return err_set(err, -code, EXIT_KERNEL_LACKS,
		       "this kernel cannot run the heap's BPF programs (%s): Linux 5.17 or later is needed",
		       strerror(-code));
}

static int open_records(struct heap_source *source)
{
	int fd = bpf_map__fd(source->skeleton->maps.records);

	source->records = ring_buffer__new(fd, on_record, source, NULL);
	if (!source->records)
		return -errno;
	source->level = ring_level_open(fd);
	return source->level ? 0 : -errno;
}

int heap_source_begin(struct heap_source **ret_source, const struct heap_options *options,
		      const struct heap_hooks *hooks, struct err *err)
{
	enum link_kind link = uprobe_link_choose(options->link);
	struct heap_source *source;
	int code = uprobe_link_check(link, err);

	if (code)
		return code;
	source = xcalloc(1, sizeof(*source));
	source->pid = options->pid;
	source->hooks = *hooks;
	source->facts.link = link;
	source->set_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	heap_probes_init(source);
	if (source->set_fd < 0) {
		code = -errno;
		heap_source_close(source);
		return err_set(err, -code, EXIT_FAILED, "cannot make an eventfd: %s", strerror(-code));
	}
	code = heap_load_begin(&source->load, source, options);
	if (code) {
		heap_source_close(source);
		return err_set(err, -code, EXIT_FAILED, "no thread to load the heap's programs in: %s",
			       strerror(-code));
	}
	*ret_source = source;
	return 0;
}

int heap_source_loaded_fd(const struct heap_source *source)
{
	return heap_load_fd(source->load);
}

int heap_source_finish(struct heap_source **ret_source, struct err *err)
{
	struct heap_source *source = *ret_source;
	int code = heap_load_end(source->load);
	size_t cpus;

	source->load = NULL;
	if (!code)
		code = open_records(source);
	if (code) {
		heap_source_close(source);
		*ret_source = NULL;
		return describe_load(code, err);
	}
	source->cpus = libbpf_num_possible_cpus();
	if (source->cpus < 1)
		source->cpus = 1;
	cpus = (size_t)source->cpus;
	source->stats_per_cpu = xcalloc(cpus, sizeof(*source->stats_per_cpu));
	source->hits_per_cpu = xcalloc(cpus, sizeof(*source->hits_per_cpu));
	source->batch_ids = xcalloc(HEAP_SITES_BATCH, sizeof(*source->batch_ids));
	source->batch_sites = xcalloc(HEAP_SITES_BATCH, sizeof(*source->batch_sites));
	return 0;
}

void heap_source_close(struct heap_source *source)
{
	if (!source)
		return;
	(void)heap_load_end(source->load);
	heap_probes_fini(source);
	ring_level_close(source->level);
	ring_buffer__free(source->records);
	heap_bpf__destroy(source->skeleton);
	free(source->stats_per_cpu);
	free(source->hits_per_cpu);
	free(source->batch_ids);
	free(source->batch_sites);
	free(source);
}

struct heap_facts heap_source_facts(const struct heap_source *source)
{
	return source->facts;
}

void heap_source_set_interval(struct heap_source *source, uint64_t interval, bool yields)
{
	source->skeleton->bss->yields = yields;
	source->skeleton->bss->interval = interval;
}

void heap_source_set_by_thread(struct heap_source *source, bool by_thread)
{
	source->skeleton->bss->by_thread = by_thread;
}

uint64_t heap_source_interval(const struct heap_source *source)
{
	return source->skeleton->bss->interval;
}

uint64_t heap_source_epoch(const struct heap_source *source)
{
	return source->skeleton->bss->epoch;
}

int heap_source_fd(const struct heap_source *source)
{
	return ring_buffer__epoll_fd(source->records);
}

bool heap_source_drain(struct heap_source *source)
{
	source->drain_until_ns = monotonic_ns() + DRAIN_NS;
	return ring_buffer__consume(source->records) != -EAGAIN;
}

void heap_source_acknowledge(struct heap_source *source, uint64_t stack_id)
{
	const uint8_t one = 1;

	/* If it cannot be entered the stack is announced again. */
	(void)bpf_map_update_elem(bpf_map__fd(source->skeleton->maps.acknowledged), &stack_id, &one, BPF_ANY);
}

bool heap_source_executed(const struct heap_source *source)
{
	return source->skeleton->bss->epoch != source->skeleton->bss->rules_epoch;
}

/* Nobody reads or changes an object of an older epoch; it only takes room. */
static void drop_old_objects(struct heap_source *source, uint64_t epoch)
{
	int fd = bpf_map__fd(source->skeleton->maps.live);
	uint64_t address, next;
	bool more = bpf_map_get_next_key(fd, NULL, &address) == 0;

	while (more) {
		struct heap_object object;

		more = bpf_map_get_next_key(fd, &address, &next) == 0;
		if (bpf_map_lookup_elem(fd, &address, &object) == 0 && object.epoch < epoch)
			source->dropped += bpf_map_delete_elem(fd, &address) == 0;
		address = next;
	}
}

void heap_source_start_anew(struct heap_source *source)
{
	uint64_t epoch = source->skeleton->bss->epoch;

	source->skeleton->bss->rules_epoch = epoch;
	drop_old_objects(source, epoch);
}
