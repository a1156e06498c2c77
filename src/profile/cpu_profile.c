#include "config.h"

#include "profile/cpu_profile.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "err.h"
#include "symbol/client.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

struct stack_count {
	struct stack *stack;
	uint64_t samples;
	UT_hash_handle hh;
};

struct cpu_profile {
	struct stack_count *stacks;
	uint64_t samples;
	uint64_t complete;
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

struct summing {
	struct function_sum *functions;
	uint64_t stamp;
};

struct cpu_profile *cpu_profile_new(void)
{
	return xcalloc(1, sizeof(struct cpu_profile));
}

void cpu_profile_reset(struct cpu_profile *profile)
{
	struct stack_count *count, *next;

	HASH_ITER(hh, profile->stacks, count, next) {
		HASH_DEL(profile->stacks, count);
		free(count);
	}
	profile->samples = profile->complete = profile->kernel = 0;
}

void cpu_profile_free(struct cpu_profile *profile)
{
	if (!profile)
		return;
	cpu_profile_reset(profile);
	free(profile);
}

void cpu_profile_add(struct cpu_profile *profile, struct stack *stack)
{
	struct stack_count *count;

	profile->samples++;
	if (!stack)
		return;
	if (stack->state == STACK_COMPLETE)
		profile->complete++;
	if (stack->frame_count && stack->frames[0] >> 63)
		profile->kernel++;
	HASH_FIND(hh, profile->stacks, &stack, sizeof(stack), count);
	if (!count) {
		count = xcalloc(1, sizeof(*count));
		count->stack = stack;
		HASH_ADD(hh, profile->stacks, stack, sizeof(count->stack), count);
	}
	count->samples++;
}

static uint64_t function_id(const struct function_key *key)
{
	XXH64_hash_t module = XXH3_64bits(key->module->name, strlen(key->module->name));

	return XXH3_64bits_withSeed(key->name, strlen(key->name), module);
}

static struct function_sum *find_function(struct summing *summing, const struct symbol *symbol,
					  const struct symbol_frame *frame)
{
	struct function_sum *sum;
	struct function_key key = {frame->function, symbol->module};

	HASH_FIND(hh, summing->functions, &key, sizeof(key), sum);
	if (sum)
		return sum;
	sum = xcalloc(1, sizeof(*sum));
	sum->key = key;
	sum->row.id = function_id(&key);
	sum->row.name = frame->function;
	sum->row.module = symbol->module->name;
	sum->row.kernel = symbol->module->kind == MODULE_KALLSYMS;
	sum->row.inlined = true;
	HASH_ADD(hh, summing->functions, key, sizeof(sum->key), sum);
	return sum;
}

static void sum_stack(struct summing *summing, const struct stack_count *count)
{
	bool innermost = true;

	summing->stamp++;
	for (uint32_t i = 0; i < count->stack->frame_count; i++) {
		const struct symbol *symbol = count->stack->symbols[i];

		for (size_t j = 0; j < symbol->frame_count; j++) {
			const struct symbol_frame *frame = &symbol->frames[j];
			struct function_sum *sum = find_function(summing, symbol, frame);

			if (!sum->row.file && frame->decl_file) {
				sum->row.file = frame->decl_file;
				sum->row.line = frame->decl_line;
			}
			sum->row.inlined = sum->row.inlined && frame->inlined;
			if (innermost)
				sum->row.self_samples += count->samples;
			innermost = false;
			if (sum->last_stack != summing->stamp)
				sum->row.total_samples += count->samples;
			sum->last_stack = summing->stamp;
		}
	}
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

/* Moves the sums into the snapshot and frees them. */
static void take_rows(struct summing *summing, struct snapshot *snapshot, uint64_t samples)
{
	double one_pct = (double)samples / 100.0;
	struct function_sum *sum, *next;
	size_t count = HASH_COUNT(summing->functions), used = 0;

	snapshot->functions = xcalloc(count + 1, sizeof(*snapshot->functions));
	HASH_ITER(hh, summing->functions, sum, next) {
		struct snapshot_function *row = &snapshot->functions[used++];

		*row = sum->row;
		row->self_pct = (double)row->self_samples / one_pct;
		row->total_pct = (double)row->total_samples / one_pct;
		HASH_DEL(summing->functions, sum);
		free(sum);
	}
	snapshot->function_count = used;
	qsort(snapshot->functions, used, sizeof(*snapshot->functions), by_self);
}

void cpu_profile_fill(struct cpu_profile *profile, struct snapshot *snapshot)
{
	struct summing summing = {0};

	for (const struct stack_count *count = profile->stacks; count; count = count->hh.next)
		sum_stack(&summing, count);
	take_rows(&summing, snapshot, profile->samples);
	snapshot->cpu.samples = profile->samples;
	snapshot->cpu.kernel_samples = profile->kernel;
	snapshot->cpu.stacks_complete = profile->complete;
}
