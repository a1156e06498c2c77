#include "config.h"

#include "collect/heap_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <heap.skel.h>

#include "collect/uprobe_link.h"

enum { SITES_BATCH = 4096 };

struct heap_source {
	struct heap_bpf *skeleton;
	struct ring_buffer *records;
	struct uprobe_links *links;
	struct heap_hooks hooks;
	int pid;
	int cpus;
	struct heap_stats *per_cpu;
	uint64_t *batch_ids;
	struct heap_site *batch_sites;
};

static int on_record(void *context, void *data, size_t size)
{
	const struct heap_source *source = context;
	const struct stack_record *stack = data;
	const struct copy_header *copy = data;

	if (size >= offsetof(struct stack_record, frames) && stack->kind == RECORD_STACK) {
		if (stack->frame_count <= STACK_FRAMES_MAX &&
		    size >= offsetof(struct stack_record, frames) + stack->frame_count * sizeof(__u64))
			source->hooks.stack(source->hooks.context, stack);
	} else if (size >= sizeof(*copy) && copy->kind == RECORD_COPY) {
		if (copy->stack_size <= size - sizeof(*copy))
			source->hooks.copy(source->hooks.context, copy, (const uint8_t *)(copy + 1));
	}
	return 0;
}

static int describe_load(int code, struct err *err)
{
	if (code == -EPERM || code == -EACCES)
		return err_set(err, -code, EXIT_NOT_PERMITTED,
			       "heap tracking needs CAP_BPF and CAP_PERFMON: run as root or grant them with setcap");
	if (code == -ENOMEM)
		return err_set(err, -code, EXIT_FAILED, "no kernel memory for the heap's maps");
	return err_set(err, -code, EXIT_KERNEL_LACKS,
		       "this kernel cannot run the heap's BPF programs (%s): Linux 5.17 or later is needed",
		       strerror(-code));
}

static int configure(struct heap_source *source, const struct heap_options *options,
		     enum link_kind kind)
{
	struct heap_bpf *skeleton = source->skeleton;
	struct stat namespace;
	int code;

	if (stat("/proc/self/ns/pid", &namespace) < 0)
		return -errno;
	skeleton->rodata->target_pid = (uint32_t)source->pid;
	skeleton->rodata->pid_namespace_dev = namespace.st_dev;
	skeleton->rodata->pid_namespace_ino = namespace.st_ino;
	if (kind == LINK_MULTI) {
		struct bpf_program *program;

		bpf_object__for_each_program(program, skeleton->obj)
			if (bpf_program__type(program) == BPF_PROG_TYPE_KPROBE)
				(void)bpf_program__set_expected_attach_type(program, UPROBE_MULTI_ATTACH_TYPE);
	}
	code = bpf_map__reuse_fd(skeleton->maps.rules, options->rules_fd);
	if (!code && options->mappings_fd >= 0)
		code = bpf_map__reuse_fd(skeleton->maps.mappings, options->mappings_fd);
	return code;
}

static int load(struct heap_source *source, const struct heap_options *options,
		enum link_kind kind)
{
	int code;

	source->skeleton = heap_bpf__open();
	if (!source->skeleton)
		return -errno;
	code = configure(source, options, kind);
	if (!code)
		code = heap_bpf__load(source->skeleton);
	if (code)
		return code;
	source->records =
	    ring_buffer__new(bpf_map__fd(source->skeleton->maps.records), on_record, source, NULL);
	return source->records ? 0 : -errno;
}

int heap_source_open(struct heap_source **ret_source, const struct heap_options *options,
		     const struct heap_hooks *hooks, struct err *err)
{
	struct heap_source *source = xcalloc(1, sizeof(*source));
	enum link_kind kind = uprobe_link_choose(options->link);
	int code;

	source->pid = options->pid;
	source->hooks = *hooks;
	source->links = uprobe_links_new(kind);
	code = load(source, options, kind);
	if (code) {
		heap_source_close(source);
		return describe_load(code, err);
	}
	source->cpus = libbpf_num_possible_cpus();
	if (source->cpus < 1)
		source->cpus = 1;
	source->per_cpu = xcalloc((size_t)source->cpus, sizeof(*source->per_cpu));
	source->batch_ids = xcalloc(SITES_BATCH, sizeof(*source->batch_ids));
	source->batch_sites = xcalloc(SITES_BATCH, sizeof(*source->batch_sites));
	*ret_source = source;
	return 0;
}

