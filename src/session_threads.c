/* The threads of a refresh: what /proc says of each, and the samples and bytes that the kernel counted. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "clock.h"
#include "err.h"
#include "session_state.h"
#include "symbol/client.h"
#include "target/threads.h"

/* The kernel counts CPU time in ticks: sooner a share says nothing. */
static const double interval_min_s = 0.2;

struct session_threads {
	double read_s; /* when `threads` was read; 0: never */
	size_t count;
	struct thread threads[THREADS_MAX];
	uint64_t alloc_bytes[THREADS_MAX]; /* of each; SNAPSHOT_UNKNOWN */
};

static const struct thread *find_thread(const struct session_threads *before, int tid)
{
	size_t low = 0, high = before->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (before->threads[middle].tid == tid)
			return &before->threads[middle];
		if (before->threads[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What the heap's books have of a thread. */
static void fill_allocations(struct session *session, struct session_threads *now,
			     const struct session_threads *before, size_t at,
			     struct snapshot_thread *row)
{
	const struct thread *old = before ? find_thread(before, row->tid) : NULL;
	uint64_t bytes, old_bytes = old ? before->alloc_bytes[old - before->threads] : SNAPSHOT_UNKNOWN;

	row->alloc_bytes = SNAPSHOT_UNKNOWN;
	row->alloc_bytes_per_s = NAN;
	if (session->heap && !session_heap_stays_out(session) &&
	    heap_source_thread_bytes(session->heap, (uint32_t)row->tid, &bytes))
		row->alloc_bytes = bytes;
	now->alloc_bytes[at] = row->alloc_bytes;
	/* From one refresh to the next says nothing where allocations are seen only now and then. */
	if (session->share.halvings > 0 || !old || old->start_ticks != now->threads[at].start_ticks ||
	    row->alloc_bytes == SNAPSHOT_UNKNOWN || old_bytes == SNAPSHOT_UNKNOWN ||
	    row->alloc_bytes < old_bytes)
		return;
	row->alloc_bytes_per_s =
	    (double)(row->alloc_bytes - old_bytes) / (now->read_s - before->read_s);
}

static double cpu_pct(const struct session_threads *before, const struct thread *thread,
		      double now_s)
{
	const struct thread *old = before ? find_thread(before, thread->tid) : NULL;
	double ticks_per_s = (double)sysconf(_SC_CLK_TCK);

	if (!old || old->start_ticks != thread->start_ticks || old->cpu_ticks > thread->cpu_ticks)
		return NAN;
	return 100.0 * (double)(thread->cpu_ticks - old->cpu_ticks) / ticks_per_s /
	       (now_s - before->read_s);
}

/* The function that most of a thread's latest samples were in; NULL: none of them is known. */
static const char *top_function(const struct session *session, const struct thread_count *count)
{
	const char *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < THREAD_STACKS; i++) {
		const struct stack *stack = stack_table_find(session->stacks, count->stacks[i]);
		const char *function =
		    stack && stack->frame_count ? stack->symbols[0]->frames[0].function : NULL;
		size_t same = 0;

		for (size_t j = 0; function && j < THREAD_STACKS; j++) {
			const struct stack *other =
			    stack_table_find(session->stacks, count->stacks[j]);

			same += other && other->frame_count &&
				other->symbols[0]->frames[0].function == function;
		}
		if (same > most) {
			most = same;
			best = function;
		}
	}
	return best;
}

static void fill_samples(struct session *session, struct snapshot *snapshot,
			 struct snapshot_thread *row)
{
	struct thread_count count;

	row->samples = SNAPSHOT_UNKNOWN;
	row->samples_pct = NAN;
	if (!session->counts)
		return;
	stack_counts_thread(session->counts, (uint32_t)row->tid, &count);
	row->samples = count.samples;
	if (snapshot->cpu.samples)
		row->samples_pct = 100.0 * (double)count.samples / (double)snapshot->cpu.samples;
	row->function = top_function(session, &count);
}

static void fill_rows(struct session *session, struct snapshot *snapshot,
		      struct session_threads *now, const struct session_threads *before)
{
	snapshot->threads = xcalloc(now->count + 1, sizeof(*snapshot->threads));
	for (size_t i = 0; i < now->count; i++) {
		const struct thread *thread = &now->threads[i];
		struct snapshot_thread *row = &snapshot->threads[snapshot->thread_count++];

		row->tid = thread->tid;
		row->state = thread->state;
		(void)strlcpy(row->name, thread->name, sizeof(row->name));
		row->cpu_pct = cpu_pct(before, thread, now->read_s);
		fill_samples(session, snapshot, row);
		fill_allocations(session, now, before, i, row);
	}
}

void session_fill_threads(struct session *session, struct snapshot *snapshot)
{
	struct session_threads *now, *before = session->threads;
	double now_s = monotonic_s();
	bool early = before && now_s - before->read_s < interval_min_s;

	if (!snapshot->request.threads || session->target->exited)
		return;
	now = xcalloc(1, sizeof(*now));
	now->read_s = now_s;
	now->count = threads_read(session->target->pid, now->threads, &snapshot->threads_left_out);
	fill_rows(session, snapshot, now, early ? NULL : before);
	if (early) {
		free(now);
		return;
	}
	free(before);
	session->threads = now;
}
