/*
 * Names and rules, asked for asynchronously: every question is queued, the worker's answers arrive
 * through client_read(), and until then a symbol is called "module+0xoffset". Rules go before names,
 * names from the symbol table before lines from DWARF.
 */
#ifndef RSP_SYMBOL_CLIENT_H
#define RSP_SYMBOL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "symbol/module_table.h"

struct symbol_client;

/* One function executing at an address; all strings belong to the client and live as long as it. */
struct symbol_frame {
	const char *function;	/* never NULL */
	const char *file;	/* NULL: unknown */
	const char *decl_file;	/* NULL: unknown */
	unsigned line;		/* 0: unknown */
	unsigned decl_line;
	bool inlined;		/* into the next frame */
};

/* What is known of an address. Never moves; its frames are replaced as better answers come. */
struct symbol {
	struct module *module;
	uint64_t offset;
	bool named;		/* the worker knew a name */
	size_t frame_count;	/* at least 1, innermost first */
	struct symbol_frame *frames;
};

struct client_hooks {
	/* The rule that client_ask_rule() asked for. */
	void (*rule)(void *context, uint64_t address, const struct unwind_rule *rule);
	/* The answer to client_ask_allocators(): how many were found, and where. */
	void (*allocators)(void *context, struct module *module, const struct reply_allocator *found,
			   size_t count);
	/* Whether lines and inlined functions are worth the DWARF of this module. */
	bool (*wants_lines)(void *context, const struct module *module);
	void *context;
};

/* Starts the worker. 0, or -errno with one line in `err`. */
int client_new(struct symbol_client **ret_client, const struct client_hooks *hooks, struct err *err);

/* Ends the worker. NULL is allowed. */
void client_free(struct symbol_client *client);

/* The symbol of an address; asked for when it is new. Borrowed, valid as long as the client. */
struct symbol *client_symbol(struct symbol_client *client, struct module *module, uint64_t offset);

/* Asks for the unwind rule of `address`, which is at `offset` of the module. */
void client_ask_rule(struct symbol_client *client, struct module *module, uint64_t offset, uint64_t address);

/* Asks where a module has allocator functions. */
void client_ask_allocators(struct symbol_client *client, struct module *module);

/* The descriptor to wait on, -1 while there is no worker; it can change after client_read(). */
int client_fd(const struct symbol_client *client);

/*
 * Reads what the worker has answered and sends what is queued. A worker that has died or answers
 * nonsense is replaced a few times; the question it died of is answered with "not known", and so are
 * all of a module that it died of twice.
 */
void client_read(struct symbol_client *client);

/* Sends what is queued, as far as the worker takes it. To be called once in each turn of the loop. */
void client_flush(struct symbol_client *client);

/* Questions without an answer yet. */
size_t client_outstanding(const struct symbol_client *client);

/* Changes with every answer that named something. */
uint64_t client_generation(const struct symbol_client *client);

/* Text kept once and as long as the client. */
const char *client_intern(struct symbol_client *client, const char *text);

/* The worker's process, 0 when there is none; and how often it had to be replaced. */
pid_t client_worker_pid(const struct symbol_client *client);
unsigned client_worker_restarts(const struct symbol_client *client);

#endif
