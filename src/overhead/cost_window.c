#include "config.h"

#include "overhead/cost_window.h"

#include <math.h>

/* Of the time of a trap, what the CPU samples see: the way back out of the kernel is not interrupted. */
static const double visible = 0.88;
/* Samples are forgotten after about so long. */
static const double memory_s = 30;
/* The measured cost weighs as much as so many samples in probes; those that came in together count as so many at
 * most: their period was much the same, and may have been one that beats with the target's allocations. */
static const double prior_samples = 20, together_samples = 30;
static const double factor_least = 0.7, factor_most = 5;

enum { CYCLES = 3 };

/* Of the time that they are to be in. */
static const double open_least = 0.25;

static double probes_ns(const struct cost_slice *slice)
{
	return slice->entries_ns + slice->kept_ns + slice->sampled_ns + slice->followed_ns;
}

static void add(struct cost_slice *sum, const struct cost_slice *slice)
{
	sum->seconds += slice->seconds;
	sum->open_s += slice->open_s;
	sum->target_ns += slice->target_ns;
	sum->entries_ns += slice->entries_ns;
	sum->kept_ns += slice->kept_ns;
	sum->reallocs_ns += slice->reallocs_ns;
	sum->sampled_ns += slice->sampled_ns;
	sum->followed_ns += slice->followed_ns;
	sum->sampling_ns += slice->sampling_ns;
}

static struct cost_slice sum_up(const struct cost_window *window, unsigned slices)
{
	struct cost_slice sum = {0};

	for (unsigned i = 1; i <= slices; i++)
		add(&sum, &window->slices[(window->next - i) % COST_SLICES_SHARED]);
	return sum;
}

void cost_window_add(struct cost_window *window, const struct cost_slice *slice)
{
	double kept = exp(-slice->seconds / memory_s);
	struct cost_slice sum;
	double sampled_ns, expected, weight;

	window->slices[window->next++ % COST_SLICES_SHARED] = *slice;
	window->since++;
	window->seen *= kept;
	window->expected *= kept;
	/* Samples come in once a second, and are those of all of it. */
	sum = sum_up(window, COST_SLICES);
	if (!(sum.target_ns > 0) || !slice->samples || isnan(probes_ns(&sum)))
		return;
	/* None is taken in the interrupt of another. */
	sampled_ns = sum.target_ns - (sum.sampling_ns > 0 ? sum.sampling_ns : 0);
	if (!(sampled_ns > 0))
		return;
	/* More than all, if a trap costs less here than was measured. */
	expected = visible * probes_ns(&sum) / sampled_ns * (double)slice->samples;
	weight = expected > together_samples ? together_samples / expected : 1;
	window->expected += weight * expected;
	window->seen += weight * (double)slice->in_probes;
}

void cost_window_changed(struct cost_window *window)
{
	window->since = 0;
}

bool cost_window_is_settled(const struct cost_window *window)
{
	return window->since >= COST_SLICES;
}

double cost_window_factor(const struct cost_window *window)
{
	double factor = (window->seen + prior_samples) / (window->expected + prior_samples);

	return fmin(fmax(factor, factor_least), factor_most);
}

static struct cost_slice corrected_sum(const struct cost_window *window, unsigned slices)
{
	struct cost_slice sum = sum_up(window, slices);
	double factor = cost_window_factor(window);

	/* It cannot be more than all. */
	if (sum.target_ns > 0 && probes_ns(&sum) * factor > sum.target_ns)
		factor = sum.target_ns / probes_ns(&sum);
	sum.entries_ns *= factor;
	sum.kept_ns *= factor;
	sum.reallocs_ns *= factor;
	sum.sampled_ns *= factor;
	sum.followed_ns *= factor;
	return sum;
}

struct cost_slice cost_window_sum(const struct cost_window *window)
{
	return corrected_sum(window, COST_SLICES);
}

static unsigned at_most(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

struct cost_slice cost_window_since(const struct cost_window *window)
{
	return corrected_sum(window, at_most(window->since, COST_SLICES));
}

struct cost_slice cost_window_latest(const struct cost_window *window)
{
	return corrected_sum(window, at_most(window->since, 1));
}

struct cost_slice cost_window_shared(const struct cost_window *window, unsigned halvings, double cycle_s)
{
	double slices = fmin(ceil(CYCLES * COST_SLICES * cycle_s), COST_SLICES_SHARED);
	unsigned most = slices > COST_SLICES ? (unsigned)slices : COST_SLICES;
	struct cost_slice sum = corrected_sum(window, at_most(window->since, most));
	double expected_s = ldexp(sum.seconds, -(int)halvings), usual = expected_s / sum.open_s;

	/* Taking them out takes a while, in which they are still hit: a short time says too much. */
	if (!(sum.open_s > open_least * expected_s))
		usual = (double)NAN;
	/* The target's time, with what it would have been in place of what it was. */
	sum.target_ns += (usual - 1) * (sum.entries_ns + sum.sampled_ns);
	sum.entries_ns *= usual;
	sum.sampled_ns *= usual;
	return sum;
}

static double share_pct(double part, double whole)
{
	if (part == 0)
		return 0;
	return whole > 0 ? 100 * part / whole : (double)NAN;
}

double cost_heap_pct(const struct cost_slice *sum)
{
	return share_pct(probes_ns(sum), sum->target_ns);
}

double cost_cpu_pct(const struct cost_slice *sum)
{
	return share_pct(sum->sampling_ns, sum->target_ns);
}
