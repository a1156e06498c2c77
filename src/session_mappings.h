/*
 * The session's part that follows mmap(), mremap() and brk(): puts the calls of all CPUs in order,
 * so that brk()'s can be told by how much they moved its end, and books each into the growth
 * profile when its stack is known. Only beside page faults, see session_growth.h.
 */
#ifndef RSP_SESSION_MAPPINGS_H
#define RSP_SESSION_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "stack/stack_table.h"

struct session;

/* Starts, or writes into the session's mappings_off why not. */
void session_mappings_open(struct session *session);
void session_mappings_close(struct session *session);

/* Reads the rings. `all`: nothing comes any more, so nothing is waited for. */
void session_mappings_drain(struct session *session, bool all);

/* The unwinder has come to an end with the call of this id. */
void session_mappings_unwound(struct session *session, uint64_t id, struct stack *stack);

/* The stacks of the calls that are not booked yet, with 0 bytes. */
void session_mappings_each_stack(struct session *session, stack_fn use, void *context);

/* The target has executed another program, and the growth profile is empty: what came since counts.
 */
void session_mappings_start_anew(struct session *session);

/* What the rings carried; only while it is on. */
struct snapshot_channel session_mappings_channel(const struct session *session);

/* After growth_profile_fill(): what is not known is made so. */
void session_mappings_fill(struct session *session, struct snapshot *snapshot);
void session_mappings_fill_stacks(const struct session *session, struct snapshot *snapshot);

#endif
