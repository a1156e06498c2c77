#include "config.h"

#include "profile/growth_profile.h"

#include <stdlib.h>

#include "err.h"
#include "profile/growth.h"
#include "profile/site.h"
#include "symbol/symbol_store.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

struct row {
	struct stack *stack; /* the key; NULL: not known */
	struct growth_weight weight;
	uint64_t site_id; /* that it was part of in the last snapshot; 0: there was none */
	UT_hash_handle hh;
};

struct waiting {
	struct stack *stack;
	uint64_t address;
	struct growth_weight weight;
};

/* A site: what was folded into it, its history, and its row while a snapshot is made. */
struct place {
	struct site site; /* the id is the key */
	struct growth_weight folded;
	struct growth growth;
	struct growth_weight now;
	UT_hash_handle hh;
};

struct growth_profile {
	struct row *rows;
	struct place *places;
	struct waiting *waiting;
	size_t waiting_count, waiting_capacity;
	struct growth growth;
	double file_faults;    /* in memory that is a file's */
	double unknown_faults; /* in memory that was gone before it was looked at, or lost */
};

struct growth_profile *growth_profile_new(void)
{
	return xcalloc(1, sizeof(struct growth_profile));
}

void growth_profile_reset(struct growth_profile *profile)
{
	struct row *row, *next_row;
	struct place *place, *next_place;

	HASH_ITER (hh, profile->rows, row, next_row) {
		HASH_DEL(profile->rows, row);
		free(row);
	}
	HASH_ITER (hh, profile->places, place, next_place) {
		HASH_DEL(profile->places, place);
		free(place);
	}
	free(profile->waiting);
	*profile = (struct growth_profile){0};
}

void growth_profile_free(struct growth_profile *profile)
{
	if (!profile)
		return;
	growth_profile_reset(profile);
	free(profile);
}

static void add_weight(struct growth_weight *to, const struct growth_weight *from)
{
	to->samples += from->samples;
	to->faults += from->faults;
	to->bytes += from->bytes;
	to->mappings += from->mappings;
	to->mapped_bytes += from->mapped_bytes;
}

void growth_profile_add(struct growth_profile *profile, struct stack *stack, uint64_t address,
			struct growth_weight weight)
{
	if (profile->waiting_count == GROWTH_WAITING_MAX) {
		profile->unknown_faults += weight.faults;
		return;
	}
	if (profile->waiting_count == profile->waiting_capacity) {
		profile->waiting_capacity =
		    profile->waiting_capacity ? 2 * profile->waiting_capacity : 64;
		profile->waiting = xreallocarray(profile->waiting, profile->waiting_capacity,
						 sizeof(*profile->waiting));
	}
	profile->waiting[profile->waiting_count++] = (struct waiting){stack, address, weight};
}

static void book(struct growth_profile *profile, struct stack *stack,
		 const struct growth_weight *weight)
{
	struct row *row;

	HASH_FIND(hh, profile->rows, &stack, sizeof(stack), row);
	if (!row) {
		row = xcalloc(1, sizeof(*row));
		row->stack = stack;
		HASH_ADD(hh, profile->rows, stack, sizeof(row->stack), row);
	}
	add_weight(&row->weight, weight);
}

void growth_profile_add_mapping(struct growth_profile *profile, struct stack *stack, uint64_t bytes)
{
	const struct growth_weight weight = {.mappings = 1, .mapped_bytes = bytes};

	book(profile, stack, &weight);
}

bool growth_profile_waits(const struct growth_profile *profile)
{
	return profile->waiting_count > 0;
}

