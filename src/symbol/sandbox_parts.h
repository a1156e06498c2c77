/* The layers of the sandbox that have files of their own. */
#ifndef RSP_SYMBOL_SANDBOX_PARTS_H
#define RSP_SYMBOL_SANDBOX_PARTS_H

#include "symbol/sandbox.h"

/*
 * Forbids opening, making and removing files, and more where the kernel's Landlock knows it. Needs
 * no_new_privs. `folder` as in sandbox_enter(). A kernel without Landlock is left as it is, which
 * is no failure. 0, or -errno.
 */
int sandbox_close_files(enum sandbox_kind kind, const char *folder);

/* Allows only the system calls of the kind. Needs no_new_privs. 0, or -errno. */
int sandbox_close_calls(enum sandbox_kind kind);

#endif
