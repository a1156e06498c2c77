/* The sites of a refresh: the heap's rows, summed by where they were allocated. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include <xxhash.h>

#include "profile/heap_rows.h"
#include "profile/site.h"
#include "profile/site_history.h"

/* A site while it is being summed. */
struct site_sum {
	uint64_t id;
	struct snapshot_site row;
	uint64_t live_variance; /* as struct heap_counts has it */
	UT_hash_handle hh;
};

/* Of a site, or of what a thread has of it. */
static uint64_t sum_id(uint64_t site_id, uint32_t thread)
{
	return thread ? XXH3_64bits_withSeed(&site_id, sizeof(site_id), thread) : site_id;
}

static struct site_sum *find_or_make_site(struct site_sum **sums, const struct stack *stack, uint32_t thread)
{
	const struct site site = site_of(stack);
	uint64_t id = sum_id(site.id, thread);
	struct site_sum *sum;

	HASH_FIND(hh, *sums, &id, sizeof(id), sum);
	if (sum)
		return sum;
	sum = xcalloc(1, sizeof(*sum));
	sum->id = id;
	sum->row.id = id;
	sum->row.site_id = site.id;
	sum->row.tid = (int)thread;
	sum->row.function = site.function;
	sum->row.module = site.module;
	sum->row.file = site.file;
	sum->row.line = site.line;
	sum->row.appeared = true;
	HASH_ADD(hh, *sums, id, sizeof(sum->id), sum);
	return sum;
}

static uint64_t whole_objects(uint64_t fractions)
{
	return (fractions + (1 << HEAP_OBJECTS_SHIFT) / 2) >> HEAP_OBJECTS_SHIFT;
}

/* Half the width of the 95 % confidence interval of a sum of so much variance, in bytes. */
static double confidence_bytes(const struct heap_profile *profile, uint64_t variance)
{
	if (profile->error_unknown)
		return (double)NAN;
	return 1.96 * sqrt((double)variance * (1 << HEAP_VARIANCE_SHIFT));
}

static int by_stack_and_thread(struct heap_row *left, struct heap_row *right)
{
	uintptr_t a = (uintptr_t)left->stack, b = (uintptr_t)right->stack;

	if (a != b)
		return a > b ? 1 : -1;
	return (left->thread > right->thread) - (left->thread < right->thread);
}

/* The books of one stack, or of a thread's part of it, which several ids of the kernel's may stand for. */
struct stack_books {
	struct heap_counts counts;
	struct books_mark zeroed;
	uint64_t marked_bytes;
	struct ages ages;
	struct sizes sizes;
	bool is_old; /* an earlier refresh had something of it */
};

static void add_row(struct stack_books *books, const struct heap_profile *profile, struct heap_row *row)
{
	heap_counts_add(&books->counts, &row->kernel);
	heap_counts_add(&books->counts, &row->moved);
	books_mark_add(&books->zeroed, &row->zeroed);
	books->marked_bytes += row->marked_bytes;
	books->is_old = books->is_old || (row->first_fill && row->first_fill < profile->fill);
	if (!row->first_fill && (row->kernel.alloc_objects || row->moved.alloc_objects))
		row->first_fill = profile->fill;
	if (profile->ages_pass && row->ages_pass == profile->ages_pass) {
		ages_merge(&books->ages, &row->ages);
		sizes_merge(&books->sizes, &row->sizes);
	}
}

