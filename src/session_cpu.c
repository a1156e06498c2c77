#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session_state.h"
#include "stack/walk.h"

/*
 * What the program says of a sample and the sample itself are of one interrupt; the kernel reads the clock for
 * both, for the sample before or after the program, depending on its version.
 */
enum { SAID_TO_SAMPLE_NS = 300000 };

/* Differences that are printed in full. */
enum { DIFFERENCES_MAX = 5 };

/* --- samples that the kernel has counted ------------------------------------------------------ */

static void on_stack(void *context, const struct stack_record *record)
{
	struct session *session = context;
	uint64_t frames[WALK_FRAMES_MAX];

	session_learn_mappings(session);
	memcpy(frames, record->kernel, record->kernel_count * sizeof(*frames));
	memcpy(frames + record->kernel_count, record->frames,
	       record->frame_count * sizeof(*frames));
	(void)stack_table_intern(session->stacks, frames,
				 (size_t)record->kernel_count + record->frame_count,
				 (enum stack_state)record->state);
	session_use_rules(session, record->frames, record->frame_count, true);
}

static bool take_samples(void *context, const struct stack_key *key, uint64_t samples)
{
	struct session *session = context;
	struct stack *stack = stack_table_find(session->stacks, key->stack_id);

	if (!stack)
		return false;
	cpu_profile_add(session->cpu_profile, stack, (uint32_t)key->thread, samples);
	session_judge_samples(session, stack, samples);
	session_ask_again(session, stack);
	return true;
}

void session_take_counts(struct session *session)
{
	if (session->counts)
		stack_counts_read(session->counts, take_samples, session);
}

/* --- samples that were copied ----------------------------------------------------------------- */

static void on_returns(void *context, const struct returns_record *record)
{
	struct session *session = context;
	struct returns_record *kept = &session->returns[session->next_returns++ % SESSION_RETURNS];

	memcpy(kept, record,
	       offsetof(struct returns_record, returns) + record->count * sizeof(record->returns[0]));
}

/* What the kernel has said of a sample's stack: by the same interrupt, microseconds before it. */
static const struct returns_record *find_returns(const struct session *session,
						 const struct perf_record *record)
{
	for (size_t i = 0; i < SESSION_RETURNS && i < session->next_returns; i++) {
		const struct returns_record *said =
		    &session->returns[(session->next_returns - 1 - i) % SESSION_RETURNS];

		if (said->tid != record->tid || said->time_ns > record->time_ns + SAID_TO_SAMPLE_NS)
			continue;
		if (record->time_ns > said->time_ns + SAID_TO_SAMPLE_NS)
			return NULL;
		/* That before may have said something, and this one nothing. */
		if (said->sample_rip == record->sample.regs[DWARF_RIP] &&
		    said->sample_rsp == record->sample.regs[DWARF_RSP])
			return said;
	}
	return NULL;
}

static void on_check(void *context, const struct check_record *record)
{
	struct session *session = context;

	if (session->check)
		session->check->records[session->check->next++ % SESSION_CHECKS] = *record;
}

/* What the kernel made of a sample, or NULL when it left it to us. */
static const struct check_record *find_check(const struct session *session,
					     const struct perf_record *record)
{
	const struct unwind_check *check = session->check;

	for (size_t i = 0; check && i < SESSION_CHECKS && i < check->next; i++) {
		const struct check_record *said =
		    &check->records[(check->next - 1 - i) % SESSION_CHECKS];

		if (said->tid != record->tid || said->time_ns > record->time_ns + SAID_TO_SAMPLE_NS)
			continue;
		if (record->time_ns > said->time_ns + SAID_TO_SAMPLE_NS)
			return NULL;
		/* Two samples may be as near to each other. */
		if (said->sample_rip == record->sample.regs[DWARF_RIP] &&
		    said->sample_rsp == record->sample.regs[DWARF_RSP])
			return said;
	}
	return NULL;
}

