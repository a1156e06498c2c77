#include "config.h"

#include "profile/cpu_profile.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "err.h"
#include "profile/kernel_fold.h"
#include "symbol/client.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

struct stack_samples {
	struct stack *stack;
	uint64_t samples;
	uint64_t last_refresh; /* before which it was sampled last */
	UT_hash_handle hh;
};

struct function_sum;

struct cpu_profile {
	struct stack_samples *stacks;
	struct function_sum *folded; /* what stacks that are no longer kept one by one came to */
	uint64_t stamp;		     /* of the stack that was summed last */
	uint64_t refreshes;
	uint64_t samples;
	uint64_t complete;
	uint64_t guessed; /* of the complete ones */
	uint64_t kernel;
};

/* A function while they are being summed; names are interned, so pointers tell them apart. */
struct function_key {
	const char *name;
	const struct module *module;
};

struct function_sum {
	struct function_key key;
	struct snapshot_function row;
	uint64_t last_stack;	/* stamp of the stack that was counted last */
	UT_hash_handle hh;
};


struct cpu_profile *cpu_profile_new(void)
{
	return xcalloc(1, sizeof(struct cpu_profile));
}

static void free_sums(struct function_sum **sums)
{
	struct function_sum *sum, *next;

	HASH_ITER(hh, *sums, sum, next) {
		HASH_DEL(*sums, sum);
		free(sum);
	}
}

void cpu_profile_reset(struct cpu_profile *profile)
{
	struct stack_samples *count, *next;

	HASH_ITER(hh, profile->stacks, count, next) {
		HASH_DEL(profile->stacks, count);
		free(count);
	}
	free_sums(&profile->folded);
	profile->samples = profile->complete = profile->guessed = profile->kernel = 0;
}

void cpu_profile_free(struct cpu_profile *profile)
{
	if (!profile)
		return;
	cpu_profile_reset(profile);
	free(profile);
}

void cpu_profile_add(struct cpu_profile *profile, struct stack *stack, uint64_t samples)
{
	struct stack_samples *count;

	profile->samples += samples;
	if (!stack)
		return;
	if (stack->state == STACK_COMPLETE || stack->state == STACK_GUESSED)
		profile->complete += samples;
	if (stack->state == STACK_GUESSED)
		profile->guessed += samples;
	if (stack->frame_count && stack->frames[0] >> 63)
		profile->kernel += samples;
	HASH_FIND(hh, profile->stacks, &stack, sizeof(stack), count);
	if (!count) {
		count = xcalloc(1, sizeof(*count));
		count->stack = stack;
		HASH_ADD(hh, profile->stacks, stack, sizeof(count->stack), count);
	}
	count->samples += samples;
	count->last_refresh = profile->refreshes;
}

static uint64_t function_id(const struct function_key *key)
{
	XXH64_hash_t module = XXH3_64bits(key->module->name, strlen(key->module->name));

	return XXH3_64bits_withSeed(key->name, strlen(key->name), module);
}

static struct function_sum *find_or_make_sum(struct function_sum **sums,
					     const struct function_key *key)
{
	struct function_sum *sum;

	HASH_FIND(hh, *sums, key, sizeof(*key), sum);
	if (sum)
		return sum;
	sum = xcalloc(1, sizeof(*sum));
	sum->key = *key;
	sum->row.id = function_id(key);
	sum->row.name = key->name;
	sum->row.module = key->module->name;
	sum->row.kernel = key->module->kind == MODULE_KALLSYMS;
	sum->row.inlined = true;
	HASH_ADD(hh, *sums, key, sizeof(sum->key), sum);
	return sum;
}

static void set_place(struct snapshot_function *row, const char *file, unsigned line, bool inlined)
{
	if (!row->file && file) {
		row->file = file;
		row->line = line;
	}
	row->inlined = row->inlined && inlined;
}

