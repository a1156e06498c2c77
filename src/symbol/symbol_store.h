/* The symbols and texts of a client: kept once and never moved, texts as long as the store, symbols until a sweep. */
#ifndef RSP_SYMBOL_SYMBOL_STORE_H
#define RSP_SYMBOL_SYMBOL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/module_table.h"
#include "symbol/protocol.h"

/* One function executing at an address; all strings belong to the store and live as long as it. */
struct symbol_frame {
	const char *function;  /* never NULL */
	const char *file;      /* NULL: unknown */
	const char *decl_file; /* NULL: unknown */
	unsigned line;	       /* 0: unknown */
	unsigned decl_line;
	bool inlined; /* into the next frame */
};

enum symbol_lines {
	LINES_UNWANTED, /* or not known yet whether they are */
	LINES_WANTED,	/* not asked for yet */
	LINES_ASKED,
};

/* What is known of an address. Never moves; its frames are replaced as better answers come. A name "module+0xoffset"
 * lives as long as the symbol, all others as long as the store. */
struct symbol {
	struct module *module;
	uint64_t offset;
	bool asked; /* its name is asked for, and not answered */
	double asked_ms; /* when it was asked for last, by the monotonic clock */
	const char *folder; /* that files are in whose names do not begin with '/'; NULL: unknown */
	bool named; /* the worker knew a name */
	enum symbol_lines lines;
	size_t frame_count; /* at least 1, innermost first */
	struct symbol_frame *frames;
	uint64_t mark; /* of the last sweep that was told to keep it */
	bool kept;     /* by all sweeps: see symbol_keep() */
};

struct symbol_store;

/* What names and frames of answers may take: several hundred bytes for each of the symbols there can be. */
enum { SYMBOL_STORE_BYTES = 256 << 20 };

/* Answers that would need more than `most_bytes` in all are not taken: whoever gives them may lie. */
struct symbol_store *symbol_store_new(size_t most_bytes);

/* NULL is allowed. */
void symbol_store_free(struct symbol_store *store);

/* Text kept once and as long as the store, whatever it has already. */
const char *symbol_store_intern(struct symbol_store *store, const char *text);

/*
 * The symbol of an address, made when it is new (`*ret_new`), with "module+0xoffset" for a name.
 * Beyond a limit all addresses of a module are one symbol, at offset 0.
 */
struct symbol *symbol_store_get(struct symbol_store *store, struct module *module, uint64_t offset,
				bool *ret_new);

/* Calls for each symbol of a module, in no order; the function makes no new ones. */
void symbol_store_each(struct symbol_store *store, const struct module *module,
		       void (*fn)(void *context, struct symbol *symbol), void *context);

/* Names a symbol "module+0xaddress", if there is room for that. */
void symbol_store_set_address(struct symbol_store *store, struct symbol *symbol, uint64_t address);

/* Replaces what is known of a symbol by the frames of a valid answer, which has at least one. False: there
 * is no room for it, and nothing has changed. */
bool symbol_store_set_frames(struct symbol_store *store, struct symbol *symbol,
			     const struct reply *reply);

/* Said of a symbol whose frames' names are held beyond the stacks that it is in: no sweep frees it then, if one of them
 * is its own. */
void symbol_keep(struct symbol *symbol);

/*
 * Frees every symbol that does not have this mark, but those of the kernel, which are few, and those that are kept.
 * `gone` is called for each before.
 */
void symbol_store_sweep(struct symbol_store *store, uint64_t mark,
			void (*gone)(void *context, const struct symbol *symbol), void *context);

/* Whether something was not taken for want of room. */
bool symbol_store_is_full(const struct symbol_store *store);

#endif
