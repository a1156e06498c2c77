#include "config.h"

#include "symbol/symbol_store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* The target decides how many addresses it has. */
enum { SYMBOLS_MAX = 1 << 20 };

struct symbol_entry {
	struct {
		uint64_t module;
		uint64_t offset;
	} key;
	struct symbol symbol;
	struct symbol_frame only; /* its frames, when there is one */
	UT_hash_handle hh;
	char name[]; /* before any answer; others keep it, as if it were interned */
};

struct text_entry {
	UT_hash_handle hh;
	char text[];
};

struct symbol_store {
	struct symbol_entry *symbols;
	struct text_entry *texts;
	size_t bytes, most_bytes; /* of texts, and of frames that are not in an entry */
	bool full;
};

struct symbol_store *symbol_store_new(size_t most_bytes)
{
	struct symbol_store *store = xcalloc(1, sizeof(*store));

	store->most_bytes = most_bytes;
	return store;
}

/* Remembers it where there is none. */
static bool has_room(struct symbol_store *store, size_t bytes)
{
	if (store->bytes <= store->most_bytes && bytes <= store->most_bytes - store->bytes)
		return true;
	store->full = true;
	return false;
}

static size_t text_bytes(const char *text)
{
	return text ? sizeof(struct text_entry) + strlen(text) + 1 : 0;
}

static void free_entry(struct symbol_store *store, struct symbol_entry *entry)
{
	HASH_DEL(store->symbols, entry);
	if (entry->symbol.frames != &entry->only) {
		store->bytes -= entry->symbol.frame_count * sizeof(*entry->symbol.frames);
		free(entry->symbol.frames);
	}
	free(entry);
}

void symbol_store_free(struct symbol_store *store)
{
	struct symbol_entry *symbol, *next_symbol;
	struct text_entry *text, *next_text;

	if (!store)
		return;
	HASH_ITER (hh, store->symbols, symbol, next_symbol)
		free_entry(store, symbol);
	HASH_ITER (hh, store->texts, text, next_text) {
		HASH_DEL(store->texts, text);
		free(text);
	}
	free(store);
}

const char *symbol_store_intern(struct symbol_store *store, const char *text)
{
	struct text_entry *entry;
	size_t length = strlen(text);

	HASH_FIND(hh, store->texts, text, length, entry);
	if (!entry) {
		entry = xcalloc(1, text_bytes(text));
		store->bytes += text_bytes(text);
		memcpy(entry->text, text, length);
		HASH_ADD(hh, store->texts, text, length, entry);
	}
	return entry->text;
}

enum { NAME_SIZE = PATH_MAX + 32 };

/* The length. */
static size_t offset_name(char text[static NAME_SIZE], const struct module *module, uint64_t offset)
{
	(void)snprintf(text, NAME_SIZE, "%s+0x%llx", module->name, (unsigned long long)offset);
	return strlen(text);
}

struct symbol *symbol_store_get(struct symbol_store *store, struct module *module, uint64_t offset,
				bool *ret_new)
{
	struct symbol_entry *entry;
	struct symbol_entry key = {.key = {module->number, offset}};
	char name[NAME_SIZE];
	size_t length;

	if (HASH_COUNT(store->symbols) >= SYMBOLS_MAX)
		key.key.offset = offset = 0;
	HASH_FIND(hh, store->symbols, &key.key, sizeof(key.key), entry);
	*ret_new = !entry;
	if (entry)
		return &entry->symbol;
	length = offset_name(name, module, offset);
	entry = xcalloc(1, sizeof(*entry) + length + 1);
	memcpy(entry->name, name, length);
	entry->key = key.key;
	entry->symbol.module = module;
	entry->symbol.offset = offset;
	entry->symbol.frame_count = 1;
	entry->symbol.frames = &entry->only;
	entry->only.function = entry->name;
	HASH_ADD(hh, store->symbols, key, sizeof(entry->key), entry);
	return &entry->symbol;
}

