#include "config.h"

#include "profile/cpu_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "err.h"
#include "profile/kernel_fold.h"
#include "profile/row_sums.h"
#include "profile/sample_counts.h"
#include "symbol/client.h"

/* Without padding: hashed as bytes. */
struct samples_key {
	struct stack *stack;
	uint64_t thread; /* 0: not told apart */
};

struct stack_samples {
	struct samples_key key;
	struct sample_counts samples;
	UT_hash_handle hh;
};

struct cpu_profile {
	struct stack_samples *stacks;
	/* What stacks that are no longer kept one by one came to; of no thread, as there may be any
	 * number of those. */
	struct folded_row *folded[GROUP_THREAD];
	struct sample_clock clock;
	uint64_t stamp; /* of the stack that was folded last */
	struct sample_counts samples;
	bool marked;
	uint64_t complete;
	uint64_t guessed; /* of the complete ones */
	uint64_t kernel;
	struct module_samples *modules; /* owned; by module number */
	size_t module_count;
};

struct cpu_profile *cpu_profile_new(void)
{
	return xcalloc(1, sizeof(struct cpu_profile));
}

void cpu_profile_reset(struct cpu_profile *profile)
{
	struct stack_samples *count, *next;

	HASH_ITER (hh, profile->stacks, count, next) {
		HASH_DEL(profile->stacks, count);
		free(count);
	}
	for (enum snapshot_group group = GROUP_FUNCTION; group < GROUP_THREAD; group++)
		folded_rows_free(&profile->folded[group]);
	profile->samples = (struct sample_counts){0};
	profile->marked = false;
	profile->complete = profile->guessed = profile->kernel = 0;
	free(profile->modules);
	profile->modules = NULL;
	profile->module_count = 0;
}

void cpu_profile_free(struct cpu_profile *profile)
{
	if (!profile)
		return;
	cpu_profile_reset(profile);
	free(profile);
}

static struct module_samples *samples_of(struct cpu_profile *profile, const struct symbol *symbol)
{
	size_t count = symbol->module->number + (size_t)1;

	if (count > profile->module_count) {
		profile->modules =
		    xreallocarray(profile->modules, count, sizeof(*profile->modules));
		memset(profile->modules + profile->module_count, 0,
		       (count - profile->module_count) * sizeof(*profile->modules));
		profile->module_count = count;
	}
	return &profile->modules[symbol->module->number];
}

static void add_to_modules(struct cpu_profile *profile, const struct stack *stack, uint64_t samples)
{
	if (stack->frame_count == 0)
		return;
	samples_of(profile, stack->symbols[0])->self += samples;
	if (stack->state == STACK_BROKEN || stack->state == STACK_UNLEARNT)
		samples_of(profile, stack->symbols[stack->frame_count - 1])->broken += samples;
}

const struct module_samples *cpu_profile_modules(const struct cpu_profile *profile,
						 size_t *ret_count)
{
	*ret_count = profile->module_count;
	return profile->modules;
}

void cpu_profile_set_time(struct cpu_profile *profile, double now_s)
{
	sample_clock_set(&profile->clock, now_s);
}

void cpu_profile_add(struct cpu_profile *profile, struct stack *stack, uint32_t thread,
		     uint64_t samples)
{
	const struct samples_key key = {stack, thread};
	struct stack_samples *count;

	sample_counts_add(&profile->samples, &profile->clock, samples);
	if (!stack)
		return;
	if (stack->state == STACK_COMPLETE || stack->state == STACK_GUESSED)
		profile->complete += samples;
	if (stack->state == STACK_GUESSED)
		profile->guessed += samples;
	if (stack->frame_count && stack->frames[0] >> 63)
		profile->kernel += samples;
	add_to_modules(profile, stack, samples);
	HASH_FIND(hh, profile->stacks, &key, sizeof(key), count);
	if (!count) {
		count = xcalloc(1, sizeof(*count));
		count->key = key;
		HASH_ADD(hh, profile->stacks, key, sizeof(count->key), count);
	}
	sample_counts_add(&count->samples, &profile->clock, samples);
}

uint64_t cpu_profile_function_id(const char *name, const char *module)
{
	XXH64_hash_t seed = XXH3_64bits(module, strlen(module));

	return XXH3_64bits_withSeed(name, strlen(name), seed);
}

