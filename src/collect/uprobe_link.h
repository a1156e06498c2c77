/* Attaches BPF programs to places in files: one uprobe-multi link, or a perf event for each place. */
#ifndef RSP_COLLECT_UPROBE_LINK_H
#define RSP_COLLECT_UPROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "err.h"
#include "options.h"

/* BPF_TRACE_UPROBE_MULTI of Linux 6.6, which older kernel headers do not have. */
#define UPROBE_MULTI_ATTACH_TYPE ((enum bpf_attach_type)48)

struct uprobe_place {
	uint64_t offset;	/* in the file */
	uint64_t cookie;	/* bpf_get_attach_cookie() in the program */
};

struct uprobe_links;

/* `kind` as uprobe_link_choose() gave it; programs for LINK_MULTI must have been loaded for it. */
struct uprobe_links *uprobe_links_new(enum link_kind kind);

/* Detaches everything. NULL is allowed. */
void uprobe_links_free(struct uprobe_links *links);

/*
 * LINK_MULTI where the kernel has it and its pid filter is right, else LINK_PERF. Before 6.6.35,
 * 6.9.5 and 6.10 the filter let only one thread through; such a kernel answers EBADF instead of
 * EINVAL to path "/" with pid -1.
 */
enum link_kind uprobe_link_choose(enum link_kind wanted);

/*
 * Attaches the program at all places of the file behind `path`, in one process, at the function's
 * return if `on_return`. 0, or -errno with one line; then none of these places is attached.
 */
int uprobe_links_attach(struct uprobe_links *links, const struct bpf_program *program, bool on_return, int pid,
			const char *path, const struct uprobe_place *places, size_t count, struct err *err);

#endif
