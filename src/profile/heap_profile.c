#include "config.h"

#include "profile/heap_profile.h"

#include <math.h>
#include <stdlib.h>

#include "err.h"
#include "profile/growth.h"
#include "profile/site.h"
#include "profile/site_history.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* A free that met an object before it was settled has been booked after so long. */
static const double settled_for_s = 2;

/* What books were at a moment, to be taken off them later. */
struct books_mark {
	uint64_t alloc_bytes, freed_bytes;
};

/* The books of one id of the kernel's. */
struct row {
	uint64_t id;
	struct heap_counts kernel;	 /* as last read */
	struct heap_counts moved;	 /* from provisional ids that are gone */
	struct books_mark zeroed;	 /* at the last reset of the counts */
	struct books_mark zeroed_before; /* at the one before */
	uint64_t marked_bytes;	/* that were live at the baseline */
	struct stack *stack;	/* NULL: not known yet */
	uint64_t site_id;	/* that its stack was part of at the last fill; 0: of none */
	uint64_t first_fill;	/* of the profile's, that had something of it; 0: none yet */
	double settled_s;	/* when its object got another id; 0: it has not */
	uint64_t ages_pass;	/* which `ages` and `sizes` are of; 0: none */
	struct ages ages;
	struct sizes sizes;
	UT_hash_handle hh;
};

struct heap_profile {
	struct row *rows;
	struct site_history *history;
	uint64_t ages_pass;	/* the latest; 0: none */
	uint64_t fill;		/* the latest; 0: none */
	bool marked;		/* there is a baseline */
	bool error_unknown;	/* of estimates */
	bool frees_unknown;	/* what is freed is not seen */
	struct growth live_growth;
	struct growth alloc_growth;
};

/* A site while it is being summed. */
struct site_sum {
	uint64_t id;
	struct snapshot_site row;
	uint64_t live_variance; /* as struct heap_counts has it */
	UT_hash_handle hh;
};

struct heap_profile *heap_profile_new(void)
{
	struct heap_profile *profile = xcalloc(1, sizeof(*profile));

	profile->history = site_history_new();
	return profile;
}

void heap_profile_reset(struct heap_profile *profile)
{
	struct row *row, *next_row;

	HASH_ITER(hh, profile->rows, row, next_row) {
		HASH_DEL(profile->rows, row);
		free(row);
	}
	site_history_reset(profile->history);
	*profile = (struct heap_profile){.history = profile->history};
}

void heap_profile_begin(struct heap_profile *profile, double now_s)
{
	growth_add(&profile->live_growth, now_s, 0);
	growth_add(&profile->alloc_growth, now_s, heap_profile_allocated(profile));
	site_history_begin(profile->history, now_s);
}

void heap_profile_lose_error(struct heap_profile *profile)
{
	profile->error_unknown = true;
}

void heap_profile_lose_frees(struct heap_profile *profile)
{
	profile->error_unknown = profile->frees_unknown = true;
}

void heap_profile_free(struct heap_profile *profile)
{
	if (!profile)
		return;
	heap_profile_reset(profile);
	site_history_free(profile->history);
	free(profile);
}

static struct row *find_or_make_row(struct heap_profile *profile, uint64_t id)
{
	struct row *row;

	HASH_FIND(hh, profile->rows, &id, sizeof(id), row);
	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->id = id;
	HASH_ADD(hh, profile->rows, id, sizeof(row->id), row);
	return row;
}

void heap_profile_set_stack(struct heap_profile *profile, uint64_t kernel_id, struct stack *stack)
{
	struct row *row = find_or_make_row(profile, kernel_id);

	if (row->stack != stack)
		row->site_id = 0;
	row->stack = stack;
}

struct stack *heap_profile_stack(const struct heap_profile *profile, uint64_t kernel_id)
{
	struct row *row;

	HASH_FIND(hh, profile->rows, &kernel_id, sizeof(kernel_id), row);
	return row ? row->stack : NULL;
}

void heap_profile_settle(struct heap_profile *profile, uint64_t provisional_id, uint64_t kernel_id,
			 double now_s)
{
	struct row *row = find_or_make_row(profile, provisional_id);

	row->settled_s = now_s;
	find_or_make_row(profile, kernel_id)->stack = row->stack;
}

static void add_mark(struct books_mark *to, const struct books_mark *from)
{
	to->alloc_bytes += from->alloc_bytes;
	to->freed_bytes += from->freed_bytes;
}

/* Whether an id, which is provisional, is no object's any more. */
static bool is_over(const struct row *row, double now_s)
{
	if (!row->stack || !row->kernel.alloc_objects)
		return false;
	if (row->settled_s > 0)
		return now_s - row->settled_s >= settled_for_s;
	return row->kernel.freed_objects == row->kernel.alloc_objects;
}