static void print_stack(const char *title, const struct stack *stack)
{
	(void)fprintf(stderr, "%s:", title);
	if (!stack)
		(void)fprintf(stderr, " not known");
	for (uint32_t i = 0; stack && i < stack->frame_count; i++)
		(void)fprintf(stderr, " %" PRIx64, stack->frames[i]);
	(void)fprintf(stderr, stack ? ", state %d\n" : "\n", stack ? (int)stack->state : 0);
}

/* The index of the first frame from `index` on that is of the user's code. */
static uint32_t next_user_frame(const struct stack *stack, uint32_t index)
{
	while (index < stack->frame_count && stack->frames[index] >> 63)
		index++;
	return index;
}

/* Frames of the kernel's are its own: in an interrupt within an interrupt it tells its programs others than it
 * writes into the ring. */
static bool same_user_frames(const struct stack *one, const struct stack *other)
{
	uint32_t i = next_user_frame(one, 0), j = next_user_frame(other, 0);

	while (i < one->frame_count && j < other->frame_count && one->frames[i] == other->frames[j]) {
		i = next_user_frame(one, i + 1);
		j = next_user_frame(other, j + 1);
	}
	return i == one->frame_count && j == other->frame_count && one->state == other->state;
}

void session_check(struct session *session, uint64_t kernel_id, const struct stack *stack)
{
	const struct stack *walked;

	if (stack && stack->id == kernel_id) {
		session->check->equal++;
		return;
	}
	walked = stack_table_find(session->stacks, kernel_id);
	if (stack && walked && same_user_frames(stack, walked)) {
		session->check->equal++;
		return;
	}
	/* The kernel sees all of the stack, a copy only its first part. */
	if (stack && stack->state == STACK_TRUNCATED && stack->frame_count < STACK_FRAMES_MAX)
		return;
	if (session->check->different++ < DIFFERENCES_MAX) {
		print_stack("unwound differently in the kernel", walked);
		print_stack("and from a copy", stack);
	}
}

void session_put_back_returns(const struct session *session, const struct perf_record *record,
			      struct stack_copy *copy)
{
	copy->returns = find_returns(session, record);
}

static void take_sample(struct session *session, const struct perf_record *record)
{
	const struct perf_sample *sample = &record->sample;
	uint64_t kernel[STACK_KERNEL_MAX - 1];
	size_t kernel_count = 0;
	const struct check_record *said = find_check(session, record);
	struct unwind_tag tag = {.source = said ? UNWIND_CHECK : UNWIND_CPU,
				 .thread = session->group == GROUP_THREAD ? record->tid : 0,
				 .id = said ? said->stack_id : session_sample_weight(session)};
	struct stack_copy copy = {
	    .regs = sample->regs,
	    .stack = sample->stack,
	    .stack_size = sample->stack_bytes,
	    .kernel = kernel,
	};

	session->perf_samples++;
	session->copied_bytes += sample->stack_bytes;
	while (kernel_count < sample->kernel_count && kernel_count < STACK_KERNEL_MAX - 1) {
		kernel[kernel_count] = sample->kernel_chain[kernel_count] - (kernel_count ? 1 : 0);
		kernel_count++;
	}
	if (sample->regs_abi == PERF_SAMPLE_REGS_ABI_NONE) {
		/* A thread that is ending has no user registers any more. */
		cpu_profile_add(
		    session->cpu_profile,
		    stack_table_intern(session->stacks, kernel, kernel_count, STACK_BROKEN),
		    tag.thread, session_sample_weight(session));
		return;
	}
	if (!said)
		session->samples_copied++;
	session_put_back_returns(session, record, &copy);
	copy.kernel_count = kernel_count;
	unwinder_submit(session->unwinder, &copy, tag);
}

/* What the kernel says of a sample is in the ring buffer before the sample is in perf's ring: so it is
 * there to be read, even of samples that came while the rings are read. */
void session_on_sample(void *context, const struct perf_record *record)
{
	struct session *session = context;

	if (session->counts)
		stack_counts_drain(session->counts);
	take_sample(session, record);
}

struct counts_hooks session_counts_hooks(struct session *session)
{
	return (struct counts_hooks){
	    .stack = on_stack, .returns = on_returns, .check = on_check, .context = session};
}
