#include "config.h"

#include "stack/rule_table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "bpf/abi.h"
#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	/* As many as the kernel's map of rules holds, see bpf/unwind.bpf.h. */
	KEYS_MAX = 1 << 17,
	PAGE_SHIFT = 12,
	PAGE_BYTES = 1 << PAGE_SHIFT,
	WORD_BITS = 64,
	/* One bit for each key that the kernel has of a page: by address, then by block. */
	KEY_WORDS =
	    (PAGE_BYTES + PAGE_BYTES / 16 + PAGE_BYTES / 128 + PAGE_BYTES / 1024) / WORD_BITS + 1,
};

struct row {
	uint16_t first, last; /* bytes of the page */
	struct unwind_rule rule;
};

struct rule_page {
	uint64_t number;
	struct row *rows; /* in no order, without overlaps */
	size_t row_count;
	uint64_t keys[KEY_WORDS];
	UT_hash_handle hh;
};

struct rule_table {
	struct rule_page *pages;
	size_t key_count;
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

/* --- keys that the kernel has ----------------------------------------------------------------- */

/* The place of a key in a page's bits. */
static unsigned key_bit(unsigned in_page, unsigned level)
{
	unsigned bit = 0;

	for (unsigned below = 0; below < level; below++)
		bit += PAGE_BYTES / (unsigned)rule_block_size(below);
	return bit + in_page / (unsigned)rule_block_size(level);
}

static bool has_key(const struct rule_page *page, unsigned in_page, unsigned level)
{
	unsigned bit = key_bit(in_page, level);

	return page->keys[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

static bool is_covered(const struct rule_page *page, unsigned in_page)
{
	for (unsigned level = 0; level < RULE_LEVELS; level++)
		if (has_key(page, in_page, level))
			return true;
	return false;
}

static uint64_t key_of(const struct rule_page *page, unsigned in_page, unsigned level)
{
	return rule_key(page->number << PAGE_SHIFT | in_page, level);
}

static void give_key(struct rule_table *table, struct rule_page *page, unsigned in_page,
		     unsigned level, const struct unwind_rule *rule)
{
	unsigned bit = key_bit(in_page, level);

	table->key_count += !has_key(page, in_page, level);
	page->keys[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
	table->changed(table->context, key_of(page, in_page, level), rule);
}

static void take_keys(struct rule_table *table, struct rule_page *page)
{
	for (unsigned level = 0; level < RULE_LEVELS; level++) {
		unsigned size = (unsigned)rule_block_size(level);

		for (unsigned at = 0; at < PAGE_BYTES; at += size) {
			if (!has_key(page, at, level))
				continue;
			table->changed(table->context, key_of(page, at, level), NULL);
			table->key_count--;
		}
	}
}

/* --- pages and rows --------------------------------------------------------------------------- */

static void remove_page(struct rule_table *table, struct rule_page *page)
{
	take_keys(table, page);
	HASH_DEL(table->pages, page);
	free(page->rows);
	free(page);
}

void rule_table_remove(struct rule_table *table, uint64_t start, uint64_t end)
{
	struct rule_page *page, *next;
	uint64_t first = start >> PAGE_SHIFT, last = end ? (end - 1) >> PAGE_SHIFT : 0;

	if (start >= end)
		return;
	if (last - first < HASH_COUNT(table->pages)) {
		for (uint64_t number = first; number <= last; number++) {
			HASH_FIND(hh, table->pages, &number, sizeof(number), page);
			if (page)
				remove_page(table, page);
		}
		return;
	}
	HASH_ITER (hh, table->pages, page, next)
		if (page->number >= first && page->number <= last)
			remove_page(table, page);
}

static void no_change(void *context, uint64_t key, const struct unwind_rule *rule)
{
	(void)context;
	(void)key;
	(void)rule;
}

void rule_table_free(struct rule_table *table)
{
	if (!table)
		return;
	table->changed = no_change;
	rule_table_remove(table, 0, UINT64_MAX);
	free(table);
}

static struct rule_page *find_page(const struct rule_table *table, uint64_t address)
{
	uint64_t number = address >> PAGE_SHIFT;
	struct rule_page *page;

	HASH_FIND(hh, table->pages, &number, sizeof(number), page);
	return page;
}

static const struct row *find_row(const struct rule_page *page, unsigned first, unsigned last)
{
	for (size_t i = 0; i < page->row_count; i++)
		if (page->rows[i].first <= last && page->rows[i].last >= first)
			return &page->rows[i];
	return NULL;
}

static unsigned in_page(uint64_t address)
{
	return (unsigned)(address & (PAGE_BYTES - 1));
}

const struct unwind_rule *rule_table_get(const struct rule_table *table, uint64_t address)
{
	const struct rule_page *page = find_page(table, address);
	const struct row *row = page ? find_row(page, in_page(address), in_page(address)) : NULL;

	return row ? &row->rule : NULL;
}

bool rule_table_row(const struct rule_table *table, uint64_t address, uint64_t *ret_first,
		    uint64_t *ret_last)
{
	const struct rule_page *page = find_page(table, address);
	const struct row *row = page ? find_row(page, in_page(address), in_page(address)) : NULL;

	if (!row)
		return false;
	*ret_first = page->number << PAGE_SHIFT | row->first;
	*ret_last = page->number << PAGE_SHIFT | row->last;
	return true;
}

static struct rule_page *make_page(struct rule_table *table, uint64_t address)
{
	struct rule_page *page = xcalloc(1, sizeof(*page));

	page->number = address >> PAGE_SHIFT;
	HASH_ADD(hh, table->pages, number, sizeof(page->number), page);
	return page;
}

void rule_table_use(struct rule_table *table, uint64_t address, bool often)
{
	struct rule_page *page = find_page(table, address);
	const struct row *row = page ? find_row(page, in_page(address), in_page(address)) : NULL;

	if (!row || table->key_count >= KEYS_MAX)
		return;
	if (often ? has_key(page, in_page(address), 0) : is_covered(page, in_page(address)))
		return;
	give_key(table, page, in_page(address), 0, &row->rule);
}

/*
 * Gives the kernel the row by the largest blocks inside it. The bytes at its edges get a key each
 * as long as there is plenty of room; then only those do that walks come to.
 */
static void give_row(struct rule_table *table, struct rule_page *page, const struct row *row)
{
	bool plenty = table->key_count < KEYS_MAX / 2;
	unsigned at = row->first;

	while (at <= row->last) {
		unsigned level = RULE_LEVELS - 1, size = (unsigned)rule_block_size(level);

		while (at % size != 0 || at + size - 1 > row->last)
			size = (unsigned)rule_block_size(--level);
		if (level > 0 || plenty)
			give_key(table, page, at, level, &row->rule);
		at += size;
	}
}

/* The pages that were learnt first go first. */
static void make_room(struct rule_table *table)
{
	if (table->key_count + PAGE_BYTES <= KEYS_MAX)
		return;
	while (table->pages && table->key_count > KEYS_MAX - KEYS_MAX / 8)
		remove_page(table, table->pages);
}

static struct row make_row(uint64_t address, const struct unwind_rule *rule)
{
	unsigned at = in_page(address), room = PAGE_BYTES - 1 - at;

	return (struct row){
	    .first = (uint16_t)(rule->before < at ? at - rule->before : 0),
	    .last = (uint16_t)(at + (rule->after < room ? rule->after : room)),
	    .rule = *rule,
	};
}

void rule_table_put(struct rule_table *table, uint64_t address, const struct unwind_rule *rule)
{
	const struct row row = make_row(address, rule);
	const struct row *there;
	struct rule_page *page;

	make_room(table);
	page = find_page(table, address);
	there = page ? find_row(page, row.first, row.last) : NULL;

	if (there && there->first == row.first && there->last == row.last &&
	    unwind_rule_same(&there->rule, &row.rule)) {
		rule_table_use(table, address, false);
		return;
	}
	/* What overlaps was learnt of other code than there is now. */
	if (there) {
		remove_page(table, page);
		page = NULL;
	}
	if (!page)
		page = make_page(table, address);
	page->rows = xreallocarray(page->rows, page->row_count + 1, sizeof(*page->rows));
	page->rows[page->row_count++] = row;
	give_row(table, page, &row);
	rule_table_use(table, address, false);
}
