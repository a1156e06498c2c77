/*
 * The parts of a session, for the files that make it up: session.c (start and stop),
 * session_hooks.c (from one stage to the next) and session_snapshot.c.
 */
#ifndef RSP_SESSION_STATE_H
#define RSP_SESSION_STATE_H

#include "collect/cpu_source.h"
#include "collect/heap_source.h"
#include "overhead/meter.h"
#include "profile/cpu_profile.h"
#include "profile/heap_profile.h"
#include "stack/rule_table.h"
#include "stack/stack_table.h"
#include "stack/unwinder.h"
#include "symbol/address_space.h"
#include "symbol/client.h"
#include "target/target.h"
#include "session.h"

/* Calls in flight that are remembered until their samples come: as many as there may be CPUs. */
enum { SESSION_CALLS = 256 };

struct session {
	const struct options *options;
	struct loop *loop;
	struct target *target;
	struct address_space *space;
	struct symbol_client *client;
	int client_fd;			/* as it is in the loop; -1: none */
	struct rule_table *rules;
	struct stack_table *stacks;
	struct unwinder *unwinder;
	struct cpu_profile *cpu_profile;
	struct heap_profile *heap_profile;
	struct cpu_source *cpu;		/* NULL: off, see cpu_off */
	struct heap_source *heap;	/* NULL: off, see heap_off */
	struct err cpu_off, heap_off;
	bool *asked;			/* by module number: for allocators */
	size_t asked_count;
	unsigned allocator_questions;	/* without an answer yet */
	struct snapshot_allocator *allocators;
	size_t allocator_count;
	bool executed;			/* the target has become another program */
	bool held;			/* a command of ours that has not been let go */
	struct call_record calls[SESSION_CALLS]; /* of the latest samples, a ring */
	size_t next_call;
	const char *notice;
	uint64_t samples_copied;
	struct meter meter;
	double start_s;
	double refresh_s;
	uint64_t refresh_cpu_ns;
	double target_cpu_pct;
};

/* What each stage calls when it has something for the next one; all of them are given the session. */
struct heap_hooks session_heap_hooks(struct session *session);
struct cpu_hooks session_cpu_hooks(struct session *session);
struct unwinder_hooks session_unwinder_hooks(struct session *session);
struct address_space_hooks session_space_hooks(struct session *session);
struct client_hooks session_client_hooks(struct session *session);
void session_rule_changed(void *context, uint64_t address, const struct unwind_rule *rule);
void session_new_stack(void *context, struct stack *stack);

/* Now by the monotonic clock, in seconds. */
double session_now_s(void);

/* Reads what the kernel has and sends the worker what is queued. */
void session_drain(struct session *session);

#endif