void symbol_store_each(struct symbol_store *store, const struct module *module,
		       void (*fn)(void *context, struct symbol *symbol), void *context)
{
	for (struct symbol_entry *entry = store->symbols; entry; entry = entry->hh.next)
		if (entry->symbol.module == module)
			fn(context, &entry->symbol);
}

static struct symbol_entry *entry_of(struct symbol *symbol)
{
	return (struct symbol_entry *)(void *)((char *)symbol - offsetof(struct symbol_entry, symbol));
}

void symbol_keep(struct symbol *symbol)
{
	const char *own = entry_of(symbol)->name;

	for (size_t i = 0; i < symbol->frame_count; i++)
		symbol->kept = symbol->kept || symbol->frames[i].function == own;
}

void symbol_store_sweep(struct symbol_store *store, uint64_t mark,
			void (*gone)(void *context, const struct symbol *symbol), void *context)
{
	struct symbol_entry *entry, *next;

	HASH_ITER (hh, store->symbols, entry, next) {
		const struct symbol *symbol = &entry->symbol;

		if (symbol->mark == mark || symbol->kept || symbol->module->kind == MODULE_KALLSYMS)
			continue;
		gone(context, symbol);
		free_entry(store, entry);
	}
}

void symbol_store_set_address(struct symbol_store *store, struct symbol *symbol, uint64_t address)
{
	char name[NAME_SIZE];

	(void)offset_name(name, symbol->module, address);
	if (has_room(store, text_bytes(name)))
		symbol->frames[0].function = symbol_store_intern(store, name);
}

/* What an answer takes at most: if none of its texts is there already. */
static size_t reply_bytes(const struct reply *reply)
{
	size_t bytes = reply->frame_count * sizeof(struct symbol_frame) +
		       text_bytes(protocol_text(reply, reply->folder));

	for (uint32_t i = 0; i < reply->frame_count; i++)
		bytes += text_bytes(protocol_text(reply, reply->frames[i].function)) +
			 text_bytes(protocol_text(reply, reply->frames[i].file)) +
			 text_bytes(protocol_text(reply, reply->frames[i].decl_file));
	return bytes;
}

bool symbol_store_set_frames(struct symbol_store *store, struct symbol *symbol,
			     const struct reply *reply)
{
	struct symbol_frame only = {0}, *frames = &only;
	struct symbol_entry *entry = entry_of(symbol);
	const char *folder;

	if (!has_room(store, reply_bytes(reply)))
		return false;
	if (reply->frame_count > 1) {
		frames = xcalloc(reply->frame_count, sizeof(*frames));
		store->bytes += reply->frame_count * sizeof(*frames);
	}
	for (uint32_t i = 0; i < reply->frame_count; i++) {
		const struct reply_frame *from = &reply->frames[i];
		const char *function = protocol_text(reply, from->function);
		const char *file = protocol_text(reply, from->file);
		const char *decl_file = protocol_text(reply, from->decl_file);

		/* DWARF may not name a function whose symbol has a name. */
		frames[i].function = function ? symbol_store_intern(store, function)
					      : symbol->frames[symbol->frame_count - 1].function;
		frames[i].file = file ? symbol_store_intern(store, file) : NULL;
		frames[i].decl_file = decl_file ? symbol_store_intern(store, decl_file) : NULL;
		frames[i].line = from->line;
		frames[i].decl_line = from->decl_line;
		frames[i].inlined = from->inlined;
	}
	if (symbol->frames != &entry->only) {
		store->bytes -= symbol->frame_count * sizeof(*frames);
		free(symbol->frames);
	}
	folder = protocol_text(reply, reply->folder);
	symbol->folder = folder ? symbol_store_intern(store, folder) : NULL;
	entry->only = only;
	symbol->frames = frames == &only ? &entry->only : frames;
	symbol->frame_count = reply->frame_count;
	symbol->named = true;
	return true;
}

bool symbol_store_is_full(const struct symbol_store *store)
{
	return store->full;
}
