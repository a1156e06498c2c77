/* --doctor: what will work here, what will not, why, and what to do about it. */
#ifndef RSP_DOCTOR_H
#define RSP_DOCTOR_H

#include <stdio.h>

#include "err.h"

/*
 * Tries what can be tried without touching anybody (programs are loaded and not attached) and prints
 * a line for each fact and each ability; with `pid`, not 0, also for that process.
 *
 * 0 when all works; else -errno, with the first thing that does not in `err`: EXIT_NOT_PERMITTED,
 * EXIT_KERNEL_LACKS, EXIT_NO_PROCESS, EXIT_FAILED.
 */
int doctor_print(FILE *to, int pid, struct err *err);

#endif
