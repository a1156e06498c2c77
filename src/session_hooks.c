#include "config.h"

#include <string.h>

#include "profile/runtime.h"
#include "session_state.h"
#include "stack/uprobe_slot.h"

void session_rule_changed(void *context, uint64_t key, const struct unwind_rule *rule)
{
	struct session *session = context;

	if (session->rule_map)
		rule_map_put(session->rule_map, key, rule);
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

		session->asked = xreallocarray(session->asked, count, sizeof(*session->asked));
		memset(session->asked + session->asked_count, 0,
		       (count - session->asked_count) * sizeof(*session->asked));
		session->asked_count = count;
	}
	if (session->asked[module->number])
		return;
	session->asked[module->number] = address;
	if (session->wants_heap) {
		session->allocator_questions++;
		client_ask_allocators(session->client, module);
	}
	client_ask_rule(session->client, module, offset, address, true);
}

void session_new_stack(void *context, struct stack *stack)
{
	struct session *session = context;

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		uint64_t offset;
		struct module *module =
		    address_space_locate_frame(session->space, stack->frames[i], &offset);

		stack->symbols[i] = client_symbol(session->client, module, offset);
	}
}

static void on_need_rule(void *context, uint64_t address, bool ahead)
{
	struct session *session = context;
	uint64_t offset;
	struct module *module = address_space_locate(session->space, address, &offset);

	if (module_is_uprobes(module)) {
		struct unwind_rule rule = uprobe_slot_rule(offset);

		rule.tag = address_space_tag(session->space, address);
		unwinder_rule(session->unwinder, address, &rule);
		return;
	}
	client_ask_rule(session->client, module, offset, address, ahead);
}

static bool is_code(void *context, uint64_t address)
{
	return address_space_is_code(((struct session *)context)->space, address);
}

/* Walks come to the callers of a stack again and again; the innermost address of a sample is any of
 * its function. */
void session_use_rules(struct session *session, const uint64_t *frames, size_t count,
		       bool is_sample)
{
	for (size_t i = 0; i < count; i++)
		rule_table_use(session->rules, frame_address(frames[i]), i > 0 || !is_sample);
}

static void learn_from(struct session *session, struct unwind_tag tag, const struct stack *stack)
{
	uint32_t user = 0;

	while (user < stack->frame_count && stack->frames[user] >> 63)
		user++;
	session_use_rules(session, stack->frames + user, stack->frame_count - user,
			  tag.source != UNWIND_HEAP);
	if (tag.source == UNWIND_CPU && user < stack->frame_count)
		unwinder_learn_around(session->unwinder, frame_address(stack->frames[user]));
}

void session_ask_again(struct session *session, const struct stack *stack)
{
	for (uint32_t i = 0; i < stack->frame_count; i++)
		client_ask_again(session->client, stack->symbols[i]);
}

static void on_unwound(void *context, struct unwind_tag tag, struct stack *stack)
{
	struct session *session = context;

	if (stack) {
		learn_from(session, tag, stack);
		session_ask_again(session, stack);
	}
	if (tag.source == UNWIND_CPU)
		cpu_profile_add(session->cpu_profile, stack, tag.thread, tag.id);
	else if (tag.source == UNWIND_CHECK)
		session_check(session, tag.id, stack);
	else if (tag.source == UNWIND_GROWTH)
		session_growth_unwound(session, tag.id, stack);
	else if (tag.source == UNWIND_MAPPING)
		session_mappings_unwound(session, tag.id, stack);
	else if (stack)
		heap_profile_set_stack(session->heap_profile, tag.id, stack);
}

/* The rule that opened the module is of no stack. */
static void count_rule(const struct session *session, struct module *module, uint64_t address,
		       const struct unwind_rule *rule)
{
	if (module->number < session->asked_count && session->asked[module->number] == address)
		return;
	if (rule->kind == RULE_UNKNOWN)
		module->rules.unknown++;
	else if (module->kind == MODULE_PERF_MAP)
		module->rules.frame_pointers++;
	else if (rule->guess)
		module->rules.code++;
	else
		module->rules.cfi++;
}

