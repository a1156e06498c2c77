#include "config.h"

#include "collect/heap_load.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/heap_object.h"
#include "collect/sampling.h"

/* A map for fewer live objects than this is not worth it. */
enum { LIVE_ENTRIES_LEAST = 1 << 12 };

struct heap_load {
	struct heap_source *source; /* the thread's alone until it has ended */
	struct heap_options options;
	pthread_t thread;
	int fd; /* an eventfd */
	int code;
};

static void set_attach_types(struct heap_source *source)
{
	struct heap_bpf *skeleton = source->skeleton;
	enum link_kind kind = source->facts.link;
	bool session = kind == LINK_SESSION;

	(void)bpf_program__set_expected_attach_type(skeleton->progs.heap_session,
						    uprobe_attach_type(kind, UPROBE_SESSION));
	(void)bpf_program__set_expected_attach_type(skeleton->progs.heap_enter,
						    uprobe_attach_type(kind, UPROBE_ENTRY));
	(void)bpf_program__set_expected_attach_type(skeleton->progs.heap_leave,
						    uprobe_attach_type(kind, UPROBE_RETURN));
	(void)bpf_program__set_expected_attach_type(skeleton->progs.heap_free,
						    uprobe_attach_type(kind, UPROBE_ENTRY));
	(void)bpf_program__set_autoload(skeleton->progs.heap_session, session);
	(void)bpf_program__set_autoload(skeleton->progs.heap_enter, !session);
	(void)bpf_program__set_autoload(skeleton->progs.heap_leave, !session);
	skeleton->rodata->session = session;
}

static int set_sizes(struct heap_source *source, const struct heap_options *options, uint32_t live_entries)
{
	struct heap_bpf *skeleton = source->skeleton;
	int code = bpf_map__set_max_entries(skeleton->maps.live, live_entries);

	if (!code && options->map_entries)
		code = bpf_map__set_max_entries(skeleton->maps.sites, (uint32_t)options->map_entries);
	if (!code && options->map_entries)
		code = bpf_map__set_max_entries(skeleton->maps.threads, (uint32_t)options->map_entries);
	if (!code && options->ring_bytes)
		code = bpf_map__set_max_entries(skeleton->maps.records, (uint32_t)options->ring_bytes);
	source->facts.live_entries = live_entries;
	source->facts.site_entries = bpf_map__max_entries(skeleton->maps.sites);
	source->facts.ring_bytes = bpf_map__max_entries(skeleton->maps.records);
	return code;
}

static int configure(struct heap_source *source, const struct heap_options *options, uint32_t live_entries)
{
	struct heap_bpf *skeleton = source->skeleton;
	struct stat namespace;
	int code;

	if (stat("/proc/self/ns/pid", &namespace) < 0)
		return -errno;
	skeleton->rodata->target_pid = (uint32_t)source->pid;
	skeleton->rodata->pid_namespace_dev = namespace.st_dev;
	skeleton->rodata->pid_namespace_ino = namespace.st_ino;
	skeleton->bss->open = 1;
	skeleton->bss->follows = 1;
	/* Constants for the programs only: until they are loaded the memory is ours to fill. */
	sampling_fill_log2((uint32_t *)(uintptr_t)skeleton->rodata->sampling_log2);
	sampling_fill_weight((uint32_t *)(uintptr_t)skeleton->rodata->sampling_weight);
	set_attach_types(source);
	code = set_sizes(source, options, live_entries);
	if (!code)
		code = bpf_map__reuse_fd(skeleton->maps.rules, options->rules_fd);
	if (!code)
		code = bpf_map__reuse_fd(skeleton->maps.rule_cache, options->rule_cache_fd);
	if (!code && options->mappings_fd >= 0)
		code = bpf_map__reuse_fd(skeleton->maps.mappings, options->mappings_fd);
	if (!code && options->entries_fd >= 0)
		code = bpf_map__reuse_fd(skeleton->maps.entries, options->entries_fd);
	return code;
}

static int load(struct heap_source *source, const struct heap_options *options, uint32_t live_entries)
{
	int code;

	source->skeleton = heap_object_open(source->facts.link == LINK_SESSION);
	if (!source->skeleton)
		return -errno;
	code = configure(source, options, live_entries);
	source->facts.thread_entries = bpf_map__max_entries(source->skeleton->maps.threads);
	if (!code)
		code = heap_bpf__load(source->skeleton);
	if (!code)
		return 0;
	heap_bpf__destroy(source->skeleton);
	source->skeleton = NULL;
	return code;
}

static int load_what_fits(struct heap_source *source, const struct heap_options *options)
{
	uint32_t entries = (uint32_t)options->live_entries;
	int code = load(source, options, entries);

	while (code == -ENOMEM && entries / 2 >= LIVE_ENTRIES_LEAST) {
		entries /= 2;
		code = load(source, options, entries);
	}
	return code;
}

static void *run(void *context)
{
	struct heap_load *load = context;

	load->code = load_what_fits(load->source, &load->options);
	(void)eventfd_write(load->fd, 1);
	return NULL;
}

int heap_load_begin(struct heap_load **ret_load, struct heap_source *source,
		    const struct heap_options *options)
{
	struct heap_load *load = xcalloc(1, sizeof(*load));
	int code = 0;

	load->source = source;
	load->options = *options;
	load->fd = eventfd(0, EFD_CLOEXEC);
	if (load->fd < 0)
		code = -errno;
	if (!code)
		code = -pthread_create(&load->thread, NULL, run, load);
	if (!code) {
		*ret_load = load;
		return 0;
	}
	if (load->fd >= 0)
		close(load->fd);
	free(load);
	return code;
}

int heap_load_fd(const struct heap_load *load)
{
	return load->fd;
}

int heap_load_end(struct heap_load *load)
{
	int code;

	if (!load)
		return 0;
	(void)pthread_join(load->thread, NULL);
	code = load->code;
	close(load->fd);
	free(load);
	return code;
}
