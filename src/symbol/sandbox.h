/*
 * What the processes that handle other people's files and servers' answers cannot do any more,
 * whatever has become of them. SECURITY says what each layer is for.
 */
#ifndef RSP_SYMBOL_SANDBOX_H
#define RSP_SYMBOL_SANDBOX_H

#include "err.h"

enum sandbox_kind {
	SANDBOX_WORKER,	 /* reads and writes what it has open: no file, no network, no process */
	SANDBOX_FETCHER, /* uses the network, reads files and writes below one folder */
};

/*
 * Gives up what this process does not need, for good: capabilities, its user if that is root, new
 * privileges by exec, being read by others, all system calls but a list (seccomp), and access to
 * files (Landlock, on kernels that have it). Descriptors that are open stay usable; memory is
 * bounded by memory.h. It ends with its parent. `folder` is where a fetcher may write, NULL for a
 * worker.
 *
 * 0, or -errno with one line: then the process is confined in part only and must not go on.
 *
 * With AddressSanitizer the list of calls is longer, and the layers that it cannot live with are
 * left out: see sandbox_calls.c and the places that look at __SANITIZE_ADDRESS__.
 */
int sandbox_enter(enum sandbox_kind kind, const char *folder, struct err *err);

#endif
