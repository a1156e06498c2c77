#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/allocators.h"
#include "profile/runtime.h"
#include "session_state.h"
#include "stack/uprobe_slot.h"
#include "stack/walk.h"

/* The two are taken in one interrupt; the kernel reads the clock for both. */
enum { CALL_TO_SAMPLE_NS = 100000 };

enum unwind_source { UNWIND_CPU, UNWIND_HEAP };

void session_rule_changed(void *context, uint64_t address, const struct unwind_rule *rule)
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

void session_new_stack(void *context, struct stack *stack)
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

struct heap_hooks session_heap_hooks(struct session *session)
{
	return (struct heap_hooks){
	    .stack = on_heap_stack, .copy = on_heap_copy, .call = on_call, .context = session};
}

struct cpu_hooks session_cpu_hooks(struct session *session)
{
	return (struct cpu_hooks){
	    .sample = on_sample,
	    .mapped = on_mappings_changed,
	    .executed = on_executed,
	    .thread_ended = on_thread_ended,
	    .context = session,
	};
}

struct unwinder_hooks session_unwinder_hooks(struct session *session)
{
	return (struct unwinder_hooks){
	    .need_rule = on_need_rule, .is_code = is_code, .done = on_unwound, .context = session};
}

struct address_space_hooks session_space_hooks(struct session *session)
{
	return (struct address_space_hooks){
	    .changed = on_mapping_changed, .mapped = on_module, .context = session};
}

struct client_hooks session_client_hooks(struct session *session)
{
	return (struct client_hooks){.rule = on_rule,
				     .allocators = on_allocators,
				     .wants_lines = wants_lines,
				     .context = session};
}
