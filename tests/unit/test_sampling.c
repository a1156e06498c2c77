/* sampling: the tables against the formulas they stand for; the sampling itself runs in the kernel. */
#include "config.h"

#include "collect/sampling.h"

#include <criterion/criterion.h>
#include <math.h>

Test(sampling, logarithms)
{
	uint32_t table[SAMPLING_LOG_STEPS + 1];

	sampling_fill_log2(table);
	cr_expect_eq(table[0], 0);
	cr_expect_eq(table[SAMPLING_LOG_STEPS], 65536);
	cr_expect_eq(table[128], 38336); /* log2(1.5) = 0.584963 */
	for (int i = 0; i < SAMPLING_LOG_STEPS; i++)
		cr_expect_lt(table[i], table[i + 1]);
}

Test(sampling, weights)
{
	uint32_t table[SAMPLING_WEIGHT_STEPS + 1];

	sampling_fill_weight(table);
	cr_expect_eq(table[0], 65536);
	cr_expect_eq(table[16], 103676); /* 1 / (1 - 1/e) = 1.581977 */
	cr_expect_eq(table[256], 16 * 65536);
	for (int i = 0; i < SAMPLING_WEIGHT_STEPS; i++)
		cr_expect_lt(table[i], table[i + 1]);
}

/* What is expected of a tracked object, times its chance to be tracked, is its size. */
Test(sampling, weight_bytes_are_unbiased)
{
	static const uint64_t sizes[] = {1, 16, 4096, 100000, 1 << 20, 1 << 30};
	static const uint64_t intervals[] = {4096, 65536, 524288, UINT64_C(1) << 40};

	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			double size = (double)sizes[j];
			double chance = -expm1(-size / (double)intervals[i]);

			cr_expect_float_eq(sampling_weight_bytes(sizes[j], intervals[i]) * chance, size,
					   1e-9 * size);
		}
	}
}

Test(sampling, exact)
{
	cr_expect_eq(sampling_weight_bytes(12345, 0), 12345);
}