/* Moves the counts of a row to its stack's own, and drops it. */
static void move_home(struct heap_profile *profile, struct row *row)
{
	struct row *home = find_or_make_row(profile, row->stack->id);

	home->stack = row->stack;
	heap_counts_add(&home->moved, &row->kernel);
	heap_counts_add(&home->moved, &row->moved);
	add_mark(&home->zeroed, &row->zeroed);
	add_mark(&home->zeroed_before, &row->zeroed_before);
	home->marked_bytes += row->marked_bytes;
	if (row->first_fill && (!home->first_fill || row->first_fill < home->first_fill))
		home->first_fill = row->first_fill;
	HASH_DEL(profile->rows, row);
	free(row);
}

bool heap_profile_read(struct heap_profile *profile, uint64_t kernel_id,
		       const struct heap_counts *counts, double now_s)
{
	struct row *row = find_or_make_row(profile, kernel_id);

	row->kernel = *counts;
	if (!(kernel_id & STACK_ID_PROVISIONAL) || !is_over(row, now_s))
		return false;
	move_home(profile, row);
	return true;
}

/* What is allocated counts as freed from now on. */
static void end_books(struct row *row)
{
	heap_counts_add(&row->moved, &row->kernel);
	row->kernel = (struct heap_counts){0};
	row->moved.freed_bytes = row->moved.alloc_bytes;
	row->moved.freed_objects = row->moved.alloc_objects;
	row->moved.freed_variance = row->moved.alloc_variance;
	row->zeroed.freed_bytes = row->zeroed.alloc_bytes;
	row->zeroed_before.freed_bytes = row->zeroed_before.alloc_bytes;
	row->marked_bytes = row->ages_pass = 0;
}

void heap_profile_start_anew(struct heap_profile *profile, double now_s)
{
	struct row *row, *next_row;

	HASH_ITER(hh, profile->rows, row, next_row) {
		end_books(row);
		if (row->stack && row->id != row->stack->id)
			move_home(profile, row);
	}
	site_history_reset(profile->history);
	*profile = (struct heap_profile){
	    .rows = profile->rows, .history = profile->history, .fill = profile->fill};
	heap_profile_begin(profile, now_s);
}

void heap_profile_begin_ages(struct heap_profile *profile)
{
	profile->ages_pass++;
}

void heap_profile_set_ages(struct heap_profile *profile, uint64_t kernel_id, const struct ages *ages,
			   const struct sizes *sizes)
{
	struct row *row;

	HASH_FIND(hh, profile->rows, &kernel_id, sizeof(kernel_id), row);
	if (!row)
		return;
	row->ages = *ages;
	row->sizes = *sizes;
	row->ages_pass = profile->ages_pass;
}

void heap_profile_each_stack(const struct heap_profile *profile, stack_fn use, void *context)
{
	for (const struct row *row = profile->rows; row; row = row->hh.next) {
		uint64_t allocated = row->kernel.alloc_bytes + row->moved.alloc_bytes;
		uint64_t freed = row->kernel.freed_bytes + row->moved.freed_bytes;

		if (row->stack)
			use(context, row->stack, allocated > freed ? allocated - freed : 0);
	}
}

double heap_profile_allocated(const struct heap_profile *profile)
{
	double bytes = 0;

	for (const struct row *row = profile->rows; row; row = row->hh.next)
		bytes += (double)(row->kernel.alloc_bytes + row->moved.alloc_bytes);
	return bytes;
}

double heap_profile_mean_bytes(const struct heap_profile *profile)
{
	double objects = 0;

	for (const struct row *row = profile->rows; row; row = row->hh.next)
		objects += ldexp((double)(row->kernel.alloc_objects + row->moved.alloc_objects),
				 -HEAP_OBJECTS_SHIFT);
	return objects > 0 ? heap_profile_allocated(profile) / objects : 0;
}

/* The counters of a row are read while the target runs; a free seen before its allocation must not
 * show as an enormous number. */
