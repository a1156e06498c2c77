#include "config.h"

#include "collect/sampling.h"

#include <math.h>

static const double one = 65536;

/* x / (1 - exp(-x)), which goes to 1 at 0. */
static double weight(double x)
{
	return x > 0 ? -x / expm1(-x) : 1;
}

void sampling_fill_log2(uint32_t ret_table[SAMPLING_LOG_STEPS + 1])
{
	for (int i = 0; i <= SAMPLING_LOG_STEPS; i++)
		ret_table[i] = (uint32_t)lround(log2(1 + (double)i / SAMPLING_LOG_STEPS) * one);
}

void sampling_fill_weight(uint32_t ret_table[SAMPLING_WEIGHT_STEPS + 1])
{
	for (int i = 0; i <= SAMPLING_WEIGHT_STEPS; i++)
		ret_table[i] = (uint32_t)lround(weight((double)i / SAMPLING_WEIGHT_PER_UNIT) * one);
}

double sampling_weight_bytes(uint64_t size, uint64_t interval)
{
	if (!interval)
		return (double)size;
	return (double)interval * weight((double)size / (double)interval);
}