static int latest_first(const void *left, const void *right)
{
	const struct stack_samples *a = *(struct stack_samples *const *)left;
	const struct stack_samples *b = *(struct stack_samples *const *)right;

	if (a->samples.refresh != b->samples.refresh)
		return a->samples.refresh < b->samples.refresh ? 1 : -1;
	return (a->samples.totals.all < b->samples.totals.all) -
	       (a->samples.totals.all > b->samples.totals.all);
}

static void fold(struct cpu_profile *profile, struct stack_samples *stack)
{
	for (enum snapshot_group group = GROUP_FUNCTION; group < GROUP_THREAD; group++)
		folded_rows_add(&profile->folded[group], group, stack->key.stack, &stack->samples,
				&profile->clock, ++profile->stamp);
	/* A table that has an entry is one. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	HASH_DEL(profile->stacks, stack);
	free(stack);
}

void cpu_profile_fold_rare(struct cpu_profile *profile, uint64_t one_in, unsigned seconds)
{
	uint64_t most = profile->samples.totals.all / one_in;
	struct stack_samples *stack, *next;

	for (enum snapshot_group group = GROUP_FUNCTION; group < GROUP_THREAD; group++)
		folded_rows_age(profile->folded[group], &profile->clock);
	HASH_ITER (hh, profile->stacks, stack, next)
		if (stack->samples.totals.all <= most &&
		    stack->samples.second + seconds <= profile->clock.second)
			fold(profile, stack);
}

void cpu_profile_fold(struct cpu_profile *profile, size_t keep)
{
	size_t count = HASH_COUNT(profile->stacks), used = 0;
	struct stack_samples **all, *stack, *next;

	if (count <= keep)
		return;
	all = xcalloc(count, sizeof(*all));
	HASH_ITER (hh, profile->stacks, stack, next)
		all[used++] = stack;
	qsort(all, used, sizeof(*all), latest_first);
	for (size_t i = keep; i < used; i++)
		fold(profile, all[i]);
	free(all);
}

void cpu_profile_each_stack(const struct cpu_profile *profile, stack_fn use, void *context)
{
	for (const struct stack_samples *count = profile->stacks; count; count = count->hh.next)
		use(context, count->key.stack, count->samples.totals.all);
}

static int by_self(const void *left, const void *right)
{
	const struct snapshot_function *a = left, *b = right;

	if (a->self_samples != b->self_samples)
		return (a->self_samples < b->self_samples) - (a->self_samples > b->self_samples);
	if (a->total_samples != b->total_samples)
		return (a->total_samples < b->total_samples) -
		       (a->total_samples > b->total_samples);
	return (a->id > b->id) - (a->id < b->id);
}

/* Each of the totals: of everything, of each stack, of what was folded. */
static void each_totals(struct cpu_profile *profile, void (*use)(struct sample_totals *totals))
{
	use(&profile->samples.totals);
	for (struct stack_samples *count = profile->stacks; count; count = count->hh.next)
		use(&count->samples.totals);
	for (enum snapshot_group group = GROUP_FUNCTION; group < GROUP_THREAD; group++) {
		for (struct folded_row *row = profile->folded[group]; row; row = row->hh.next) {
			use(&row->self);
			use(&row->total);
		}
	}
}

void cpu_profile_zero(struct cpu_profile *profile)
{
	each_totals(profile, sample_totals_zero);
}

void cpu_profile_undo_zero(struct cpu_profile *profile)
{
	each_totals(profile, sample_totals_undo_zero);
}

void cpu_profile_mark(struct cpu_profile *profile)
{
	each_totals(profile, sample_totals_mark);
	profile->marked = true;
}

void cpu_profile_forget_mark(struct cpu_profile *profile)
{
	profile->marked = false;
}

static void sum_folded(const struct cpu_profile *profile, struct row_sums *sums)
{
	enum snapshot_group group = sums->group;
	const struct folded_row *row;

	for (row = profile->folded[group == GROUP_THREAD ? GROUP_FUNCTION : group]; row;
	     row = row->hh.next)
		row_sums_add_folded(sums, row);
	for (row = profile->folded[GROUP_FUNCTION]; row && group == GROUP_LINE; row = row->hh.next)
		if (folded_without_lines(row->key.module))
			row_sums_add_folded(sums, row);
}

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : (double)NAN;
}

