/*
 * The heap source's probes in the target: set for one file after the other, taken out and put back.
 * Those of functions that only allocate may be closed for a while on their own; what frees is always
 * seen then, as each object that is tracked must be known to be gone. Or allocations are only counted:
 * what frees is never seen, and all that allocates may be closed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/heap_source_state.h"
#include "collect/probe_job.h"

void heap_probes_init(struct heap_source *source)
{
	source->links = uprobe_links_new(source->facts.link);
	source->call_links = uprobe_links_new(source->facts.link);
	source->attached = source->follows = true;
}

static void free_group(struct heap_group *group)
{
	(void)close(group->fd);
	free(group->calls);
	free(group->frees);
}

void heap_probes_fini(struct heap_source *source)
{
	struct err err;

	(void)heap_source_end_setting(source, &err);
	if (source->set_fd >= 0)
		(void)close(source->set_fd);
	uprobe_links_free(source->call_links);
	uprobe_links_free(source->links);
	uprobe_links_wait(&source->closing);
	uprobe_links_wait(&source->leaving);
	for (size_t i = 0; i < source->group_count; i++)
		free_group(&source->groups[i]);
	free(source->groups);
}

static bool is_free(const struct heap_function *function)
{
	return function->call == HEAP_CALL_FREE || function->call == HEAP_CALL_UNMAP;
}

static bool is_realloc(const struct heap_function *function)
{
	return heap_call_reallocates(function->call);
}

static struct uprobe_place place_of(const struct heap_function *function, size_t probe)
{
	return (struct uprobe_place){
	    .offset = function->offset,
	    .cookie = heap_cookie(function->call, function->size_register, function->count_register,
				  function->pointer_register, function->nests ? HEAP_COOKIE_NESTS : 0,
				  probe),
	};
}

static void add_places(struct heap_group *group, const struct heap_function *functions, size_t count,
		       size_t first)
{
	group->calls = xcalloc(count + 1, sizeof(*group->calls));
	group->frees = xcalloc(count + 1, sizeof(*group->frees));
	for (size_t i = 0; i < count; i++) {
		const struct uprobe_place place = place_of(&functions[i], first + i);

		if (is_free(&functions[i]))
			group->frees[group->free_count++] = place;
		else if (!is_realloc(&functions[i]))
			group->calls[group->call_count++] = place;
	}
	for (size_t i = 0; i < count; i++)
		if (is_realloc(&functions[i]))
			group->calls[group->call_count + group->realloc_count++] =
			    place_of(&functions[i], first + i);
}

/* Returns first: a call that is seen entering must be seen leaving. */
static void add_calls(struct heap_source *source, struct uprobe_links *links, int file,
		      const struct uprobe_place *calls, size_t count)
{
	const struct heap_bpf *skeleton = source->skeleton;

	if (source->facts.link == LINK_SESSION) {
		probe_job_add(source->job, links, skeleton->progs.heap_session, UPROBE_SESSION, file, calls,
			      count);
		return;
	}
	probe_job_add(source->job, links, skeleton->progs.heap_leave, UPROBE_RETURN, file, calls, count);
	probe_job_add(source->job, links, skeleton->progs.heap_enter, UPROBE_ENTRY, file, calls, count);
}

struct used_place {
	struct uprobe_place place;
	uint64_t hits;
};

static int compare_use(const void *a, const void *b)
{
	const struct used_place *left = a, *right = b;

	return (left->hits > right->hits) - (left->hits < right->hits);
}

/*
 * The kernel sets and removes the places of a link in their order. Before the first one it waits for all
 * CPUs, and for so long that one is a trap without a program: nobody counts its hits. So what is
 * called least comes first.
 */
static void least_used_first(const struct heap_source *source, struct uprobe_place *places, size_t count)
{
	struct heap_hits *hits = xcalloc(source->probes + 1, sizeof(*hits));
	struct used_place *used = xcalloc(count + 1, sizeof(*used));

	heap_source_hits(source, hits, source->probes);
	for (size_t i = 0; i < count; i++) {
		size_t probe = heap_cookie_probe(places[i].cookie);

		used[i].place = places[i];
		used[i].hits = probe < source->probes ? heap_hits_all(&hits[probe]) : 0;
	}
	qsort(used, count, sizeof(used[0]), compare_use);
	for (size_t i = 0; i < count; i++)
		places[i] = used[i].place;
	free(used);
	free(hits);
}

static void open_group(struct heap_source *source, const struct heap_group *group)
{
	size_t count = group->call_count + (source->follows ? 0 : group->realloc_count);
	struct uprobe_place *places = xcalloc(count + 1, sizeof(*places));

	memcpy(places, group->calls, count * sizeof(*places));
	least_used_first(source, places, count);
	add_calls(source, source->call_links, group->fd, places, count);
	free(places);
}

static void add_group(struct heap_source *source, const struct heap_group *group)
{
	if (source->call_links)
		open_group(source, group);
	if (!source->follows)
		return;
	add_calls(source, source->links, group->fd, group->calls + group->call_count, group->realloc_count);
	/* free() last: with an allocation not yet probed its free would count as one of an older
	 * object. */
	probe_job_add(source->job, source->links, source->skeleton->progs.heap_free, UPROBE_ENTRY, group->fd,
		      group->frees, group->free_count);
}

