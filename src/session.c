#include "config.h"

#include "session.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/allocators.h"
#include "profile/runtime.h"
#include "session_state.h"
#include "stack/uprobe_slot.h"
#include "stack/walk.h"
#include "target/launch.h"

/* Probes wait so long for the worker to find the allocators before the sampler starts. */
enum { ALLOCATOR_WAIT_MS = 3000 };

/* The two are taken in one interrupt; the kernel reads the clock for both. */
enum { CALL_TO_SAMPLE_NS = 100000 };

enum unwind_source { UNWIND_CPU, UNWIND_HEAP };

double session_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- hooks: from one stage to the next -------------------------------------------------------- */

static void on_rule_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	struct session *session = context;

	if (session->heap)
		heap_source_rule(session->heap, address, rule);
}

/* Rules belong to their mapping. */
static void on_mapping_changed(void *context, uint64_t start, uint64_t end)
{
	rule_table_remove(((struct session *)context)->rules, start, end);
}

/*
 * Asks each module once where it has allocator functions, and for a rule of it: with that the
 * worker opens its CFI, which is better done now than when the first stacks wait for it.
 */
static void on_module(void *context, struct module *module, uint64_t offset, uint64_t address)
{
	struct session *session = context;

	if (module->number >= session->asked_count) {
		size_t count = module->number + (size_t)1;

		session->asked = xreallocarray(session->asked, count, sizeof(bool));
		memset(session->asked + session->asked_count, 0, count - session->asked_count);
		session->asked_count = count;
	}
	if (session->asked[module->number])
		return;
	session->asked[module->number] = true;
	if (session->heap) {
		session->allocator_questions++;
		client_ask_allocators(session->client, module);
	}
	client_ask_rule(session->client, module, offset, address);
}

static void on_new_stack(void *context, struct stack *stack)
{
	struct session *session = context;

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		uint64_t offset;
		struct module *module =
		    address_space_locate(session->space, stack->frames[i], &offset);

		stack->symbols[i] = client_symbol(session->client, module, offset);
	}
}

static void on_need_rule(void *context, uint64_t address)
{
	struct session *session = context;
	uint64_t offset;
	struct module *module = address_space_locate(session->space, address, &offset);

	if (module_is_uprobes(module)) {
		const struct unwind_rule rule = uprobe_slot_rule(offset);

		unwinder_rule(session->unwinder, address, &rule);
		return;
	}
	client_ask_rule(session->client, module, offset, address);
}

static bool is_code(void *context, uint64_t address)
{
	return address_space_is_code(((struct session *)context)->space, address);
}

static void on_unwound(void *context, struct unwind_tag tag, struct stack *stack)
{
	struct session *session = context;

	if (tag.source == UNWIND_CPU)
		cpu_profile_add(session->cpu_profile, stack);
	else if (stack)
		heap_profile_set_stack(session->heap_profile, tag.id, stack);
}

static void on_rule(void *context, uint64_t address, const struct unwind_rule *rule)
{
	struct session *session = context;

	unwinder_rule(session->unwinder, address, rule);
}

/* The C library and the language's runtime are not the user's to read: their functions' names do.
 */
static bool wants_lines(void *context, const struct module *module)
{
	(void)context;
	return !runtime_frame(NULL, module->name);
}

/* "glibc", or what the library is called: "libjemalloc.so.2" is "jemalloc". */
static const char *allocator_name(struct session *session, const struct module *module)
{
	char name[64];
	const char *base = module->name;

	if (strncmp(base, "libc.so", 7) == 0 || strncmp(base, "libc-", 5) == 0 ||
	    (session->target->exe && strcmp(session->target->exe, module->path) == 0))
		return allocator_functions[0].allocator;
	if (strncmp(base, "lib", 3) == 0)
		base += 3;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, ".-"), base);
	return client_intern(session->client, name);
}

