#include "config.h"

#include "profile/heap_profile.h"

#include <math.h>
#include <stdlib.h>

#include "profile/heap_rows.h"
#include "profile/site_history.h"

/* A free that met an object before it was settled has been booked after so long. */
static const double settled_for_s = 2;

struct heap_profile *heap_profile_new(void)
{
	struct heap_profile *profile = xcalloc(1, sizeof(*profile));

	profile->history = site_history_new();
	profile->thread_history = site_history_new();
	return profile;
}

/* All but the rows. */
static void begin_anew(struct heap_profile *profile)
{
	site_history_reset(profile->history);
	site_history_reset(profile->thread_history);
	*profile = (struct heap_profile){
	    .rows = profile->rows,
	    .history = profile->history,
	    .thread_history = profile->thread_history,
	    .fill = profile->fill,
	    .by_thread = profile->by_thread,
	};
}

void heap_profile_reset(struct heap_profile *profile)
{
	struct heap_row *row, *next_row;

	HASH_ITER(hh, profile->rows, row, next_row) {
		HASH_DEL(profile->rows, row);
		free(row);
	}
	begin_anew(profile);
	profile->fill = 0;
}

void heap_profile_begin(struct heap_profile *profile, double now_s)
{
	growth_add(&profile->live_growth, now_s, 0);
	growth_add(&profile->alloc_growth, now_s, heap_profile_allocated(profile));
	site_history_begin(profile->history, now_s);
	site_history_begin(profile->thread_history, now_s);
}

void heap_profile_begin_threads(struct heap_profile *profile, double now_s)
{
	site_history_reset(profile->thread_history);
	site_history_begin(profile->thread_history, now_s);
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
	site_history_free(profile->thread_history);
	free(profile);
}

static struct heap_row *find_row(const struct heap_profile *profile, uint64_t id)
{
	struct heap_row *row;

	HASH_FIND(hh, profile->rows, &id, sizeof(id), row);
	return row;
}

static struct heap_row *find_or_make_row(struct heap_profile *profile, uint64_t id)
{
	struct heap_row *row = find_row(profile, id);

	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->id = id;
	HASH_ADD(hh, profile->rows, id, sizeof(row->id), row);
	return row;
}

void heap_profile_set_stack(struct heap_profile *profile, uint64_t kernel_id, struct stack *stack)
{
	struct heap_row *row = find_or_make_row(profile, kernel_id);

	if (row->stack != stack)
		row->site_id = 0;
	row->stack = stack;
}

struct stack *heap_profile_stack(const struct heap_profile *profile, uint64_t kernel_id)
{
	const struct heap_row *row = find_row(profile, kernel_id);

	return row ? row->stack : NULL;
}

bool heap_profile_key(const struct heap_profile *profile, uint64_t kernel_id, struct stack_key *ret_key)
{
	const struct heap_row *row = find_row(profile, kernel_id);

	if (!row || !row->stack || !row->kernel.alloc_objects)
		return false;
	*ret_key = (struct stack_key){row->stack->id, row->thread};
	return true;
}

void heap_profile_settle(struct heap_profile *profile, uint64_t provisional_id, uint64_t kernel_id,
			 double now_s)
{
	struct heap_row *row = find_or_make_row(profile, provisional_id);
	struct heap_row *home = find_or_make_row(profile, kernel_id);

	row->settled_s = now_s;
	home->stack = row->stack;
	home->thread = row->thread;
}

/* Whether an id, which is provisional, is no object's any more. */
static bool is_over(const struct heap_row *row, double now_s)
{
	if (!row->stack || !row->kernel.alloc_objects)
		return false;
	if (row->settled_s > 0)
		return now_s - row->settled_s >= settled_for_s;
	return row->kernel.freed_objects == row->kernel.alloc_objects;
}

/* The id of a row's counts when the kernel has none of its own any more. */
static uint64_t home_id(const struct heap_row *row)
{
	const struct stack_key of = {row->stack->id, row->ended ? 0 : row->thread};

	return heap_site_id(&of);
}

/* Moves the counts of a row there, and drops it. */
static void move_home(struct heap_profile *profile, struct heap_row *row)
{
	struct heap_row *home = find_or_make_row(profile, home_id(row));

	home->stack = row->stack;
	home->thread = row->ended ? 0 : row->thread;
	heap_counts_add(&home->moved, &row->kernel);
	heap_counts_add(&home->moved, &row->moved);
	books_mark_add(&home->zeroed, &row->zeroed);
	books_mark_add(&home->zeroed_before, &row->zeroed_before);
	home->marked_bytes += row->marked_bytes;
	if (row->first_fill && (!home->first_fill || row->first_fill < home->first_fill))
		home->first_fill = row->first_fill;
	HASH_DEL(profile->rows, row);
	free(row);
}

static bool holds_nothing(const struct heap_row *row)
{
	return row->kernel.freed_objects == row->kernel.alloc_objects &&
	       row->moved.freed_objects == row->moved.alloc_objects;
}

