/*
 * An answer of the worker. What is found valid is used as the program uses it: names, rules (the
 * rest of the bytes is the stack that is walked by them), places of debug files, places of probes.
 */
#include "config.h"

#include <fcntl.h>

#include "stack/kernel_rule.h"
#include "stack/rule_table.h"
#include "stack/walk.h"
#include "symbol/debug_search.h"
#include "symbol/probe_check.h"
#include "symbol/protocol.h"
#include "symbol/symbol_store.h"

#include "fuzz.h"

static struct module module = {.name = "module", .path = "/tmp/module", .fd = -1};

static void use_names(const struct reply *reply)
{
	struct symbol_store *store = symbol_store_new(SYMBOL_STORE_BYTES);
	bool is_new;
	struct symbol *symbol = symbol_store_get(store, &module, reply->offset, &is_new);

	symbol_store_set_address(store, symbol, reply->address);
	if (reply->found && reply->frame_count)
		MUST(symbol_store_set_frames(store, symbol, reply));
	for (uint32_t i = 0; i < symbol->frame_count; i++) {
		touch_text(symbol->frames[i].function);
		touch_text(symbol->frames[i].file);
		touch_text(symbol->frames[i].decl_file);
	}
	touch_text(symbol->folder);
	symbol_store_free(store);
}

static void on_changed(void *context, uint64_t key, const struct unwind_rule *rule)
{
	(void)context;
	(void)key;
	if (rule)
		(void)kernel_rule_from(rule);
}

static void use_rule(const struct reply *reply, const uint8_t *stack, size_t size)
{
	struct rule_table *table = rule_table_new(on_changed, NULL);
	uint64_t regs[DWARF_REG_COUNT], address = 0;
	enum stack_state state;
	static struct walk walk;

	for (int i = 0; i < DWARF_REG_COUNT; i++)
		regs[i] = 0x7000 + (uint64_t)i * 8;
	rule_table_put(table, reply->offset, &reply->rule);
	rule_table_put(table, regs[DWARF_RIP], &reply->rule);
	walk_begin(&walk, regs, reply->cookie & 1, stack, size, NULL, 0);
	for (int i = 0; i < 64 && walk_on(&walk, table, &state, &address) == WALK_NEEDS_RULE; i++)
		rule_table_put(table, address, &reply->rule);
	MUST(walk.frame_count <= WALK_FRAMES_MAX);
	rule_table_remove(table, 0, UINT64_MAX);
	rule_table_free(table);
}

static void use_debug(const struct reply *reply)
{
	struct debug_search *search = debug_search_new(getpid(), &module);

	debug_search_begin(search, reply);
	(void)debug_search_missing(search);
	debug_search_free(search);
}

static void use_allocators(const struct reply *reply)
{
	struct reply *copy = calloc(1, sizeof(*copy));
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	MUST(copy && fd >= 0);
	memcpy(copy, reply, protocol_reply_size(reply));
	(void)probe_check(copy, fd, -1);
	MUST(copy->allocator_count <= reply->allocator_count);
	MUST(protocol_reply_valid(copy, protocol_reply_size(copy)));
	close(fd);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply *reply = calloc(1, sizeof(*reply));
	size_t packet = size < sizeof(*reply) ? size : sizeof(*reply);

	MUST(reply);
	memcpy(reply, data, packet);
	/* Most packets have a wrong size: half of the inputs are given the right one. */
	if (size % 2 && packet > offsetof(struct reply, text)) {
		reply->text_size = (uint32_t)(packet - offsetof(struct reply, text));
		reply->text[0] = reply->text[reply->text_size - 1] = '\0';
	}
	if (protocol_reply_valid(reply, packet)) {
		use_names(reply);
		if (reply->kind == REQUEST_RULE && reply->found)
			use_rule(reply, data, size);
		use_debug(reply);
		if (reply->allocator_count)
			use_allocators(reply);
	}
	free(reply);
	return 0;
}
