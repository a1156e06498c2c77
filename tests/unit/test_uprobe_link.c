/* uprobe_link: which kind of link is taken; attaching itself is tested with live targets. */
#include "config.h"

#include "collect/uprobe_link.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>

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

/* What kernels say, and the best link each is to get. */
static const struct {
	const char *kernel;
	struct uprobe_link_answers answers;
	enum link_kind best, multi;
} kernels[] = {
    {"6.1, without multi links", {EINVAL, EINVAL, EINVAL}, LINK_PERF, LINK_PERF},
    {"6.6.34, whose pid filter is wrong", {EBADF, EBADF, EINVAL}, LINK_PERF, LINK_PERF},
    {"one that has session links and a wrong pid filter", {EBADF, EBADF, EBADF}, LINK_PERF, LINK_PERF},
    {"6.6.35, without session links", {EBADF, EINVAL, EINVAL}, LINK_MULTI, LINK_MULTI},
    {"6.13", {EBADF, EINVAL, EBADF}, LINK_SESSION, LINK_MULTI},
    {"one that does not permit links", {EPERM, EPERM, EPERM}, LINK_PERF, LINK_PERF},
    {"one that links to folders", {0, 0, 0}, LINK_PERF, LINK_PERF},
};

Test(uprobe_link, each_kernel_gets_what_is_right_there)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		const struct uprobe_link_answers *answers = &kernels[i].answers;

		cr_expect_eq(uprobe_link_decide(LINK_BEST, answers), kernels[i].best, "%s", kernels[i].kernel);
		cr_expect_eq(uprobe_link_decide(LINK_SESSION, answers), kernels[i].best, "%s", kernels[i].kernel);
		cr_expect_eq(uprobe_link_decide(LINK_MULTI, answers), kernels[i].multi, "%s", kernels[i].kernel);
		cr_expect_eq(uprobe_link_decide(LINK_PERF, answers), LINK_PERF, "%s", kernels[i].kernel);
	}
}

Test(uprobe_link, perf_when_it_is_wanted)
{
	cr_assert_eq(uprobe_link_choose(LINK_PERF), LINK_PERF);
}

/* Whatever the kernel has: the answer is a kind that can be attached, and is always the same. */
Test(uprobe_link, best_is_what_there_is)
{
	enum link_kind kind = uprobe_link_choose(LINK_BEST);

	cr_assert(kind == LINK_SESSION || kind == LINK_MULTI || kind == LINK_PERF);
	cr_assert_eq(uprobe_link_choose(LINK_BEST), kind);
	cr_assert_eq(uprobe_link_choose(LINK_SESSION), kind, "what is not there cannot be forced");
	cr_assert_eq(uprobe_link_choose(LINK_MULTI), kind == LINK_SESSION ? LINK_MULTI : kind);
}

Test(uprobe_link, attach_types)
{
	cr_expect_eq(uprobe_attach_type(LINK_PERF, UPROBE_ENTRY), 0);
	cr_expect_eq(uprobe_attach_type(LINK_MULTI, UPROBE_RETURN), UPROBE_MULTI_ATTACH_TYPE);
	cr_expect_eq(uprobe_attach_type(LINK_SESSION, UPROBE_ENTRY), UPROBE_MULTI_ATTACH_TYPE);
	cr_expect_eq(uprobe_attach_type(LINK_SESSION, UPROBE_SESSION), UPROBE_SESSION_ATTACH_TYPE);
}

Test(uprobe_link, choosing_leaves_no_descriptor)
{
	size_t before = count_fds();

	(void)uprobe_link_choose(LINK_BEST);
	(void)uprobe_link_choose(LINK_PERF);
	cr_assert_eq(count_fds(), before);
}

Test(uprobe_link, nothing_attached)
{
	uprobe_links_free(NULL);
	uprobe_links_free(uprobe_links_new(LINK_PERF));
	uprobe_links_free(uprobe_links_new(LINK_MULTI));
	uprobe_links_free(uprobe_links_new(LINK_SESSION));
}