void growth_profile_sort_out(struct growth_profile *profile, const struct memory_map *map,
			     bool is_fresh)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->waiting_count; i++) {
		const struct waiting sample = profile->waiting[i];

		switch (memory_map_kind(map, sample.address)) {
		case MEMORY_ANONYMOUS:
			book(profile, sample.stack, &sample.weight);
			break;
		case MEMORY_FILE:
			profile->file_faults += sample.weight.faults;
			break;
		case MEMORY_UNMAPPED:
			if (is_fresh)
				profile->unknown_faults += sample.weight.faults;
			else
				profile->waiting[kept++] = sample;
			break;
		}
	}
	profile->waiting_count = kept;
}

static uint64_t rounded(double value)
{
	return value > 0 ? (uint64_t)(value + 0.5) : 0;
}

void growth_profile_each_stack(const struct growth_profile *profile, stack_fn use, void *context)
{
	for (const struct row *row = profile->rows; row; row = row->hh.next)
		if (row->stack)
			use(context, row->stack, rounded(row->weight.bytes));
	for (size_t i = 0; i < profile->waiting_count; i++)
		if (profile->waiting[i].stack)
			use(context, profile->waiting[i].stack, 0);
}

static struct place *find_place(const struct growth_profile *profile, const struct site *site)
{
	struct place *place;

	HASH_FIND(hh, profile->places, &site->id, sizeof(site->id), place);
	return place;
}

static struct place *find_or_make_place(struct growth_profile *profile, const struct stack *stack)
{
	struct site site = site_of(stack);
	struct place *place = find_place(profile, &site);

	if (!place && HASH_COUNT(profile->places) >= GROWTH_SITES_MAX) {
		site = site_of(NULL);
		place = find_place(profile, &site);
	}
	if (place)
		return place;
	place = xcalloc(1, sizeof(*place));
	place->site = site;
	HASH_ADD(hh, profile->places, site.id, sizeof(place->site.id), place);
	return place;
}

static int by_bytes(const struct row *a, const struct row *b)
{
	return (a->weight.bytes < b->weight.bytes) - (a->weight.bytes > b->weight.bytes);
}

void growth_profile_fold(struct growth_profile *profile, size_t keep)
{
	struct row *row, *next;
	size_t index = 0;

	HASH_SORT(profile->rows, by_bytes);
	HASH_ITER (hh, profile->rows, row, next) {
		if (index++ < keep)
			continue;
		add_weight(&find_or_make_place(profile, row->stack)->folded, &row->weight);
		for (uint32_t i = 0; row->stack && i < row->stack->frame_count; i++)
			symbol_keep(row->stack->symbols[i]);
		HASH_DEL(profile->rows, row);
		free(row);
	}
}

/* Sums the rows into their places; a place without anything in it now is one whose name was better
 * learnt since. */
static void sum_places(struct growth_profile *profile)
{
	struct place *place;

	for (place = profile->places; place; place = place->hh.next)
		place->now = place->folded;
	for (struct row *row = profile->rows; row; row = row->hh.next) {
		place = find_or_make_place(profile, row->stack);
		add_weight(&place->now, &row->weight);
		row->site_id = place->site.id;
	}
}

static void forget_empty_places(struct growth_profile *profile)
{
	struct place *place, *next;

	HASH_ITER (hh, profile->places, place, next) {
		if (place->now.faults > 0 || place->now.mappings)
			continue;
		HASH_DEL(profile->places, place);
		free(place);
	}
}

static void fill_site(struct place *place, struct snapshot_growth_site *site, double now_s)
{
	growth_add(&place->growth, now_s, place->now.bytes);
	*site = (struct snapshot_growth_site){
	    .id = place->site.id,
	    .function = place->site.function,
	    .module = place->site.module,
	    .file = place->site.file,
	    .line = place->site.line,
	    .samples = place->now.samples,
	    .faults = rounded(place->now.faults),
	    .bytes = rounded(place->now.bytes),
	    .bytes_per_s = growth_per_s(&place->growth),
	    .mappings = place->now.mappings,
	    .mapped_bytes = place->now.mapped_bytes,
	};
}

