#include "config.h"

#include "profile/kernel_fold.h"

#include "err.h"

/* Ids of functions are hashes of their names, so this one is nobody else's but by chance. */
#define KERNEL_ROW_ID UINT64_C(0x6b65726e656c)

static void add_row(struct snapshot_function *to, const struct snapshot_function *function)
{
	for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++)
		to->in[window].self += function->in[window].self;
	to->change_pct += function->change_pct;
	for (size_t part = 0; part < SNAPSHOT_TREND; part++)
		to->trend[part] += function->trend[part];
}

static struct snapshot_function kernel_row(const struct snapshot *snapshot)
{
	uint64_t samples = snapshot->cpu.kernel_samples;
	double pct =
	    snapshot->cpu.samples ? 100.0 * (double)samples / (double)snapshot->cpu.samples : 0;
	struct snapshot_function row = {
	    .id = KERNEL_ROW_ID,
	    .name = "[kernel]",
	    .module = "[kernel]",
	    .kernel = true,
	    .folded = true,
	    .self_samples = samples,
	    .total_samples = samples,
	    .self_pct = pct,
	    .total_pct = pct,
	};

	for (size_t i = 0; i < snapshot->function_count; i++)
		if (snapshot->functions[i].kernel)
			add_row(&row, &snapshot->functions[i]);
	for (size_t window = 0; window < SNAPSHOT_WINDOWS; window++)
		row.in[window].total = row.in[window].self;
	return row;
}

/* Whether `a` comes before `b` in the order of snapshot->functions. */
static bool is_before(const struct snapshot_function *a, const struct snapshot_function *b)
{
	if (a->self_samples != b->self_samples)
		return a->self_samples > b->self_samples;
	if (a->total_samples != b->total_samples)
		return a->total_samples > b->total_samples;
	return a->id < b->id;
}

void snapshot_fold_kernel(struct snapshot *snapshot)
{
	const struct snapshot_function kernel = kernel_row(snapshot);
	bool pending = false;
	size_t count = 0;

	snapshot->folded = xcalloc_aligned(snapshot->function_count + 1,
					   sizeof(*snapshot->folded), SNAPSHOT_ROW_ALIGNMENT);
	for (size_t i = 0; i < snapshot->function_count; i++)
		pending = pending || snapshot->functions[i].kernel;
	for (size_t i = 0; i < snapshot->function_count; i++) {
		const struct snapshot_function *function = &snapshot->functions[i];

		if (pending && is_before(&kernel, function)) {
			snapshot->folded[count++] = kernel;
			pending = false;
		}
		if (!function->kernel)
			snapshot->folded[count++] = *function;
	}
	if (pending)
		snapshot->folded[count++] = kernel;
	snapshot->folded_count = count;
}