static void on_allocators(void *context, struct module *module, const struct reply_allocator *found,
			  size_t count)
{
	struct session *session = context;
	struct heap_function functions[PROTOCOL_ALLOCATOR_MAX];
	struct snapshot_allocator *allocator;
	size_t used = 0;
	bool allocates = false, frees = false;
	char path[64];

	session->allocator_questions--;
	for (size_t i = 0; i < count && used < PROTOCOL_ALLOCATOR_MAX; i++) {
		bool twice = false;

		if (found[i].function >= allocator_function_count)
			continue;
		/* Several names of one function (aligned_alloc and memalign): one probe. */
		for (size_t j = 0; j < used; j++)
			twice = twice || functions[j].offset == found[i].offset;
		if (twice)
			continue;
		functions[used].offset = found[i].offset;
		functions[used].call = (enum heap_call)allocator_functions[found[i].function].kind;
		allocates = allocates || functions[used].call == HEAP_CALL_MALLOC;
		frees = frees || functions[used].call == HEAP_CALL_FREE;
		used++;
	}
	/* Who only wraps a function has it booked below. The loader's own small allocator serves
	 * only itself, and hands over to the C library. */
	if (!allocates || !frees || !session->heap || strncmp(module->name, "ld-", 3) == 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", module->fd);
	if (heap_source_attach(session->heap, path, functions, used, &session->heap_off))
		return;
	session->allocators = xreallocarray(session->allocators, session->allocator_count + 1,
					    sizeof(*session->allocators));
	allocator = &session->allocators[session->allocator_count++];
	allocator->name = allocator_name(session, module);
	allocator->module = module->name;
	allocator->probes = (unsigned)used;
}

static void on_heap_stack(void *context, const struct stack_record *record)
{
	struct session *session = context;
	struct stack *stack = stack_table_intern(
	    session->stacks, record->frames, record->frame_count, (enum stack_state)record->state);

	if (!stack)
		return;
	heap_profile_set_stack(session->heap_profile, record->stack_id, stack);
	heap_source_acknowledge(session->heap, record->stack_id);
}

static void on_heap_copy(void *context, const struct copy_header *header, const uint8_t *stack)
{
	struct session *session = context;
	const struct stack_copy copy = {
	    .regs = header->regs,
	    .is_return = true,
	    .stack = stack,
	    .stack_size = header->stack_size,
	};

	/* Learnt in any case: where the copy does not reach so far, the kernel's walk does. */
	unwinder_want(session->unwinder, header->missing);
	unwinder_submit(session->unwinder, &copy,
			(struct unwind_tag){UNWIND_HEAP, header->stack_id});
}

static void on_call(void *context, const struct call_record *record)
{
	struct session *session = context;

	session->calls[session->next_call++ % SESSION_CALLS] = *record;
}

/* The call that was in flight at a sample: noted by the same interrupt, microseconds before it. */
static const struct call_record *find_call(const struct session *session,
					   const struct perf_record *record)
{
	for (size_t i = 0; i < SESSION_CALLS && i < session->next_call; i++) {
		const struct call_record *call =
		    &session->calls[(session->next_call - 1 - i) % SESSION_CALLS];

		if (call->tid != record->tid || call->time_ns > record->time_ns + CALL_TO_SAMPLE_NS)
			continue;
		return record->time_ns > call->time_ns + CALL_TO_SAMPLE_NS ? NULL : call;
	}
	return NULL;
}

static bool in_trampoline(struct session *session, uint64_t address)
{
	uint64_t offset;
	const struct module *module = address_space_locate(session->space, address, &offset);

	return module_is_uprobes(module) && uprobe_slot_is_trampoline(offset);
}

static void on_sample(void *context, const struct perf_record *record)
{
	struct session *session = context;
	const struct perf_sample *sample = &record->sample;
	uint64_t kernel[WALK_KERNEL_MAX];
	size_t kernel_count = 0;
	const struct call_record *call;
	struct stack_copy copy = {
	    .regs = sample->regs,
	    .stack = sample->stack,
	    .stack_size = sample->stack_bytes,
	    .kernel = kernel,
	};

	while (kernel_count < sample->kernel_count && kernel_count < WALK_KERNEL_MAX) {
		kernel[kernel_count] = sample->kernel_chain[kernel_count] - (kernel_count ? 1 : 0);
		kernel_count++;
	}
	if (sample->regs_abi == PERF_SAMPLE_REGS_ABI_NONE) {
		/* A thread that is ending has no user registers any more. */
		cpu_profile_add(
		    session->cpu_profile,
		    stack_table_intern(session->stacks, kernel, kernel_count, STACK_BROKEN));
		return;
	}
	session->samples_copied++;
	call = find_call(session, record);
	if (call) {
		copy.in_trampoline = in_trampoline(session, sample->regs[DWARF_RIP]);
		if (copy.in_trampoline || !call->returned)
			copy.displaced =
			    (struct displaced_return){call->slot, call->return_address};
	}
	copy.kernel_count = kernel_count;
	unwinder_submit(session->unwinder, &copy, (struct unwind_tag){.source = UNWIND_CPU});
}

static void on_mappings_changed(void *context)
{
	address_space_changed(((struct session *)context)->space);
}

static void on_executed(void *context)
{
	((struct session *)context)->executed = true;
}

static void on_thread_ended(void *context, uint32_t tid)
{
	struct session *session = context;

	if (session->heap)
		heap_source_forget_thread(session->heap, tid);
}

/* --- events of the loop ----------------------------------------------------------------------- */

/* The heap's ring first: it has the calls in flight of the samples in the other. */
static void on_cpu_readable(void *context)
{
	session_drain(context);
}

static void on_heap_readable(void *context)
{
	heap_source_drain(((struct session *)context)->heap);
}

static void on_worker_readable(void *context)
{
	client_read(((struct session *)context)->client);
}

static void on_target_exit(void *context)
{
	struct session *session = context;

	loop_remove(session->loop, session->target->pidfd);
	target_reap(session->target);
}

/* The worker may have been replaced, with a new socket. */
static void watch_worker(struct session *session)
{
	int fd = client_fd(session->client);

	if (fd == session->client_fd)
		return;
	if (session->client_fd >= 0)
		loop_remove(session->loop, session->client_fd);
	session->client_fd =
	    fd >= 0 && loop_add(session->loop, fd, on_worker_readable, session) == 0 ? fd : -1;
}

/* --- start and stop --------------------------------------------------------------------------- */

static int open_target(struct session *session, struct err *err)
{
	const struct options *options = session->options;
	pid_t pid = options->pid;
	int code = 0;

	if (options->command) {
		code = launch_start(&pid, options->command, !options->batch, err);
		if (code)
			return code;
		session->held = true;
	}
	code = target_open(&session->target, pid, err);
	if (!code)
		session->target->child = options->command != NULL;
	return code;
}

static void open_heap(struct session *session)
{
	const struct heap_hooks hooks = {
	    .stack = on_heap_stack, .copy = on_heap_copy, .call = on_call, .context = session};

	session->heap_off = (struct err){0};
	if (session->options->heap == HEAP_OFF) {
		(void)err_set(&session->heap_off, 0, EXIT_DONE, "switched off (--heap off)");
		return;
	}
	if (heap_source_open(&session->heap, session->target->pid, session->options->link, &hooks,
			     &session->heap_off))
		return;
	if (loop_add(session->loop, heap_source_fd(session->heap), on_heap_readable, session)) {
		heap_source_close(session->heap);
		session->heap = NULL;
		(void)err_set(&session->heap_off, EIO, EXIT_FAILED,
			      "cannot wait for the heap's ring buffer");
		return;
	}
	rule_table_replay(session->rules);
}

static void close_heap(struct session *session)
{
	if (!session->heap)
		return;
	loop_remove(session->loop, heap_source_fd(session->heap));
	heap_source_close(session->heap);
	session->heap = NULL;
}

static void open_cpu(struct session *session)
{
	const struct cpu_hooks hooks = {
	    .sample = on_sample,
	    .mapped = on_mappings_changed,
	    .executed = on_executed,
	    .thread_ended = on_thread_ended,
	    .context = session,
	};
	struct cpu_facts facts;

	if (cpu_source_open(&session->cpu, session->target->pid, session->options->frequency_hz,
			    session->heap ? heap_source_sample_program(session->heap) : -1, &hooks,
			    &session->cpu_off))
		return;
	/* A ring's event is hung up for good once its first thread has ended, while others go on.
	 */
	for (size_t i = 0; i < cpu_source_fd_count(session->cpu); i++)
		(void)loop_add_edge(session->loop, cpu_source_fd(session->cpu, i), on_cpu_readable,
				    session);
	facts = cpu_source_facts(session->cpu);
	if (facts.frequency_hz < session->options->frequency_hz)
		(void)err_set(&session->cpu_off, 0, EXIT_DONE,
			      "%u Hz is above the kernel's limit: sampling at %u Hz "
			      "(kernel.perf_event_max_sample_rate)",
			      session->options->frequency_hz, facts.frequency_hz);
	else if (!facts.kernel)
		(void)err_set(&session->cpu_off, 0, EXIT_DONE,
			      "user code only: kernel time needs CAP_PERFMON or "
			      "kernel.perf_event_paranoid below 2");
}

/* Reads what the worker answers until all allocators are found, or the time is over. */
static void wait_for_allocators(struct session *session)
{
	double end = session_now_s() + ALLOCATOR_WAIT_MS * 1e-3;

	client_flush(session->client);
	while (session->allocator_questions && session_now_s() < end &&
	       client_fd(session->client) >= 0) {
		struct pollfd ready = {.fd = client_fd(session->client), .events = POLLIN};

		if (poll(&ready, 1, 50) > 0)
			client_read(session->client);
	}
}

static void make_stages(struct session *session)
{
	const struct unwinder_hooks hooks = {
	    .need_rule = on_need_rule, .is_code = is_code, .done = on_unwound, .context = session};
	const struct address_space_hooks space_hooks = {
	    .changed = on_mapping_changed, .mapped = on_module, .context = session};

	session->space = address_space_new(session->target->pid, &space_hooks);
	session->rules = rule_table_new(on_rule_changed, session);
	session->stacks = stack_table_new(on_new_stack, session);
	session->unwinder = unwinder_new(session->rules, session->stacks, &hooks);
	session->cpu_profile = cpu_profile_new();
	session->heap_profile = heap_profile_new();
}

/* What the options ask for by name must work; at least one source must. */
static int check_sources(const struct session *session, struct err *err)
{
	bool insists =
	    session->options->heap == HEAP_EXACT || session->options->heap == HEAP_SAMPLED;

	if (insists && !session->heap) {
		*err = session->heap_off;
		return -EIO;
	}
	if (!session->cpu && !session->heap) {
		*err = session->cpu_off;
		return -EIO;
	}
	return 0;
}

/* Probes first and the sampler last, so that the profile does not show the attaching. */
static int attach(struct session *session, struct err *err)
{
	const struct client_hooks hooks = {.rule = on_rule,
					   .allocators = on_allocators,
					   .wants_lines = wants_lines,
					   .context = session};
	int code = client_new(&session->client, &hooks, err);

	if (code)
		return code;
	make_stages(session);
	open_heap(session);
	code = address_space_read(session->space, err);
	if (code)
		return code;
	wait_for_allocators(session);
	open_cpu(session);
	code = check_sources(session, err);
	if (code)
		return code;
	if (session->held) {
		session->held = false;
		code = launch_release(session->target->pid, err);
		if (code)
			return code;
	}
	session->start_s = session->refresh_s = session_now_s();
	session->refresh_cpu_ns = session->target->cpu_ns;
	session->target_cpu_pct = NAN;
	meter_init(&session->meter, client_worker_pid(session->client));
	if (session->cpu)
		cpu_source_start(session->cpu);
	code = loop_add(session->loop, session->target->pidfd, on_target_exit, session);
	if (code)
		return err_set(err, -code, EXIT_FAILED, "cannot watch the target: %s",
			       strerror(-code));
	watch_worker(session);
	if (session->options->heap == HEAP_SAMPLED && session->heap)
		session->notice = "sampling the heap by bytes is not available in this version: "
				  "every allocation is booked";
	return 0;
}

int session_open(struct session **ret_session, const struct options *options, struct loop *loop,
		 struct err *err)
{
	struct session *session = xcalloc(1, sizeof(*session));
	int code;

	session->options = options;
	session->loop = loop;
	session->client_fd = -1;
	code = open_target(session, err);
	if (!code)
		code = attach(session, err);
	if (code) {
		session_close(session);
		return code;
	}
	*ret_session = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->client_fd >= 0)
		loop_remove(session->loop, session->client_fd);
	close_heap(session);
	cpu_source_close(session->cpu);
	cpu_profile_free(session->cpu_profile);
	heap_profile_free(session->heap_profile);
	unwinder_free(session->unwinder);
	stack_table_free(session->stacks);
	rule_table_free(session->rules);
	client_free(session->client);
	address_space_free(session->space);
	target_close(session->target);
	free(session->asked);
	free(session->allocators);
	free(session);
}