static int by_site_bytes(const void *left, const void *right)
{
	const struct snapshot_growth_site *a = left, *b = right;

	if (a->bytes != b->bytes)
		return (a->bytes < b->bytes) - (a->bytes > b->bytes);
	if (a->mapped_bytes != b->mapped_bytes)
		return (a->mapped_bytes < b->mapped_bytes) - (a->mapped_bytes > b->mapped_bytes);
	return (a->id > b->id) - (a->id < b->id);
}

void growth_profile_fill(struct growth_profile *profile, struct snapshot *snapshot, double now_s)
{
	struct snapshot_growth *growth = &snapshot->growth;
	struct growth_weight all = {0};

	sum_places(profile);
	forget_empty_places(profile);
	snapshot->growth_sites =
	    xcalloc(HASH_COUNT(profile->places) + 1, sizeof(*snapshot->growth_sites));
	for (struct place *place = profile->places; place; place = place->hh.next) {
		fill_site(place, &snapshot->growth_sites[snapshot->growth_site_count++], now_s);
		add_weight(&all, &place->now);
	}
	qsort(snapshot->growth_sites, snapshot->growth_site_count, sizeof(*snapshot->growth_sites),
	      by_site_bytes);
	growth_add(&profile->growth, now_s, all.bytes);
	growth->samples = all.samples;
	for (size_t i = 0; i < profile->waiting_count; i++)
		growth->samples_pending += profile->waiting[i].weight.samples;
	growth->faults = rounded(all.faults);
	growth->bytes = rounded(all.bytes);
	growth->mappings = all.mappings;
	growth->mapped_bytes = all.mapped_bytes;
	growth->bytes_per_s = growth_per_s(&profile->growth);
	growth->file_faults = rounded(profile->file_faults);
	growth->unknown_faults = rounded(profile->unknown_faults);
}

static void add_stack(struct snapshot_growth_site *site, const struct row *row)
{
	struct snapshot_growth_stack *to;

	site->stacks = xreallocarray(site->stacks, site->stack_count + 1, sizeof(*site->stacks));
	to = &site->stacks[site->stack_count++];
	*to = (struct snapshot_growth_stack){.faults = rounded(row->weight.faults),
					     .bytes = rounded(row->weight.bytes),
					     .mapped_bytes = row->weight.mapped_bytes};
	if (row->stack)
		to->frames = site_frames(row->stack, &to->frame_count);
}

static int by_stack_bytes(const void *left, const void *right)
{
	const struct snapshot_growth_stack *a = left, *b = right;

	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int by_id(const void *left, const void *right)
{
	uint64_t a = (*(struct snapshot_growth_site *const *)left)->id;
	uint64_t b = (*(struct snapshot_growth_site *const *)right)->id;

	return (a > b) - (a < b);
}

void growth_profile_add_stacks(const struct growth_profile *profile, struct snapshot *snapshot)
{
	size_t count = snapshot->growth_site_count;
	struct snapshot_growth_site **sites = xcalloc(count + 1, sizeof(struct snapshot_growth_site *));

	for (size_t i = 0; i < count; i++)
		sites[i] = &snapshot->growth_sites[i];
	if (count > 1)
		qsort(sites, count, sizeof(struct snapshot_growth_site *), by_id);
	for (const struct row *row = profile->rows; row; row = row->hh.next) {
		const struct snapshot_growth_site key = {.id = row->site_id ? row->site_id : site_of(row->stack).id};
		const struct snapshot_growth_site *wanted = &key;
		struct snapshot_growth_site **found = bsearch(&wanted, sites, count, sizeof(*sites), by_id);

		if (found)
			add_stack(*found, row);
	}
	free(sites);
	for (size_t i = 0; i < count; i++) {
		struct snapshot_growth_site *site = &snapshot->growth_sites[i];

		if (site->stack_count > 1)
			qsort(site->stacks, site->stack_count, sizeof(*site->stacks), by_stack_bytes);
	}
}
