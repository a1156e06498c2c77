#include "config.h"

#include "collect/uprobe_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/multi_link.h"
#include "permit/capabilities.h"
#include "permit/kernel_limits.h"
#include "permit/perf_trial.h"

struct uprobe_links {
	enum link_kind kind;
	struct bpf_link **perf;	/* LINK_PERF */
	int *multi;		/* LINK_MULTI, LINK_SESSION */
	size_t count;
};

struct uprobe_links *uprobe_links_new(enum link_kind kind)
{
	struct uprobe_links *links = xcalloc(1, sizeof(*links));

	links->kind = kind;
	return links;
}

size_t uprobe_links_count(const struct uprobe_links *links)
{
	return links->count;
}

void uprobe_links_cut(struct uprobe_links *links, size_t count)
{
	while (links->count > count) {
		links->count--;
		if (links->kind != LINK_PERF)
			close(links->multi[links->count]);
		else
			bpf_link__destroy(links->perf[links->count]);
	}
}

void uprobe_links_free(struct uprobe_links *links)
{
	if (!links)
		return;
	uprobe_links_cut(links, 0);
	free(links->perf);
	free(links->multi);
	free(links);
}

void uprobe_links_join(struct uprobe_links *links, struct uprobe_links *others)
{
	size_t count;

	if (!others)
		return;
	count = links->count + others->count;
	if (links->kind == LINK_PERF)
		links->perf = xreallocarray(links->perf, count + 1, sizeof(struct bpf_link *));
	else
		links->multi = xreallocarray(links->multi, count + 1, sizeof(int));
	for (size_t i = 0; links->count < count; i++, links->count++) {
		if (links->kind == LINK_PERF)
			links->perf[links->count] = others->perf[i];
		else
			links->multi[links->count] = others->multi[i];
	}
	others->count = 0;
	uprobe_links_free(others);
}

static int compare(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

static int keep_open(int *fds, size_t count)
{
	unsigned next = 0;

	qsort(fds, count, sizeof(fds[0]), compare);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)fds[i];

		if (fd > next && syscall(SYS_close_range, next, fd - 1, 0) < 0)
			return -errno;
		next = fd + 1;
	}
	return syscall(SYS_close_range, next, ~0U, 0) < 0 ? -errno : 0;
}

/* For each link but the first one a child of its own: the kernel is waited for once, not for each of them.
 * The number of the link to close. */
static size_t share_links(size_t count)
{
	pid_t parent = getpid();

	for (size_t i = 1; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
			_exit(1);
		if (pid == 0)
			return i;
	}
	return 0;
}

/* The last one to close a link waits for the kernel. These are children, which have no other descriptors but
 * a link's and a pipe, by which they see that their parent has closed them all. */
_Noreturn static void outlast(const struct uprobe_links *links, int pipe, pid_t parent)
{
	int fds[2] = {pipe};
	char end;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	fds[1] = links->multi[share_links(links->count)];
	if (keep_open(fds, 2))
		_exit(1);
	while (read(pipe, &end, 1) < 0 && errno == EINTR)
		;
	(void)syscall(SYS_close_range, 0, ~0U, 0);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	_exit(0);
}

