/* rsprof-top --probes: which probes would be set, and what a hit of each costs. Sets none. */
#ifndef RSP_PROBES_H
#define RSP_PROBES_H

#include <stdio.h>

#include "err.h"
#include "options.h"

/*
 * Looks for the allocators in the files of the process that the options name and prints a line for each function. Costs are
 * measured in a child of our own. 0, or -errno with one line: as target_open(), or EXIT_FAILED when
 * the output cannot be written.
 */
int probes_print(FILE *to, const struct options *options, struct err *err);

#endif
