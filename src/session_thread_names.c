/* The names of the threads that functions and sites are shown of. One that has ended keeps the last it had. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "session_state.h"
#include "target/threads.h"

static int by_tid(const void *left, const void *right)
{
	const struct snapshot_thread_name *a = left, *b = right;

	return (a->tid > b->tid) - (a->tid < b->tid);
}

static struct snapshot_thread_name *find(struct snapshot_thread_name *names, size_t count, int tid)
{
	const struct snapshot_thread_name wanted = {.tid = tid};

	return count ? bsearch(&wanted, names, count, sizeof(*names), by_tid) : NULL;
}

/* The threads of the rows, each once, by tid and without names; the caller frees them. */
static struct snapshot_thread_name *list_threads(const struct snapshot *snapshot, size_t *ret_count)
{
	size_t most = snapshot->grouped_count + snapshot->grouped_site_count, rows = 0, count = 0;
	struct snapshot_thread_name *names = xcalloc(most + 1, sizeof(*names));

	for (size_t i = 0; i < snapshot->grouped_count; i++)
		if (snapshot->grouped[i].tid)
			names[rows++].tid = snapshot->grouped[i].tid;
	for (size_t i = 0; i < snapshot->grouped_site_count; i++)
		if (snapshot->grouped_sites[i].tid)
			names[rows++].tid = snapshot->grouped_sites[i].tid;
	qsort(names, rows, sizeof(*names), by_tid);
	for (size_t i = 0; i < rows; i++)
		if (i == 0 || names[i].tid != names[count - 1].tid)
			names[count++] = names[i];
	*ret_count = count;
	return names;
}

static void put_name(struct snapshot_thread_name *name, const char *text)
{
	(void)snprintf(name->text, sizeof(name->text), "%s/%d", text, name->tid);
}

/* What threads that are no more have allocated need not be kept for each. They come in the order of their tids. */
static void keep_threads(struct session *session, const struct thread *threads, size_t count)
{
	int *tids = xcalloc(count + 1, sizeof(*tids));

	for (size_t i = 0; i < count; i++)
		tids[i] = threads[i].tid;
	heap_profile_keep_threads(session->heap_profile, tids, count);
	free(tids);
}

/* Gives names to those that are there, then to the others what they were called before. */
static void name_threads(struct session *session, struct snapshot_thread_name *names, size_t count)
{
	struct thread *threads = xcalloc(THREADS_MAX, sizeof(*threads));
	size_t left_out, there = threads_read(session->target->pid, threads, &left_out);

	for (size_t i = 0; i < there; i++) {
		struct snapshot_thread_name *name = find(names, count, threads[i].tid);

		if (name)
			put_name(name, threads[i].name);
	}
	if (!left_out)
		keep_threads(session, threads, there);
	free(threads);
	for (size_t i = 0; i < count; i++) {
		const struct snapshot_thread_name *before =
		    find(session->thread_names, session->thread_name_count, names[i].tid);

		if (names[i].text[0])
			continue;
		if (before)
			names[i] = *before;
		else
			put_name(&names[i], "?");
	}
}

void session_name_threads(struct session *session, struct snapshot *snapshot)
{
	struct snapshot_thread_name *names;
	size_t count;

	if (snapshot->group != GROUP_THREAD) {
		heap_profile_keep_threads(session->heap_profile, NULL, 0);
		return;
	}
	names = list_threads(snapshot, &count);
	name_threads(session, names, count);
	snapshot->thread_names = names;
	for (size_t i = 0; i < snapshot->grouped_count; i++) {
		const struct snapshot_thread_name *name = find(names, count, snapshot->grouped[i].tid);

		if (name)
			snapshot->grouped[i].thread = name->text;
	}
	for (size_t i = 0; i < snapshot->grouped_site_count; i++) {
		const struct snapshot_thread_name *name = find(names, count, snapshot->grouped_sites[i].tid);

		if (name)
			snapshot->grouped_sites[i].thread = name->text;
	}
	free(session->thread_names);
	session->thread_names = xcalloc(count + 1, sizeof(*names));
	memcpy(session->thread_names, names, count * sizeof(*names));
	session->thread_name_count = count;
}