/*
 * exec gave the process another program. Its probes stay, and its books have already been begun
 * anew by the kernel; here the rest follows. Whichever tells first, perf or the heap, both come
 * here.
 */
static void start_anew(struct session *session)
{
	session->notice = "the target has executed another program: figures start anew";
	rule_table_remove(session->rules, 0, UINT64_MAX);
	if (session->heap && heap_source_executed(session->heap)) {
		heap_source_start_anew(session->heap);
		heap_profile_reset(session->heap_profile);
	}
	if (session->executed) {
		session->executed = false;
		cpu_profile_reset(session->cpu_profile);
		session->samples_copied = 0;
	}
	target_refresh(session->target);
	(void)address_space_read(session->space, NULL);
}

static void check_executed(struct session *session)
{
	if (session->executed || (session->heap && heap_source_executed(session->heap)))
		start_anew(session);
}

void session_turn(struct session *session)
{
	check_executed(session);
	client_flush(session->client);
	watch_worker(session);
}

void session_drain(struct session *session)
{
	if (session->heap)
		heap_source_drain(session->heap);
	if (session->cpu)
		cpu_source_drain(session->cpu);
	check_executed(session);
	client_flush(session->client);
}

void session_settle(struct session *session, int timeout_ms)
{
	double end = session_now_s() + timeout_ms * 1e-3;

	session_drain(session);
	while (client_outstanding(session->client) && session_now_s() < end &&
	       client_fd(session->client) >= 0) {
		struct pollfd ready = {.fd = client_fd(session->client), .events = POLLIN};

		if (poll(&ready, 1, 20) > 0)
			client_read(session->client);
		session_drain(session);
	}
	watch_worker(session);
}

bool session_ended(const struct session *session)
{
	return session->target->exited;
}