static void add_to_site(struct site_sum *sum, const struct heap_profile *profile, const struct stack_books *books)
{
	const struct heap_counts *counts = &books->counts;
	uint64_t alloc_objects = whole_objects(counts->alloc_objects);
	uint64_t freed_objects = whole_objects(counts->freed_objects);
	uint64_t live_bytes = heap_difference(counts->alloc_bytes, counts->freed_bytes);

	sum->row.appeared = sum->row.appeared && !books->is_old;
	sum->row.live_bytes += live_bytes;
	sum->row.live_objects += heap_difference(alloc_objects, freed_objects);
	sum->row.alloc_bytes += counts->alloc_bytes;
	sum->row.alloc_objects += alloc_objects;
	sum->row.freed_bytes += counts->freed_bytes;
	sum->row.freed_objects += freed_objects;
	sum->row.since_alloc_bytes += heap_difference(counts->alloc_bytes, books->zeroed.alloc_bytes);
	sum->row.since_freed_bytes += heap_difference(counts->freed_bytes, books->zeroed.freed_bytes);
	sum->row.change_bytes += profile->marked ? (double)live_bytes - (double)books->marked_bytes : (double)NAN;
	sum->live_variance += heap_difference(counts->alloc_variance, counts->freed_variance);
	ages_merge(&sum->row.ages, &books->ages);
	sizes_merge(&sum->row.sizes, &books->sizes);
}

/*
 * Sums the rows into sites, or into sites of each thread; rows of the same stack, and thread, next to each other by
 * the sort, as one.
 */
static struct site_sum *sum_sites(struct heap_profile *profile, bool by_thread)
{
	struct site_sum *sums = NULL;
	struct heap_row *row, *next;

	HASH_SORT(profile->rows, by_stack_and_thread);
	for (row = profile->rows; row; row = next) {
		struct stack_books books = {0};
		struct site_sum *sum;

		for (next = row; next && next->stack == row->stack && (!by_thread || next->thread == row->thread);
		     next = next->hh.next)
			add_row(&books, profile, next);
		if (!books.counts.alloc_objects)
			continue;
		sum = find_or_make_site(&sums, row->stack, by_thread ? row->thread : 0);
		add_to_site(sum, profile, &books);
		for (struct heap_row *of = row; of != next; of = of->hh.next)
			of->site_id = sum->row.site_id;
	}
	return sums;
}

/* Makes rows of the sums, which are freed, in their order. The variance of all is added up. */
static struct snapshot_site *make_sites(const struct heap_profile *profile, struct site_sum *sums, size_t *ret_count,
					uint64_t *variance)
{
	size_t count = HASH_COUNT(sums), used = 0;
	struct snapshot_site *sites = xcalloc_aligned(count + 1, sizeof(*sites), SNAPSHOT_ROW_ALIGNMENT);
	struct site_sum *sum, *next;

	HASH_ITER(hh, sums, sum, next) {
		struct snapshot_site *site = &sites[used++];

		*site = sum->row;
		site->live_ci_bytes = confidence_bytes(profile, sum->live_variance);
		*variance += sum->live_variance;
		HASH_DEL(sums, sum);
		free(sum);
	}
	qsort(sites, used, sizeof(*sites), snapshot_compare_sites);
	*ret_count = used;
	return sites;
}

/* Before the sites themselves: what has appeared in this refresh has so in both. */
static void fill_threads(struct heap_profile *profile, struct snapshot *snapshot, double now_s)
{
	uint64_t variance = 0;

	if (snapshot->group != GROUP_THREAD)
		return;
	snapshot->grouped_sites =
	    make_sites(profile, sum_sites(profile, true), &snapshot->grouped_site_count, &variance);
	site_history_fill(profile->thread_history, snapshot->grouped_sites, snapshot->grouped_site_count,
			  snapshot->heap.untracked_frees, now_s);
}

static void fill_totals(struct heap_profile *profile, struct snapshot *snapshot, double now_s)
{
	struct snapshot_heap *heap = &snapshot->heap;

	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];

		heap->live_bytes += site->live_bytes;
		heap->live_objects += site->live_objects;
		heap->alloc_bytes += site->alloc_bytes;
		heap->alloc_objects += site->alloc_objects;
		heap->freed_bytes += site->freed_bytes;
		heap->freed_objects += site->freed_objects;
	}
	growth_add(&profile->live_growth, now_s, (double)heap->live_bytes);
	growth_add(&profile->alloc_growth, now_s, (double)heap->alloc_bytes);
	heap->growth_bytes_per_s = growth_per_s(&profile->live_growth);
	heap->alloc_bytes_per_s = growth_per_s(&profile->alloc_growth);
}

