/*
 * Attaches BPF programs to places in files: one uprobe-multi link, or a perf event for each place. A
 * session link is a multi link whose one program sees entry and return, and may skip the return.
 */
#ifndef RSP_COLLECT_UPROBE_LINK_H
#define RSP_COLLECT_UPROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bpf/libbpf.h>

#include "err.h"
#include "options.h"

/* BPF_TRACE_UPROBE_MULTI of Linux 6.6, which older kernel headers do not have. */
#define UPROBE_MULTI_ATTACH_TYPE ((enum bpf_attach_type)48)
/* BPF_TRACE_UPROBE_SESSION of Linux 6.13. */
#define UPROBE_SESSION_ATTACH_TYPE ((enum bpf_attach_type)57)

struct uprobe_place {
	uint64_t offset;	/* in the file */
	uint64_t cookie;	/* bpf_get_attach_cookie() in the program */
};

struct uprobe_links;

/* Where in its function a program runs. */
enum uprobe_side { UPROBE_ENTRY, UPROBE_RETURN, UPROBE_SESSION };

/* `kind` as uprobe_link_choose() gave it; programs must have been loaded for it: see
 * uprobe_attach_type(). */
struct uprobe_links *uprobe_links_new(enum link_kind kind);

/* How many links there are; and detaches those behind so many. */
size_t uprobe_links_count(const struct uprobe_links *links);
void uprobe_links_cut(struct uprobe_links *links, size_t count);

/* Takes over the links of others, which are freed. They may be NULL. */
void uprobe_links_join(struct uprobe_links *links, struct uprobe_links *others);

/* Detaches everything. NULL is allowed. */
void uprobe_links_free(struct uprobe_links *links);

/*
 * Detaches everything, without waiting for the kernel, which takes some tens of milliseconds: a child of
 * ours does, with a child for each further link, so that all are waited for at a time. *closing is its PID
 * then. With LINK_PERF, or without a child, it is waited for here. NULL is allowed.
 */
void uprobe_links_retire(struct uprobe_links *links, pid_t *closing);

/* Whether it is done; *closing is 0 then. */
bool uprobe_links_retired(pid_t *closing);
void uprobe_links_wait(pid_t *closing);

/* What the kernel says to a multi link at the folder "/", each an errno; 0 when it made one. */
struct uprobe_link_answers {
	int multi;		/* with a PID */
	int multi_any_pid;	/* with PID -1 */
	int session;		/* of the session type, with a PID */
};

/*
 * What is wanted, or the next best that a kernel with these answers has: LINK_SESSION, LINK_MULTI,
 * LINK_PERF. Multi links, and so session links, are not taken where their pid filter is wrong: before
 * 6.6.35, 6.9.5 and 6.10 it let only one thread through; such a kernel answers EBADF instead of EINVAL to
 * pid -1, as it looks at the path first.
 */
enum link_kind uprobe_link_decide(enum link_kind wanted, const struct uprobe_link_answers *answers);

/* The same with the answers of this kernel. */
enum link_kind uprobe_link_choose(enum link_kind wanted);

/* Perf links are perf events, which may be forbidden where BPF is not. 0, or -errno with one line. */
int uprobe_link_check(enum link_kind kind, struct err *err);

/* What a program for this side must have as its expected attach type before it is loaded. Only
 * LINK_SESSION has UPROBE_SESSION; 0 with LINK_PERF. */
enum bpf_attach_type uprobe_attach_type(enum link_kind kind, enum uprobe_side side);

/*
 * Attaches the program at all places of the file behind `path`, in one process, on that side of the
 * function. 0, or -errno with one line; then none of these places is attached.
 */
int uprobe_links_attach(struct uprobe_links *links, const struct bpf_program *program,
			enum uprobe_side side, int pid, const char *path,
			const struct uprobe_place *places, size_t count, struct err *err);

#endif
