/* sizes: steps of size, and sums. */
#include "config.h"

#include "collect/sizes.h"

#include <criterion/criterion.h>

Test(sizes, steps)
{
	static const struct {
		uint64_t size;
		size_t bucket;
	} cases[] = {{0, 0}, {63, 0}, {64, 1}, {255, 1}, {1024, 3}, {65535, 5}, {65536, 6}, {UINT64_MAX, 7}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sizes sizes = {{0}, {0}};

		sizes_add(&sizes, cases[i].size, 640, 10);
		cr_expect_eq(sizes.bytes[cases[i].bucket], 640, "%lu", (unsigned long)cases[i].size);
		cr_expect_eq(sizes.objects[cases[i].bucket], 10);
		cr_expect(sizes_edge(cases[i].bucket) <= cases[i].size);
		cr_expect(sizes_edge(cases[i].bucket + 1) >= cases[i].size);
	}
	cr_expect_eq(sizes_edge(SIZE_BUCKETS), UINT64_MAX);
}

Test(sizes, sums)
{
	struct sizes one = {{0}, {0}}, other = {{0}, {0}};

	sizes_add(&one, 10, 100, 10);
	sizes_add(&other, 20, 40, 2);
	sizes_add(&other, 5000, 5000, 1);
	sizes_merge(&one, &other);
	cr_expect_eq(one.bytes[0], 140);
	cr_expect_eq(one.objects[0], 12);
	cr_expect_eq(one.bytes[4], 5000);
	cr_expect_eq(one.objects[4], 1);
}
