/*
 * The session's part that follows page faults: from the rings through the unwinder into the growth
 * profile, which is asked to book them when the kind of their memory is known.
 */
#ifndef RSP_SESSION_GROWTH_H
#define RSP_SESSION_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "stack/stack_table.h"

struct session;

/* Starts, or writes into the session's growth_off why not. Before CPU sampling, see growth_source.c, unless the
 * heap's probes may make it unnecessary, which as an ordinary user it has not. */
void session_growth_open(struct session *session);
void session_growth_close(struct session *session);

/* To be called when the program that counts CPU samples has been loaded: from then on a page fault within a
 * call whose return is probed has all of its stack. */
void session_growth_use_program(struct session *session);

/* Reads the rings, unless that was a moment ago; `now`: in any case, as nothing comes any more. */
void session_growth_drain(struct session *session, bool now);

/* The unwinder has come to an end with the sample of this id. */
void session_growth_unwound(struct session *session, uint64_t id, struct stack *stack);

/* So many bytes were mapped by a call with this stack; NULL: not known. */
void session_growth_mapped(struct session *session, struct stack *stack, uint64_t bytes);

/* All stacks that are held, with the bytes that were touched by them. */
void session_growth_each_stack(struct session *session, stack_fn use, void *context);

/* Keeps only the stacks that count most; what the others came to stays in the sums of the sites. */
void session_growth_fold(struct session *session);

/* The target has executed another program. */
void session_growth_start_anew(struct session *session);

/* What the rings carried; only while it is on. */
struct snapshot_channel session_growth_channel(const struct session *session);

void session_growth_fill(struct session *session, struct snapshot *snapshot);
/* Once for a snapshot, after that. */
void session_growth_add_stacks(struct session *session, struct snapshot *snapshot);

#endif