void heap_profile_fill(struct heap_profile *profile, struct snapshot *snapshot, double now_s)
{
	uint64_t live_variance = 0;

	profile->fill++;
	fill_threads(profile, snapshot, now_s);
	snapshot->sites = make_sites(profile, sum_sites(profile, false), &snapshot->site_count, &live_variance);
	site_history_fill(profile->history, snapshot->sites, snapshot->site_count, snapshot->heap.untracked_frees,
			  now_s);
	snapshot_fill_suspects(snapshot);
	fill_totals(profile, snapshot, now_s);
	snapshot->heap.live_ci_bytes = confidence_bytes(profile, live_variance);
	if (profile->frees_unknown)
		snapshot_forget_frees(snapshot);
}

static void add_stack(struct snapshot_site *site, const struct stack *stack, uint64_t live_bytes,
		      uint64_t live_objects)
{
	struct snapshot_stack *to;

	site->stacks = xreallocarray(site->stacks, site->stack_count + 1, sizeof(*site->stacks));
	to = &site->stacks[site->stack_count++];
	*to = (struct snapshot_stack){.live_bytes = live_bytes, .live_objects = live_objects};
	if (stack)
		to->frames = site_frames(stack, &to->frame_count);
}

static int by_stack_live(const void *left, const void *right)
{
	const struct snapshot_stack *a = left, *b = right;

	return (a->live_bytes < b->live_bytes) - (a->live_bytes > b->live_bytes);
}

static int by_id(const void *left, const void *right)
{
	uint64_t a = (*(struct snapshot_site *const *)left)->id, b = (*(struct snapshot_site *const *)right)->id;

	return (a > b) - (a < b);
}

static struct snapshot_site *find_site(struct snapshot_site **sites, size_t count, uint64_t id)
{
	const struct snapshot_site key = {.id = id}, *wanted = &key;
	struct snapshot_site **found = bsearch(&wanted, sites, count, sizeof(*sites), by_id);

	return found ? *found : NULL;
}

void heap_profile_add_stacks(struct heap_profile *profile, struct snapshot *snapshot)
{
	size_t count = snapshot->site_count;
	struct snapshot_site **sites = xcalloc(count + 1, sizeof(struct snapshot_site *));
	struct heap_row *row, *next;

	for (size_t i = 0; i < count; i++)
		sites[i] = &snapshot->sites[i];
	if (count > 1)
		qsort(sites, count, sizeof(struct snapshot_site *), by_id);
	HASH_SORT(profile->rows, by_stack_and_thread);
	for (row = profile->rows; row; row = next) {
		struct heap_counts books = {0};
		struct snapshot_site *site;
		uint64_t id = 0;

		for (next = row; next && next->stack == row->stack; next = next->hh.next) {
			heap_counts_add(&books, &next->kernel);
			heap_counts_add(&books, &next->moved);
			id = next->site_id ? next->site_id : id;
		}
		if (!id)
			id = site_of(row->stack).id;
		site = books.alloc_objects ? find_site(sites, count, id) : NULL;
		if (site && profile->frees_unknown)
			add_stack(site, row->stack, SNAPSHOT_UNKNOWN, SNAPSHOT_UNKNOWN);
		else if (site)
			add_stack(site, row->stack, heap_difference(books.alloc_bytes, books.freed_bytes),
				  heap_difference(whole_objects(books.alloc_objects), whole_objects(books.freed_objects)));
	}
	free(sites);
	for (size_t i = 0; i < count; i++)
		if (snapshot->sites[i].stack_count > 1)
			qsort(snapshot->sites[i].stacks, snapshot->sites[i].stack_count,
			      sizeof(*snapshot->sites[i].stacks), by_stack_live);
}