static void new_job(struct heap_source *source, enum heap_job what)
{
	source->job = probe_job_new(source->pid, source->set_fd);
	source->job_is = what;
}

int heap_source_attach(struct heap_source *source, int fd, const struct heap_function *functions,
		       size_t count, struct err *err)
{
	struct heap_group group = {.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
	int code = group.fd < 0 ? -errno : 0;

	if (code)
		return err_set(err, -code, EXIT_FAILED, "cannot keep an allocator's file open: %s",
			       strerror(-code));
	if (count > HEAP_PROBES_MAX - source->probes) {
		free_group(&group);
		return err_set(err, ENOSPC, EXIT_FAILED, "more than %d allocator functions: not all are probed",
			       HEAP_PROBES_MAX);
	}
	add_places(&group, functions, count, source->probes);
	source->groups =
	    xreallocarray(source->groups, source->group_count + 1, sizeof(*source->groups));
	source->groups[source->group_count++] = group;
	source->probes += count;
	if (!source->attached)
		return 0;
	new_job(source, HEAP_JOB_ATTACH);
	add_group(source, &group);
	probe_job_begin(source->job);
	return 0;
}

/* Calls in flight, whose returns nobody will see. */
static void forget_calls(struct heap_source *source)
{
	int fd = bpf_map__fd(source->skeleton->maps.threads);
	uint32_t tid;

	while (bpf_map_get_next_key(fd, NULL, &tid) == 0)
		if (bpf_map_delete_elem(fd, &tid))
			break;
}

void heap_source_take_out(struct heap_source *source)
{
	uprobe_links_join(source->links, source->call_links);
	uprobe_links_retire(source->links, &source->leaving);
	heap_probes_init(source);
	source->attached = false;
}

bool heap_source_is_out(struct heap_source *source)
{
	return uprobe_links_retired(&source->closing) && uprobe_links_retired(&source->leaving);
}

void heap_source_put_back(struct heap_source *source, bool follows)
{
	source->follows = follows;
	source->skeleton->bss->follows = follows;

	/* No program runs now: nobody else changes the epoch. */
	forget_calls(source);
	source->skeleton->bss->epoch++;
	source->skeleton->bss->open = 1;
	source->skeleton->bss->extra = 0;
	heap_source_start_anew(source);
	new_job(source, HEAP_JOB_PUT_BACK);
	for (size_t i = 0; i < source->group_count; i++)
		add_group(source, &source->groups[i]);
	probe_job_begin(source->job);
}

void heap_source_close_calls(struct heap_source *source)
{
	if (!source->call_links)
		return;
	source->skeleton->bss->open = 0;
	uprobe_links_retire(source->call_links, &source->closing);
	source->call_links = NULL;
}

bool heap_source_open_calls(struct heap_source *source)
{
	if (!uprobe_links_retired(&source->closing))
		return false;
	source->call_links = uprobe_links_new(source->facts.link);
	new_job(source, HEAP_JOB_OPEN);
	for (size_t i = 0; i < source->group_count; i++)
		open_group(source, &source->groups[i]);
	probe_job_begin(source->job);
	return true;
}

bool heap_source_is_setting(const struct heap_source *source)
{
	return source->job != NULL;
}

int heap_source_set_fd(const struct heap_source *source)
{
	return source->set_fd;
}

/* The last file's functions are not probed. */
static void forget_group(struct heap_source *source)
{
	struct heap_group *group = &source->groups[--source->group_count];

	source->probes -= group->call_count + group->realloc_count + group->free_count;
	free_group(group);
}

int heap_source_end_setting(struct heap_source *source, struct err *err)
{
	eventfd_t number;
	double seconds = 0;
	int code = source->job ? probe_job_end(source->job, &seconds, err) : 0;

	(void)eventfd_read(source->set_fd, &number);
	source->facts.attach_s += seconds;
	if (seconds > source->facts.attach_longest_s)
		source->facts.attach_longest_s = seconds;
	if (!source->job)
		return 0;
	source->job = NULL;
	if (source->job_is == HEAP_JOB_PUT_BACK)
		source->attached = true;
	if (!code)
		return 0;
	if (source->job_is == HEAP_JOB_ATTACH) {
		forget_group(source);
	} else if (source->job_is == HEAP_JOB_PUT_BACK) {
		heap_source_take_out(source);
	} else {
		uprobe_links_free(source->call_links);
		source->call_links = NULL;
	}
	return code;
}

void heap_source_set_weight(struct heap_source *source, double weight)
{
	double extra = (weight - 1) * HEAP_EXTRA_ONE + 0.5;

	source->skeleton->bss->extra = extra < HEAP_EXTRA_MOST ? (uint64_t)extra : HEAP_EXTRA_MOST;
	if (source->skeleton->bss->open)
		return;
	source->skeleton->bss->opening++;
	__atomic_store_n(&source->skeleton->bss->open, 1, __ATOMIC_RELEASE);
}
