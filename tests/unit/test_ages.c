/* ages: steps of age, sums, and the oldest. */
#include "config.h"

#include "collect/ages.h"

#include <criterion/criterion.h>

static const uint64_t second = 1000000000, now = 1000000 * 1000000000ULL;

Test(ages, steps)
{
	static const struct {
		uint64_t age_s;
		enum age_bucket bucket;
	} cases[] = {
	    {0, AGE_0S},    {1, AGE_1S},    {9, AGE_1S},     {10, AGE_10S},	{59, AGE_10S},
	    {60, AGE_1MIN}, {599, AGE_1MIN}, {600, AGE_10MIN}, {3600, AGE_1H}, {86399, AGE_1H},
	    {86400, AGE_1DAY}, {900000, AGE_1DAY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ages ages = {.oldest_ns = 0};

		ages_add(&ages, now - cases[i].age_s * second, now, 64, 2);
		cr_expect_eq(ages.bytes[cases[i].bucket], 64, "%lu s",
			     (unsigned long)cases[i].age_s);
		cr_expect_eq(ages.objects[cases[i].bucket], 2);
		cr_expect_eq(ages_bytes_from(&ages, AGE_0S), 64);
		cr_expect(ages_edge_s(cases[i].bucket) <= (double)cases[i].age_s);
	}
}

Test(ages, born_while_it_was_read)
{
	struct ages ages = {.oldest_ns = 0};

	ages_add(&ages, now + second, now, 10, 1);
	cr_expect_eq(ages.bytes[AGE_0S], 10);
}

Test(ages, sums)
{
	struct ages one = {.oldest_ns = 0}, other = {.oldest_ns = 0}, none = {.oldest_ns = 0};

	ages_add(&one, now - 20 * second, now, 100, 1);
	ages_add(&one, now - 2 * second, now, 50, 1);
	ages_add(&other, now - 700 * second, now, 30, 3);
	ages_merge(&one, &none);
	cr_expect_eq(one.oldest_ns, now - 20 * second);
	ages_merge(&one, &other);
	cr_expect_eq(one.oldest_ns, now - 700 * second);
	cr_expect_eq(ages_bytes_from(&one, AGE_0S), 180);
	cr_expect_eq(ages_bytes_from(&one, AGE_10S), 130);
	cr_expect_eq(ages_bytes_from(&one, AGE_1H), 0);
	ages_merge(&none, &one);
	cr_expect_eq(none.oldest_ns, now - 700 * second);
}
