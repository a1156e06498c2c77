/* What program.c (refreshes, begin and end) and program_keys.c have of each other. */
#ifndef RSP_PROGRAM_PARTS_H
#define RSP_PROGRAM_PARTS_H

#include "program.h"

/* What the next refresh is to have. */
struct snapshot_request program_request(const struct program *program);

/* Takes a snapshot, and draws or prints it. */
void program_refresh(struct program *program);

/* Seconds to the first refresh, and between all others. */
void program_set_timer(struct program *program, double first_s, double interval_s);

/*
 * Signals come through the loop, so that no handler ever interrupts the drawing. The descriptor, owned by
 * the caller; or -errno with one line.
 */
int program_open_signals(struct err *err);

/* To be called by the loop, with the program, when there is something to read. */
void program_on_signal(void *context);
void program_on_keys(void *context);

#endif