void heap_source_close(struct heap_source *source)
{
	if (!source)
		return;
	uprobe_links_free(source->links);
	ring_buffer__free(source->records);
	heap_bpf__destroy(source->skeleton);
	free(source->per_cpu);
	free(source->batch_ids);
	free(source->batch_sites);
	free(source);
}

int heap_source_attach(struct heap_source *source, const char *path, const struct heap_function *functions,
		       size_t count, struct err *err)
{
	struct uprobe_place *calls = xcalloc(count + 1, sizeof(*calls));
	struct uprobe_place *frees = xcalloc(count + 1, sizeof(*frees));
	size_t call_count = 0, free_count = 0;
	int code;

	for (size_t i = 0; i < count; i++) {
		/* The low byte is the kind; the rest tells functions of one kind apart. */
		const struct uprobe_place place = {functions[i].offset, functions[i].call | i << 8};

		if (functions[i].call == HEAP_CALL_FREE)
			frees[free_count++] = place;
		else
			calls[call_count++] = place;
	}
	/* Returns first: a call that is seen entering must be seen leaving. free() last: with an
	 * allocation not yet probed its free would count as one of an older object. */
	code = uprobe_links_attach(source->links, source->skeleton->progs.heap_leave, true, source->pid, path,
				   calls, call_count, err);
	if (!code)
		code = uprobe_links_attach(source->links, source->skeleton->progs.heap_enter, false, source->pid,
					   path, calls, call_count, err);
	if (!code)
		code = uprobe_links_attach(source->links, source->skeleton->progs.heap_free, false, source->pid,
					   path, frees, free_count, err);
	free(calls);
	free(frees);
	return code;
}

int heap_source_threads_fd(const struct heap_source *source)
{
	return bpf_map__fd(source->skeleton->maps.threads);
}

int heap_source_fd(const struct heap_source *source)
{
	return ring_buffer__epoll_fd(source->records);
}

void heap_source_drain(struct heap_source *source)
{
	(void)ring_buffer__consume(source->records);
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
			(void)bpf_map_delete_elem(fd, &address);
		address = next;
	}
}

void heap_source_start_anew(struct heap_source *source)
{
	uint64_t epoch = source->skeleton->bss->epoch;

	source->skeleton->bss->rules_epoch = epoch;
	drop_old_objects(source, epoch);
}

int heap_source_read_sites(struct heap_source *source, heap_site_fn each, void *context)
{
	int fd = bpf_map__fd(source->skeleton->maps.sites);
	uint64_t position;
	bool first = true, end = false;

	while (!end) {
		__u32 count = SITES_BATCH;
		int code = bpf_map_lookup_batch(fd, first ? NULL : &position, &position, source->batch_ids,
						source->batch_sites, &count, NULL);

		end = code == -ENOENT;
		if (code && !end)
			return code;
		for (__u32 i = 0; i < count; i++) {
			if (source->batch_sites[i].epoch == source->skeleton->bss->epoch)
				each(context, source->batch_ids[i], &source->batch_sites[i]);
			else
				heap_source_forget_site(source, source->batch_ids[i]);
		}
		first = false;
	}
	return 0;
}

void heap_source_forget_site(struct heap_source *source, uint64_t stack_id)
{
	(void)bpf_map_delete_elem(bpf_map__fd(source->skeleton->maps.sites), &stack_id);
}

void heap_source_forget_thread(struct heap_source *source, uint32_t tid)
{
	(void)bpf_map_delete_elem(bpf_map__fd(source->skeleton->maps.threads), &tid);
}

struct heap_stats heap_source_stats(const struct heap_source *source)
{
	enum { FIELDS = sizeof(struct heap_stats) / sizeof(__u64) };
	struct heap_stats sum = {0};
	__u64 *to = (__u64 *)&sum;
	__u32 key = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(source->skeleton->maps.stats), &key, source->per_cpu))
		return sum;
	for (int cpu = 0; cpu < source->cpus; cpu++) {
		const __u64 *from = (const __u64 *)&source->per_cpu[cpu];

		for (int field = 0; field < FIELDS; field++)
			to[field] += from[field];
	}
	return sum;
}
