/* uprobe_link: which kind of link is taken; attaching itself is tested with live targets. */
#include "config.h"

#include "collect/uprobe_link.h"

#include <criterion/criterion.h>
#include <dirent.h>

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