/* `stamp` is another one for each stack: a function counts once in each. */
static void sum_stack(struct function_sum **sums, const struct stack_samples *count, uint64_t stamp)
{
	bool innermost = true;

	for (uint32_t i = 0; i < count->stack->frame_count; i++) {
		const struct symbol *symbol = count->stack->symbols[i];

		for (size_t j = 0; j < symbol->frame_count; j++) {
			const struct symbol_frame *frame = &symbol->frames[j];
			const struct function_key key = {frame->function, symbol->module};
			struct function_sum *sum = find_or_make_sum(sums, &key);

			set_place(&sum->row, frame->decl_file, frame->decl_line, frame->inlined);
			if (innermost)
				sum->row.self_samples += count->samples;
			innermost = false;
			if (sum->last_stack != stamp)
				sum->row.total_samples += count->samples;
			sum->last_stack = stamp;
		}
	}
}

static int latest_first(const void *left, const void *right)
{
	const struct stack_samples *a = *(struct stack_samples *const *)left;
	const struct stack_samples *b = *(struct stack_samples *const *)right;

	if (a->last_refresh != b->last_refresh)
		return a->last_refresh < b->last_refresh ? 1 : -1;
	return (a->samples < b->samples) - (a->samples > b->samples);
}

void cpu_profile_fold(struct cpu_profile *profile, size_t keep)
{
	size_t count = HASH_COUNT(profile->stacks), used = 0;
	struct stack_samples **all, *stack, *next;

	if (count <= keep)
		return;
	all = xcalloc(count, sizeof(*all));
	HASH_ITER(hh, profile->stacks, stack, next)
		all[used++] = stack;
	qsort(all, used, sizeof(*all), latest_first);
	for (size_t i = keep; i < used; i++) {
		sum_stack(&profile->folded, all[i], ++profile->stamp);
		HASH_DEL(profile->stacks, all[i]);
		free(all[i]);
	}
	free(all);
}

void cpu_profile_each_stack(const struct cpu_profile *profile, stack_fn use, void *context)
{
	for (const struct stack_samples *count = profile->stacks; count; count = count->hh.next)
		use(context, count->stack, count->samples);
}

static int by_self(const void *left, const void *right)
{
	const struct snapshot_function *a = left, *b = right;

	if (a->self_samples != b->self_samples)
		return (a->self_samples < b->self_samples) - (a->self_samples > b->self_samples);
	if (a->total_samples != b->total_samples)
		return (a->total_samples < b->total_samples) - (a->total_samples > b->total_samples);
	return (a->id > b->id) - (a->id < b->id);
}

/* Puts the sums into the snapshot. */
static void fill_rows(const struct function_sum *sums, struct snapshot *snapshot, uint64_t samples)
{
	double one_pct = (double)samples / 100.0;

	snapshot->functions = xcalloc(HASH_COUNT(sums) + 1, sizeof(*snapshot->functions));
	for (const struct function_sum *sum = sums; sum; sum = sum->hh.next) {
		struct snapshot_function *row = &snapshot->functions[snapshot->function_count++];

		*row = sum->row;
		row->self_pct = (double)row->self_samples / one_pct;
		row->total_pct = (double)row->total_samples / one_pct;
	}
	qsort(snapshot->functions, snapshot->function_count, sizeof(*snapshot->functions), by_self);
}

void cpu_profile_fill(struct cpu_profile *profile, struct snapshot *snapshot)
{
	struct function_sum *sums = NULL;

	for (const struct function_sum *old = profile->folded; old; old = old->hh.next) {
		struct function_sum *sum = find_or_make_sum(&sums, &old->key);

		sum->row = old->row;
	}
	for (const struct stack_samples *count = profile->stacks; count; count = count->hh.next)
		sum_stack(&sums, count, ++profile->stamp);
	fill_rows(sums, snapshot, profile->samples);
	free_sums(&sums);
	profile->refreshes++;
	snapshot->cpu.samples = profile->samples;
	snapshot->cpu.kernel_samples = profile->kernel;
	snapshot->cpu.stacks_complete = profile->complete;
	snapshot->cpu.stacks_guessed = profile->guessed;
	snapshot_fold_kernel(snapshot);
}
