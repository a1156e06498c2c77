#include "config.h"

#include "stack/rule_table.h"

#include <stdlib.h>

#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* As many as the kernel's map of rules holds. */
enum { RULES_MAX = 1 << 16 };

struct rule_entry {
	uint64_t address;
	struct unwind_rule rule;
	UT_hash_handle hh;
};

struct rule_table {
	struct rule_entry *entries;
	rule_changed_fn changed;
	void *context;
};

struct rule_table *rule_table_new(rule_changed_fn changed, void *context)
{
	struct rule_table *table = xcalloc(1, sizeof(*table));

	table->changed = changed;
	table->context = context;
	return table;
}

void rule_table_free(struct rule_table *table)
{
	struct rule_entry *entry, *next;

	if (!table)
		return;
	HASH_ITER(hh, table->entries, entry, next) {
		HASH_DEL(table->entries, entry);
		free(entry);
	}
	free(table);
}

const struct unwind_rule *rule_table_get(const struct rule_table *table, uint64_t address)
{
	struct rule_entry *entry;

	HASH_FIND(hh, table->entries, &address, sizeof(address), entry);
	return entry ? &entry->rule : NULL;
}

void rule_table_remove(struct rule_table *table, uint64_t start, uint64_t end)
{
	struct rule_entry *entry, *next;

	HASH_ITER(hh, table->entries, entry, next) {
		if (entry->address < start || entry->address >= end)
			continue;
		table->changed(table->context, entry->address, NULL);
		HASH_DEL(table->entries, entry);
		free(entry);
	}
}

void rule_table_put(struct rule_table *table, uint64_t address, const struct unwind_rule *rule)
{
	struct rule_entry *entry;

	HASH_FIND(hh, table->entries, &address, sizeof(address), entry);
	if (!entry) {
		if (HASH_COUNT(table->entries) >= RULES_MAX)
			rule_table_remove(table, 0, UINT64_MAX);
		entry = xcalloc(1, sizeof(*entry));
		entry->address = address;
		HASH_ADD(hh, table->entries, address, sizeof(entry->address), entry);
	}
	entry->rule = *rule;
	table->changed(table->context, address, rule);
}

void rule_table_replay(const struct rule_table *table)
{
	for (const struct rule_entry *entry = table->entries; entry; entry = entry->hh.next)
		table->changed(table->context, entry->address, &entry->rule);
}