void uprobe_links_retire(struct uprobe_links *links, pid_t *closing)
{
	pid_t parent = getpid();
	int ends[2];

	uprobe_links_wait(closing);
	if (!links || !links->count || links->kind == LINK_PERF || pipe2(ends, O_CLOEXEC) < 0) {
		uprobe_links_free(links);
		return;
	}
	*closing = fork();
	if (*closing == 0)
		outlast(links, ends[0], parent);
	if (*closing < 0)
		*closing = 0;
	uprobe_links_free(links);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

bool uprobe_links_retired(pid_t *closing)
{
	if (*closing && waitpid(*closing, NULL, WNOHANG) != 0)
		*closing = 0;
	return !*closing;
}

void uprobe_links_wait(pid_t *closing)
{
	while (*closing && waitpid(*closing, NULL, 0) < 0 && errno == EINTR)
		;
	*closing = 0;
}

/* Tries to link the empty program to a folder, which no kernel does: how it says so is the answer. A
 * link that is made would take a grace period of the kernel's to undo. */
static int try_link(enum bpf_attach_type attach_type, int pid)
{
	const uint64_t offset = 0;
	int program = empty_program_load(attach_type), link;
	const struct multi_link what = {
	    .program_fd = program,
	    .attach_type = attach_type,
	    .pid = pid,
	    .path = "/",
	    .offsets = &offset,
	    .count = 1,
	};

	if (program < 0)
		return -program;
	link = multi_link_create(&what);
	close(program);
	if (link < 0)
		return -link;
	close(link);
	return 0;
}

enum link_kind uprobe_link_decide(enum link_kind wanted, const struct uprobe_link_answers *answers)
{
	/* Who knows the type comes to look at the path, and who is right about the pid does so before. */
	if (wanted == LINK_PERF || answers->multi != EBADF || answers->multi_any_pid != EINVAL)
		return LINK_PERF;
	if (wanted == LINK_MULTI)
		return LINK_MULTI;
	return answers->session == EBADF ? LINK_SESSION : LINK_MULTI;
}

enum link_kind uprobe_link_choose(enum link_kind wanted)
{
	struct uprobe_link_answers answers = {0};

	if (wanted != LINK_PERF) {
		answers.multi = try_link(UPROBE_MULTI_ATTACH_TYPE, getpid());
		answers.multi_any_pid = try_link(UPROBE_MULTI_ATTACH_TYPE, -1);
		answers.session = try_link(UPROBE_SESSION_ATTACH_TYPE, getpid());
	}
	return uprobe_link_decide(wanted, &answers);
}

int uprobe_link_check(enum link_kind kind, struct err *err)
{
	struct kernel_limits limits;
	char reason[sizeof(err->text)];
	int code;

	/* Without these no link could be chosen, and loading says what is missing. */
	if (kind != LINK_PERF || !capabilities_have_bpf() || !capabilities_have_perfmon())
		return 0;
	code = perf_trial();
	if (code) {
		kernel_limits_read(&limits);
		return err_set(err, -code, EXIT_NOT_PERMITTED, "heap tracking is not permitted: %s",
			       kernel_limits_perf_reason(reason, sizeof(reason), &limits));
	}
	code = perf_trial_probe();
	if (code == -EACCES || code == -EPERM)
		return err_set(err, -code, EXIT_NOT_PERMITTED,
			       "heap tracking is not permitted: probes are perf events here, for which this "
			       "kernel wants CAP_SYS_ADMIN: run as root (with Linux 6.6 or later there are "
			       "other probes)");
	return 0;
}

enum bpf_attach_type uprobe_attach_type(enum link_kind kind, enum uprobe_side side)
{
	if (kind == LINK_PERF)
		return (enum bpf_attach_type)0;
	return side == UPROBE_SESSION ? UPROBE_SESSION_ATTACH_TYPE : UPROBE_MULTI_ATTACH_TYPE;
}

static int attach_multi(struct uprobe_links *links, const struct bpf_program *program,
			enum uprobe_side side, int pid, const char *path, const struct uprobe_place *places, size_t count)
{
	uint64_t *offsets = xcalloc(count, sizeof(*offsets));
	uint64_t *cookies = xcalloc(count, sizeof(*cookies));
	const struct multi_link link = {
	    .program_fd = bpf_program__fd(program),
	    .attach_type = uprobe_attach_type(links->kind, side),
	    .on_return = side == UPROBE_RETURN,
	    .pid = pid,
	    .path = path,
	    .offsets = offsets,
	    .cookies = cookies,
	    .count = count,
	};
	int fd;

	for (size_t i = 0; i < count; i++) {
		offsets[i] = places[i].offset;
		cookies[i] = places[i].cookie;
	}
	fd = multi_link_create(&link);
	free(offsets);
	free(cookies);
	if (fd < 0)
		return fd;
	links->multi = xreallocarray(links->multi, links->count + 1, sizeof(int));
	links->multi[links->count++] = fd;
	return 0;
}

static int attach_perf(struct uprobe_links *links, const struct bpf_program *program,
		       enum uprobe_side side, int pid, const char *path, const struct uprobe_place *place)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = place->cookie, .retprobe = side == UPROBE_RETURN);
	struct bpf_link *link =
	    bpf_program__attach_uprobe_opts(program, pid, path, (size_t)place->offset, &options);

	if (!link)
		return -errno;
	links->perf = xreallocarray(links->perf, links->count + 1, sizeof(struct bpf_link *));
	links->perf[links->count++] = link;
	return 0;
}

int uprobe_links_attach(struct uprobe_links *links, const struct bpf_program *program,
			enum uprobe_side side, int pid, const char *path,
			const struct uprobe_place *places, size_t count, struct err *err)
{
	size_t before = links->count;
	int code = 0;

	if (!count)
		return 0;
	if (links->kind != LINK_PERF) {
		code = attach_multi(links, program, side, pid, path, places, count);
	} else {
		for (size_t i = 0; i < count && !code; i++)
			code = attach_perf(links, program, side, pid, path, &places[i]);
	}
	if (!code)
		return 0;
	uprobe_links_cut(links, before);
	return err_set(err, -code, code == -EPERM || code == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED,
		       "cannot attach probes: %s", strerror(-code));
}
