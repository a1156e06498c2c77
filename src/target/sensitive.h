/*
 * Processes that keep secrets: keys, passwords, who may log in. Their profile tells what they are
 * doing with them and when. Who may look into one is asked first whether it is meant.
 */
#ifndef RSP_TARGET_SENSITIVE_H
#define RSP_TARGET_SENSITIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"
#include "target/target.h"

/* Where an administrator may name more of them, one name a line; '#' begins a comment. */
#define SENSITIVE_FILE SYSCONFDIR "/rsprof-top/sensitive"

/*
 * The name by which the process is known for keeping secrets: that of its program, its own one, or
 * "init" of PID 1. NULL: it is not known for that. The file of the administrator counts if it is
 * root's and nobody else may write to it; else that is the error, for the list may be another one.
 * 0 or -errno with one line.
 */
int sensitive_find(const struct target *target, char *buf, size_t size, bool *ret_is_sensitive,
		   struct err *err);

/*
 * Asks on the terminal whether it is meant; `to` gets the question and `from` has the answer, both
 * NULL: there is nobody to be asked. 0: yes; else -ECANCELED or -EPERM with one line
 * (EXIT_NOT_PERMITTED).
 */
int sensitive_confirm(const struct target *target, const char *name, FILE *to, FILE *from,
		      struct err *err);

#endif