/* What was asked of one file may come when another is there already: it is asked of that, then. */
static void on_rule(void *context, uint64_t address, const struct module *asked,
		    uint64_t asked_offset, const struct unwind_rule *rule)
{
	struct session *session = context;
	struct unwind_rule own;
	uint64_t offset;
	struct module *module = address_space_locate(session->space, address, &offset);

	if (module != asked || offset != asked_offset) {
		on_need_rule(session, address, false);
		return;
	}
	if (!rule) {
		unwinder_no_rule(session->unwinder, address);
		return;
	}
	own = *rule;
	own.tag = address_space_tag(session->space, address);
	count_rule(session, module, address, &own);
	unwinder_rule(session->unwinder, address, &own);
}

/* The C library and the language's runtime are not the user's to read: their functions' names do.
 */
static bool wants_lines(void *context, const struct module *module)
{
	(void)context;
	return !runtime_frame(NULL, module->name);
}

void session_drain_cpu(struct session *session)
{
	uint64_t changes = session->mapping_watch ? mapping_watch_changes(session->mapping_watch) : 0;

	if (!session->cpu)
		return;
	session->drains_cpu = true;
	cpu_source_drain(session->cpu);
	session->drains_cpu = false;
	if (session->mapping_watch && !address_space_is_stale(session->space))
		mapping_watch_set_known(session->mapping_watch, changes);
}

/*
 * The ring buffers are read at once, perf's rings when there is enough in them. Where something has
 * been mapped meanwhile, the addresses of a stack may be there.
 */
void session_learn_mappings(struct session *session)
{
	bool waits;

	/* They are being taken in, in their order. */
	if (session->drains_cpu)
		return;
	waits = session->cpu && cpu_source_mapping_waits(session->cpu);
	if (session->mapping_watch && !waits)
		waits = mapping_watch_changes(session->mapping_watch) !=
			mapping_watch_known(session->mapping_watch);
	if (waits)
		session_drain_cpu(session);
}

static void on_heap_stack(void *context, const struct stack_record *record)
{
	struct session *session = context;
	struct stack *stack;

	session_learn_mappings(session);
	stack = stack_table_intern(session->stacks, record->frames, record->frame_count,
				   (enum stack_state)record->state);
	session_use_rules(session, record->frames, record->frame_count, false);
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
	    .in_bulk = true,
	};

	session_learn_mappings(session);
	/* Learnt in any case: where the copy does not reach so far, the kernel's walk does. */
	unwinder_want(session->unwinder, header->missing);
	unwinder_submit(session->unwinder, &copy,
			(struct unwind_tag){.source = UNWIND_HEAP, .id = header->stack_id});
}

static void on_mapped(void *context, const struct perf_mmap *mmap)
{
	address_space_mapped(((struct session *)context)->space, mmap);
}

static void on_lost(void *context)
{
	address_space_stale(((struct session *)context)->space);
}

static void on_executed(void *context)
{
	struct session *session = context;

	session->executed = true;
	address_space_executed(session->space);
}

static void on_thread_ended(void *context, uint32_t tid)
{
	struct session *session = context;

	if (session->heap)
		heap_source_forget_thread(session->heap, tid);
	if (session->counts)
		stack_counts_forget_thread(session->counts, tid);
}

struct heap_hooks session_heap_hooks(struct session *session)
{
	return (struct heap_hooks){
	    .stack = on_heap_stack, .copy = on_heap_copy, .context = session};
}

struct cpu_hooks session_cpu_hooks(struct session *session)
{
	return (struct cpu_hooks){
	    .sample = session_on_sample,
	    .mapped = on_mapped,
	    .lost = on_lost,
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
				     .allocators = session_on_allocators,
				     .wants_lines = wants_lines,
				     .context = session,
				     .pid = session->target->pid};
}
