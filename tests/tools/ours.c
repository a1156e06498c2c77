#include "config.h"

#include "ours.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "stack/rule_table.h"
#include "stack/unwinder.h"
#include "symbol/address_space.h"
#include "symbol/client.h"
#include "tracee.h"

enum {
	/* As much as collect/cpu_source.c has the kernel copy. */
	COPY_BYTES = 63488,
	ANSWER_TIMEOUT_MS = 20000,
};

struct ours {
	pid_t pid;
	struct symbol_client *client;
	struct rule_table *rules;
	struct stack_table *stacks;
	struct unwinder *unwinder;
	struct address_space *space;
	bool changed;
	bool done;
	const struct stack *result;
	uint8_t copy[COPY_BYTES];
};

static void on_rule_changed(void *context, uint64_t address, const struct unwind_rule *rule)
{
	(void)context;
	(void)address;
	(void)rule;
}

static void on_new_stack(void *context, struct stack *stack)
{
	(void)context;
	(void)stack;
}

static void on_mapping_changed(void *context, uint64_t start, uint64_t end)
{
	struct ours *ours = context;

	ours->changed = true;
	rule_table_remove(ours->rules, start, end);
}

static void on_mapped(void *context, struct module *module, uint64_t offset, uint64_t address)
{
	(void)context;
	(void)module;
	(void)offset;
	(void)address;
}

static void on_rule(void *context, uint64_t address, const struct module *module, uint64_t offset,
		    const struct unwind_rule *rule)
{
	struct unwinder *unwinder = ((struct ours *)context)->unwinder;

	(void)module;
	(void)offset;
	if (rule)
		unwinder_rule(unwinder, address, rule);
	else
		unwinder_no_rule(unwinder, address);
}

static void on_need_rule(void *context, uint64_t address, bool ahead)
{
	struct ours *ours = context;
	uint64_t offset;
	struct module *module = address_space_locate(ours->space, address, &offset);

	client_ask_rule(ours->client, module, offset, address, ahead);
}

static bool is_code(void *context, uint64_t address)
{
	return address_space_is_code(((struct ours *)context)->space, address);
}

static void on_done(void *context, struct unwind_tag tag, struct stack *stack)
{
	struct ours *ours = context;

	(void)tag;
	ours->done = true;
	ours->result = stack;
}

struct ours *ours_new(pid_t pid)
{
	struct ours *ours = xcalloc(1, sizeof(*ours));
	const struct client_hooks client_hooks = {
	    .rule = on_rule, .context = ours, .pid = pid};
	const struct unwinder_hooks unwinder_hooks = {
	    .need_rule = on_need_rule, .is_code = is_code, .done = on_done, .context = ours};
	const struct address_space_hooks space_hooks = {
	    .changed = on_mapping_changed, .mapped = on_mapped, .context = ours};
	struct err err = {0};

	ours->pid = pid;
	ours->rules = rule_table_new(on_rule_changed, ours);
	ours->stacks = stack_table_new(on_new_stack, ours);
	ours->unwinder = unwinder_new(ours->rules, ours->stacks, &unwinder_hooks);
	ours->space = address_space_new(pid, &space_hooks);
	if (client_new(&ours->client, &client_hooks, &err) ||
	    address_space_read(ours->space, &err)) {
		fprintf(stderr, "stops: %s\n", err.text);
		ours_free(ours);
		return NULL;
	}
	return ours;
}

void ours_free(struct ours *ours)
{
	if (!ours)
		return;
	unwinder_free(ours->unwinder);
	client_free(ours->client);
	address_space_free(ours->space);
	stack_table_free(ours->stacks);
	rule_table_free(ours->rules);
	free(ours);
}

bool ours_read_mappings(struct ours *ours)
{
	ours->changed = false;
	/* A process that has just ended has none to read. */
	(void)address_space_read(ours->space, NULL);
	return ours->changed;
}

static bool wait_for_answers(struct ours *ours)
{
	while (!ours->done) {
		struct pollfd ready = {.fd = client_fd(ours->client), .events = POLLIN};

		client_flush(ours->client);
		if (poll(&ready, 1, ANSWER_TIMEOUT_MS) <= 0)
			return false;
		client_read(ours->client);
	}
	return true;
}

const struct stack *ours_unwind(struct ours *ours, const uint64_t regs[DWARF_REG_COUNT])
{
	const struct stack_copy copy = {
	    .regs = regs,
	    .stack = ours->copy,
	    .stack_size = tracee_read(ours->pid, regs[DWARF_RSP], ours->copy, COPY_BYTES),
	};

	ours->done = false;
	ours->result = NULL;
	unwinder_submit(ours->unwinder, &copy, (struct unwind_tag){0});
	if (!wait_for_answers(ours))
		fprintf(stderr, "stops: the worker does not answer\n");
	return ours->result;
}

bool ours_is_cut_by_copy(const struct stack *stack)
{
	return stack->state == STACK_TRUNCATED && stack->frame_count < STACK_FRAMES_MAX;
}