/* What a row has to have once its samples are summed. */
static void finish_row(const struct cpu_profile *profile, const struct sample_sums *all,
		       const struct row_sum *sum, struct snapshot_function *row)
{
	uint64_t parts = sample_clock_parts(&profile->clock);

	*row = (struct snapshot_function){
	    .id = row_key_id(&sum->key),
	    .name = sum->key.name,
	    .module = sum->key.module->name,
	    .file = sum->place.file,
	    .line = sum->place.line,
	    .kernel = sum->key.module->kind == MODULE_KALLSYMS,
	    .inlined = sum->place.inlined,
	    .tid = (int)sum->key.thread,
	    .self_samples = sum->self_samples,
	    .total_samples = sum->total_samples,
	    .self_pct = share(sum->self_samples, profile->samples.totals.all),
	    .total_pct = share(sum->total_samples, profile->samples.totals.all),
	};
	for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++)
		row->in[window] =
		    (struct snapshot_samples){sum->self.in[window], sum->total.in[window]};
	row->change_pct = profile->marked ? share(sum->self.since_mark, all->since_mark) -
						share(sum->self.before_mark, all->before_mark)
					  : (double)NAN;
	for (size_t part = 0; part < SNAPSHOT_TREND; part++)
		row->trend[part] = parts < SNAPSHOT_TREND - part ? (double)NAN : sum->trend[part];
}

/* The rows of a group, in order; the caller frees them. */
static struct snapshot_function *make_rows(struct cpu_profile *profile, enum snapshot_group group,
					   size_t *ret_count)
{
	struct row_sums sums = {.group = group, .clock = &profile->clock};
	struct sample_sums all = {.since_mark = 0};
	struct snapshot_function *rows;
	size_t count = 0;

	sample_counts_sum(&profile->samples, &profile->clock, &all);
	sum_folded(profile, &sums);
	for (const struct stack_samples *stack = profile->stacks; stack; stack = stack->hh.next)
		row_sums_add_stack(&sums, stack->key.stack, (uint32_t)stack->key.thread,
				   &stack->samples);
	rows = xcalloc_aligned(HASH_COUNT(sums.rows) + 1, sizeof(*rows), SNAPSHOT_ROW_ALIGNMENT);
	for (const struct row_sum *sum = sums.rows; sum; sum = sum->hh.next)
		finish_row(profile, &all, sum, &rows[count++]);
	row_sums_free(&sums);
	qsort(rows, count, sizeof(*rows), by_self);
	*ret_count = count;
	return rows;
}

/*
 * What the kernel does for probes is entered by a trap or by a system call of its own, and a stack has
 * one entry only.
 */
static bool enters_probes(const struct snapshot_function *function)
{
	static const char *const entries[] = {"asm_exc_int3", "asm_exc_debug",
					      "__x64_sys_uretprobe", "__ia32_sys_uretprobe",
					      "sys_uretprobe"};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(function->name, entries[i]) == 0)
			return true;
	return false;
}

static void sum_kernel(struct snapshot *snapshot)
{
	struct snapshot_cpu *cpu = &snapshot->cpu;

	for (size_t i = 0; i < snapshot->function_count; i++) {
		const struct snapshot_function *function = &snapshot->functions[i];

		if (!function->kernel)
			continue;
		cpu->recent_kernel += function->in[SNAPSHOT_RECENT].self;
		if (function->in[SNAPSHOT_RECENT].total && enters_probes(function))
			cpu->recent_probes += function->in[SNAPSHOT_RECENT].total;
	}
}

void cpu_profile_fill(struct cpu_profile *profile, struct snapshot *snapshot,
		      enum snapshot_group group)
{
	struct snapshot_cpu *cpu = &snapshot->cpu;
	struct sample_sums all = {.since_mark = 0};

	snapshot->functions = make_rows(profile, GROUP_FUNCTION, &snapshot->function_count);
	snapshot->group = group;
	if (group != GROUP_FUNCTION)
		snapshot->grouped = make_rows(profile, group, &snapshot->grouped_count);
	sample_counts_sum(&profile->samples, &profile->clock, &all);
	for (enum snapshot_window window = SNAPSHOT_LATEST; window < SNAPSHOT_WINDOWS; window++) {
		cpu->window_samples[window] = all.in[window];
		cpu->window_s[window] = sample_clock_span_s(&profile->clock, window);
	}
	sample_clock_end_refresh(&profile->clock);
	cpu->samples = profile->samples.totals.all;
	cpu->kernel_samples = profile->kernel;
	sum_kernel(snapshot);
	cpu->stacks_complete = profile->complete;
	cpu->stacks_guessed = profile->guessed;
	snapshot_fold_kernel(snapshot);
}
