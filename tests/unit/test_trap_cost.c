/* trap_cost: measured on this machine, so only what holds on all is asserted. */
#include "config.h"

#include "overhead/trap_cost.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static size_t count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	cr_assert_not_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

Test(trap_cost, a_trap_takes_time)
{
	struct err err = {0};
	struct trap_probes *probes;
	struct trap_cost cost;

	cr_assert_eq(geteuid(), 0, "the unit tests of probes need root");
	cr_assert_eq(trap_cost_measure(&cost, &probes, &err), 0, "%s", err.text);
	trap_probes_free(probes);
	cr_expect_gt(cost.emulated_ns, 50, "%f", cost.emulated_ns);
	cr_expect_lt(cost.emulated_ns, 1e6, "%f", cost.emulated_ns);
	cr_expect_gt(cost.stepped_ns, cost.emulated_ns, "a step is a second trap: %f",
		     cost.stepped_ns);
	cr_expect_gt(cost.emulated_return_ns, cost.emulated_ns, "%f", cost.emulated_return_ns);
	cr_expect_gt(cost.stepped_return_ns, cost.stepped_ns, "%f", cost.stepped_return_ns);
}

Test(trap_cost, leaves_nothing_behind)
{
	size_t before = count_fds();
	struct trap_probes *probes;
	struct trap_cost cost;
	struct err err = {0};

	cr_assert_eq(trap_cost_measure(&cost, &probes, &err), 0, "%s", err.text);
	trap_probes_free(probes);
	cr_expect_eq(count_fds(), before);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "there is a child");
	cr_expect_eq(errno, ECHILD);
}

Test(trap_cost, without_permission_there_is_a_reason)
{
	struct trap_probes *probes;
	struct trap_cost cost = {0};
	size_t before = count_fds();
	struct err err = {0};

	cr_assert_eq(setuid(NOBODY), 0);
	cr_expect_lt(trap_cost_measure(&cost, &probes, &err), 0);
	trap_probes_free(probes);
	cr_expect_eq(err.status, EXIT_NOT_PERMITTED);
	cr_expect_neq(err.text[0], '\0');
	cr_expect(isnan(cost.emulated_ns) && isnan(cost.stepped_ns));
	cr_expect(isnan(cost.emulated_return_ns) && isnan(cost.stepped_return_ns));
	cr_expect_eq(count_fds(), before);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "there is a child");
}