static uint64_t difference(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

static struct books_mark mark_of(const struct row *row)
{
	return (struct books_mark){
	    .alloc_bytes = row->kernel.alloc_bytes + row->moved.alloc_bytes,
	    .freed_bytes = row->kernel.freed_bytes + row->moved.freed_bytes,
	};
}

void heap_profile_zero(struct heap_profile *profile)
{
	for (struct row *row = profile->rows; row; row = row->hh.next) {
		row->zeroed_before = row->zeroed;
		row->zeroed = mark_of(row);
	}
}

void heap_profile_undo_zero(struct heap_profile *profile)
{
	for (struct row *row = profile->rows; row; row = row->hh.next)
		row->zeroed = row->zeroed_before;
}

void heap_profile_mark(struct heap_profile *profile)
{
	for (struct row *row = profile->rows; row; row = row->hh.next) {
		struct books_mark now = mark_of(row);

		row->marked_bytes = difference(now.alloc_bytes, now.freed_bytes);
	}
	profile->marked = true;
}

void heap_profile_forget_mark(struct heap_profile *profile)
{
	profile->marked = false;
}

static struct site_sum *find_or_make_site(struct site_sum **sums, const struct stack *stack)
{
	const struct site site = site_of(stack);
	struct site_sum *sum;

	HASH_FIND(hh, *sums, &site.id, sizeof(site.id), sum);
	if (sum)
		return sum;
	sum = xcalloc(1, sizeof(*sum));
	sum->id = site.id;
	sum->row.id = site.id;
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

static int by_stack(struct row *left, struct row *right)
{
	uintptr_t a = (uintptr_t)left->stack, b = (uintptr_t)right->stack;

	return (a > b) - (a < b);
}

/* Sums the rows into sites; rows of the same stack, next to each other by the sort, as one stack. */
static struct site_sum *sum_sites(struct heap_profile *profile)
{
	struct site_sum *sums = NULL;
	struct row *row, *next;

	HASH_SORT(profile->rows, by_stack);
	for (row = profile->rows; row; row = next) {
		struct heap_counts books = {0};
		struct books_mark zeroed = {0};
		uint64_t marked_bytes = 0;
		struct ages ages = {0};
		struct sizes sizes = {0};
		struct site_sum *sum;
		uint64_t live_bytes, live_objects;
		bool is_old = false;

		for (next = row; next && next->stack == row->stack; next = next->hh.next) {
			heap_counts_add(&books, &next->kernel);
			heap_counts_add(&books, &next->moved);
			add_mark(&zeroed, &next->zeroed);
			is_old = is_old || (next->first_fill && next->first_fill < profile->fill);
			if (!next->first_fill && (next->kernel.alloc_objects || next->moved.alloc_objects))
				next->first_fill = profile->fill;
			marked_bytes += next->marked_bytes;
			if (profile->ages_pass && next->ages_pass == profile->ages_pass) {
				ages_merge(&ages, &next->ages);
				sizes_merge(&sizes, &next->sizes);
			}
		}
		if (!books.alloc_objects)
			continue;
		books.alloc_objects = whole_objects(books.alloc_objects);
		books.freed_objects = whole_objects(books.freed_objects);
		sum = find_or_make_site(&sums, row->stack);
		sum->row.appeared = sum->row.appeared && !is_old;
		live_bytes = difference(books.alloc_bytes, books.freed_bytes);
		live_objects = difference(books.alloc_objects, books.freed_objects);
		sum->row.live_bytes += live_bytes;
		sum->row.live_objects += live_objects;
		sum->row.alloc_bytes += books.alloc_bytes;
		sum->row.alloc_objects += books.alloc_objects;
		sum->row.freed_bytes += books.freed_bytes;
		sum->row.freed_objects += books.freed_objects;
		sum->row.since_alloc_bytes += difference(books.alloc_bytes, zeroed.alloc_bytes);
		sum->row.since_freed_bytes += difference(books.freed_bytes, zeroed.freed_bytes);
		sum->row.change_bytes += profile->marked
					     ? (double)live_bytes - (double)marked_bytes
					     : (double)NAN;
		sum->live_variance += difference(books.alloc_variance, books.freed_variance);
		ages_merge(&sum->row.ages, &ages);
		sizes_merge(&sum->row.sizes, &sizes);
		for (struct row *of = row; of != next; of = of->hh.next)
			of->site_id = sum->id;
	}
	return sums;
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
	struct site_sum *sums, *sum, *next;
	uint64_t live_variance = 0;
	size_t used = 0;

	profile->fill++;
	sums = sum_sites(profile);
	snapshot->sites = xcalloc_aligned(HASH_COUNT(sums) + 1, sizeof(*snapshot->sites), SNAPSHOT_ROW_ALIGNMENT);
	HASH_ITER(hh, sums, sum, next) {
		struct snapshot_site *site = &snapshot->sites[used++];

		*site = sum->row;
		site->live_ci_bytes = confidence_bytes(profile, sum->live_variance);
		live_variance += sum->live_variance;
		HASH_DEL(sums, sum);
		free(sum);
	}
	snapshot->site_count = used;
	qsort(snapshot->sites, used, sizeof(*snapshot->sites), snapshot_compare_sites);
	site_history_fill(profile->history, snapshot->sites, used, snapshot->heap.untracked_frees,
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
	struct row *row, *next;

	for (size_t i = 0; i < count; i++)
		sites[i] = &snapshot->sites[i];
	if (count > 1)
		qsort(sites, count, sizeof(struct snapshot_site *), by_id);
	HASH_SORT(profile->rows, by_stack);
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
			add_stack(site, row->stack, difference(books.alloc_bytes, books.freed_bytes),
				  difference(whole_objects(books.alloc_objects), whole_objects(books.freed_objects)));
	}
	free(sites);
	for (size_t i = 0; i < count; i++)
		if (snapshot->sites[i].stack_count > 1)
			qsort(snapshot->sites[i].stacks, snapshot->sites[i].stack_count,
			      sizeof(*snapshot->sites[i].stacks), by_stack_live);
}