/* Whether nothing will be booked any more under an id, and its counts can go home. */
static bool is_done(const struct heap_row *row, const struct heap_counts *before, double now_s)
{
	if (row->id & STACK_ID_PROVISIONAL)
		return is_over(row, now_s);
	return row->ended && row->stack && holds_nothing(row) &&
	       row->kernel.alloc_objects == before->alloc_objects;
}

/* Of another one's stack, that is announced once for all threads. */
static void take_stack(const struct heap_profile *profile, struct heap_row *row, uint64_t stack_id)
{
	const struct heap_row *known = stack_id == row->id ? NULL : find_row(profile, stack_id);

	if (known && known->stack && known->stack != row->stack) {
		row->stack = known->stack;
		row->site_id = 0;
	}
}

bool heap_profile_read(struct heap_profile *profile, uint64_t kernel_id, const struct stack_key *of,
		       const struct heap_counts *counts, double now_s)
{
	struct heap_row *row = find_or_make_row(profile, kernel_id);
	const struct heap_counts before = row->kernel;

	row->kernel = *counts;
	row->thread = (uint32_t)of->thread;
	profile->by_thread = profile->by_thread || of->thread;
	take_stack(profile, row, of->stack_id);
	if (!is_done(row, &before, now_s))
		return false;
	move_home(profile, row);
	return true;
}

static int compare_tids(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

void heap_profile_keep_threads(struct heap_profile *profile, const int *tids, size_t count)
{
	struct heap_row *row, *next_row;

	if (!profile->by_thread)
		return;
	HASH_ITER(hh, profile->rows, row, next_row) {
		int tid = (int)row->thread;

		row->ended = tid && (!count || !bsearch(&tid, tids, count, sizeof(tid), compare_tids));
		/* What the kernel still has of it goes when it is read. */
		if (row->ended && row->stack && !row->kernel.alloc_objects && holds_nothing(row))
			move_home(profile, row);
	}
}

/* What is allocated counts as freed from now on. */
static void end_books(struct heap_row *row)
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
	struct heap_row *row, *next_row;

	HASH_ITER(hh, profile->rows, row, next_row) {
		end_books(row);
		if (row->stack && row->id != home_id(row))
			move_home(profile, row);
	}
	begin_anew(profile);
	heap_profile_begin(profile, now_s);
}

void heap_profile_begin_ages(struct heap_profile *profile)
{
	profile->ages_pass++;
}

void heap_profile_set_ages(struct heap_profile *profile, uint64_t kernel_id, const struct ages *ages,
			   const struct sizes *sizes)
{
	struct heap_row *row = find_row(profile, kernel_id);

	if (!row)
		return;
	row->ages = *ages;
	row->sizes = *sizes;
	row->ages_pass = profile->ages_pass;
}

void heap_profile_each_stack(const struct heap_profile *profile, stack_fn use, void *context)
{
	for (const struct heap_row *row = profile->rows; row; row = row->hh.next) {
		uint64_t allocated = row->kernel.alloc_bytes + row->moved.alloc_bytes;
		uint64_t freed = row->kernel.freed_bytes + row->moved.freed_bytes;

		if (row->stack)
			use(context, row->stack, allocated > freed ? allocated - freed : 0);
	}
}

double heap_profile_allocated(const struct heap_profile *profile)
{
	double bytes = 0;

	for (const struct heap_row *row = profile->rows; row; row = row->hh.next)
		bytes += (double)(row->kernel.alloc_bytes + row->moved.alloc_bytes);
	return bytes;
}

double heap_profile_mean_bytes(const struct heap_profile *profile)
{
	double objects = 0;

	for (const struct heap_row *row = profile->rows; row; row = row->hh.next)
		objects += ldexp((double)(row->kernel.alloc_objects + row->moved.alloc_objects),
				 -HEAP_OBJECTS_SHIFT);
	return objects > 0 ? heap_profile_allocated(profile) / objects : 0;
}

static struct books_mark mark_of(const struct heap_row *row)
{
	return (struct books_mark){
	    .alloc_bytes = row->kernel.alloc_bytes + row->moved.alloc_bytes,
	    .freed_bytes = row->kernel.freed_bytes + row->moved.freed_bytes,
	};
}

void heap_profile_zero(struct heap_profile *profile)
{
	for (struct heap_row *row = profile->rows; row; row = row->hh.next) {
		row->zeroed_before = row->zeroed;
		row->zeroed = mark_of(row);
	}
}

void heap_profile_undo_zero(struct heap_profile *profile)
{
	for (struct heap_row *row = profile->rows; row; row = row->hh.next)
		row->zeroed = row->zeroed_before;
}

void heap_profile_mark(struct heap_profile *profile)
{
	for (struct heap_row *row = profile->rows; row; row = row->hh.next) {
		struct books_mark now = mark_of(row);

		row->marked_bytes = heap_difference(now.alloc_bytes, now.freed_bytes);
	}
	profile->marked = true;
}

void heap_profile_forget_mark(struct heap_profile *profile)
{
	profile->marked = false;
}
