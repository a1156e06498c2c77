/*
 * One run: owns target, sources, stacks, names and profile, and is the only place that knows in
 * which order they start and stop. Data flows collect -> stack -> profile; a refresh takes a snapshot.
 */
#ifndef RSP_SESSION_H
#define RSP_SESSION_H

#include <stdbool.h>

#include "err.h"
#include "loop.h"
#include "options.h"
#include "profile/snapshot.h"

struct session;
struct target;

/*
 * Attaches to the target, or starts the command, and puts its descriptors into the loop. What is
 * not permitted or not possible is left out with its reason in the snapshot, unless the options ask
 * for it by name or nothing would be left. 0, or -errno with one line in `err`.
 */
int session_open(struct session **ret_session, const struct options *options, struct loop *loop, struct err *err);

/*
 * Asks whether a process that keeps secrets is meant, on the terminal unless in batch mode. 0, or -errno
 * with one line.
 */
int session_confirm(const struct target *target, const struct options *options, struct err *err);

/* Detaches without a trace. NULL is allowed. */
void session_close(struct session *session);

/*
 * To be called in each turn of the loop, after the callbacks. 0, or -errno with one line when what the
 * options ask for by name is not possible, or the target has become a program that the user may not look
 * into.
 */
int session_turn(struct session *session, struct err *err);

/* Reads names for at most so long, for output that cannot be corrected later. */
void session_settle(struct session *session, int timeout_ms);

/* The state of now, owned by the caller. */
struct snapshot *session_snapshot(struct session *session, const struct snapshot_request *request);

/*
 * A pause of the display begins with the latest snapshot, and ends. Meanwhile session_complete() makes of it what
 * `wanted` asks for, of the moment in which the pause began, which may have some samples more than the rest.
 * True: it is another one now. Threads and the stacks of sites it has from the beginning.
 */
void session_pause(struct session *session, struct snapshot *snapshot);
void session_resume(struct session *session);
bool session_complete(struct session *session, struct snapshot *snapshot, const struct snapshot_request *wanted);

/* What the next snapshots have beside functions. */
void session_set_group(struct session *session, enum snapshot_group group);

/*
 * Counts from now on, and takes that back, once; makes what is there now the baseline, and forgets
 * it. What has been counted since attachment stays.
 */
enum session_mark { SESSION_RESET, SESSION_UNDO_RESET, SESSION_BASELINE, SESSION_NO_BASELINE };
void session_set_mark(struct session *session, enum session_mark mark);

/* Samples the heap in smaller steps of bytes (finer) or larger ones, as a person wants it. */
void session_step_sampling(struct session *session, bool finer);

/* Switches the budget for what we cost the target off, or on again, as a person wants it. */
void session_switch_budget(struct session *session);

/* The target has exited and all that it left has been read. */
bool session_ended(const struct session *session);

#endif
