#include "config.h"

#include "stack/stack_table.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* The target decides how many stacks it has; this many take some 150 MiB at 30 frames each. */
enum { STACKS_MAX = 1 << 18 };

struct stack_entry {
	struct stack stack;
	UT_hash_handle hh;
	uint64_t frames[];	/* followed by the array of symbols */
};

struct stack_table {
	struct stack_entry *entries;
	stack_new_fn on_new;
	void *context;
	uint64_t refused;
};

struct stack_table *stack_table_new(stack_new_fn on_new, void *context)
{
	struct stack_table *table = xcalloc(1, sizeof(*table));

	table->on_new = on_new;
	table->context = context;
	return table;
}

size_t stack_table_count(const struct stack_table *table)
{
	return HASH_COUNT(table->entries);
}

static void free_entry(struct stack_table *table, struct stack_entry *entry)
{
	HASH_DEL(table->entries, entry);
	free(entry->stack.symbols);
	free(entry);
}

void stack_table_each(const struct stack_table *table, stack_fn use, void *context)
{
	for (struct stack_entry *entry = table->entries; entry; entry = entry->hh.next)
		use(context, &entry->stack, 0);
}

void stack_table_sweep(struct stack_table *table, uint64_t mark)
{
	struct stack_entry *entry, *next;

	HASH_ITER(hh, table->entries, entry, next)
		if (entry->stack.mark != mark)
			free_entry(table, entry);
}

void stack_table_free(struct stack_table *table)
{
	struct stack_entry *entry, *next;

	if (!table)
		return;
	HASH_ITER(hh, table->entries, entry, next)
		free_entry(table, entry);
	free(table);
}

uint64_t stack_table_id(const uint64_t *frames, size_t frame_count, enum stack_state state)
{
	uint64_t id = 0;

	for (size_t i = 0; i < frame_count; i++)
		id = stack_id_step(id, frames[i]);
	return stack_id_step(id, (uint64_t)state) & STACK_ID_MASK;
}

struct stack *stack_table_find(const struct stack_table *table, uint64_t id)
{
	struct stack_entry *entry;

	HASH_FIND(hh, table->entries, &id, sizeof(id), entry);
	return entry ? &entry->stack : NULL;
}

struct stack *stack_table_intern(struct stack_table *table, const uint64_t *frames, size_t frame_count,
				 enum stack_state state)
{
	uint64_t id = stack_table_id(frames, frame_count, state);
	struct stack *found = stack_table_find(table, id);
	struct stack_entry *entry;

	if (found)
		return found;
	if (HASH_COUNT(table->entries) >= STACKS_MAX) {
		table->refused++;
		return NULL;
	}
	entry = xcalloc(1, sizeof(*entry) + frame_count * sizeof(*frames));
	if (frame_count)
		memcpy(entry->frames, frames, frame_count * sizeof(*frames));
	entry->stack.id = id;
	entry->stack.state = state;
	entry->stack.frame_count = (uint32_t)frame_count;
	entry->stack.frames = entry->frames;
	entry->stack.symbols = xcalloc(frame_count ? frame_count : 1, sizeof(*entry->stack.symbols));
	HASH_ADD(hh, table->entries, stack.id, sizeof(entry->stack.id), entry);
	table->on_new(table->context, &entry->stack);
	return &entry->stack;
}

uint64_t stack_table_refused(const struct stack_table *table)
{
	return table->refused;
}
