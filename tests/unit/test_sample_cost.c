/* sample_cost: measured on this machine, so only what holds on all is asserted. */
#include "config.h"

#include "overhead/sample_cost.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, TRIES = 100 };

static struct sample_looks looks;

Test(sample_cost, a_sample_takes_time, .timeout = 60)
{
	struct sample_cost cost;
	int code = -EAGAIN;

	cr_assert_eq(geteuid(), 0, "the unit tests of samples need root");
	/* Other programs may have this CPU for a while. */
	for (int i = 0; code == -EAGAIN && i < TRIES; i++)
		code = sample_cost_measure(&cost);
	cr_assert_eq(code, 0);
	cr_expect_gt(cost.interrupt_ns, 200, "%f", cost.interrupt_ns);
	cr_expect_lt(cost.interrupt_ns, 150000, "%f", cost.interrupt_ns);
	cr_expect_geq(cost.copy_ns_per_byte, 0);
	cr_expect_lt(cost.copy_ns_per_byte, 10, "%f", cost.copy_ns_per_byte);
}

/* As a program does that has given up its rights meanwhile. */
static int look_as_nobody(void)
{
	double interrupt_ns = 1e6;
	int code = -EAGAIN;

	if (setuid(NOBODY) < 0)
		return errno;
	for (int good = 0, i = 0; good < SAMPLE_LOOKS && i < TRIES; i++) {
		code = sample_looks_take(&looks, &interrupt_ns);
		good += code == 0;
	}
	if (code)
		return -code;
	return interrupt_ns > 200 && interrupt_ns < 150000 ? 0 : ERANGE;
}

Test(sample_cost, looks_need_no_rights_later, .timeout = 60)
{
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(sample_looks_open(&looks) ? EPERM : look_as_nobody());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%s", strerror(WEXITSTATUS(status)));
}

Test(sample_cost, looks_not_permitted)
{
	double interrupt_ns = 1000;
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(setuid(NOBODY) == 0 && sample_looks_open(&looks) == -EPERM &&
			      sample_looks_take(&looks, &interrupt_ns) == -EPERM && interrupt_ns == 1000
			  ? 0
			  : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A single one that is far off changes nothing, several do. */
Test(sample_cost, median_of_looks)
{
	cr_expect_eq(sample_looks_add(&looks, 1000, 90000), 1000);
	for (int i = 2; i <= SAMPLE_LOOKS / 2; i++)
		cr_expect_eq(sample_looks_add(&looks, 1000, 2000), 1000);
	cr_expect_eq(sample_looks_add(&looks, 1000, 2000), 2000);
	for (int i = 0; i < SAMPLE_LOOKS; i++)
		(void)sample_looks_add(&looks, 2000, 3000 + (uint64_t)i);
	cr_expect_eq(sample_looks_add(&looks, 3000, 1), 3000 + SAMPLE_LOOKS / 2);
}
