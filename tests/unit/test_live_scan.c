/* live_scan without a map: what cannot be read is said. Reading is in live/test_leaks.py. */
#include "config.h"

#include "collect/live_scan.h"

#include <criterion/criterion.h>
#include <errno.h>

static void each(void *context, uint64_t site_id, const struct ages *ages, const struct sizes *sizes)
{
	(void)site_id;
	(void)ages;
	(void)sizes;
	++*(int *)context;
}

Test(live_scan, a_map_that_cannot_be_read)
{
	struct live_scan *scan = live_scan_new(-1, NULL, NULL);
	int stacks = 0;

	cr_expect_eq(live_scan_step(scan, 0, 1000000), -EBADF);
	live_scan_each(scan, each, &stacks);
	cr_expect_eq(stacks, 0);
	cr_expect_eq(live_scan_skipped(scan), 0);
	live_scan_free(scan);
	live_scan_free(NULL);
}
