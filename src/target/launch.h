/*
 * Starts a command and holds it before its first instruction that could allocate, so that it is
 * seen from the beginning. Tracing is used only until then: the command runs untraced afterwards.
 */
#ifndef RSP_TARGET_LAUNCH_H
#define RSP_TARGET_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/*
 * Starts `argv` and stops it once the libraries it is linked with are mapped, before any of their
 * constructors has run; a static program right after exec. With `quiet` its standard streams go to
 * /dev/null, because the screen has the terminal. `environment` is the command's; NULL: as ours. It has
 * none of our capabilities but root's own, also when it executes a set-user-ID program while it is
 * traced. 0, or -errno with one line.
 */
int launch_start(pid_t *ret_pid, char *const argv[], char **environment, bool quiet,
		 struct err *err);

/* Lets it run. 0, or -errno with one line: it was killed meanwhile. */
int launch_release(pid_t pid, struct err *err);

#endif
