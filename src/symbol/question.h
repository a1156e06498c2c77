/* Questions to the worker, in the queues of the client. */
#ifndef RSP_SYMBOL_QUESTION_H
#define RSP_SYMBOL_QUESTION_H

#include "symbol/module_table.h"
#include "symbol/protocol.h"
#include "symbol/symbol_store.h"

/* Queues in the order in which they are served. */
enum priority {
	PRIORITY_RULE,
	PRIORITY_SYMBOL,
	PRIORITY_ALLOCATORS,
	PRIORITY_LINES,
	PRIORITY_COUNT,
};

struct question {
	struct request request;
	struct module *module;
	struct symbol *symbol; /* SYMBOL, LINES */
	int fd;		       /* DEBUG_FILE: owned, until it is sent; else -1 */
	struct question *next, *prev;
};

/* A question without offset, cookie, symbol and descriptor. */
struct question *question_new(enum request_kind kind, struct module *module);

void question_free(struct question *question);

/* The queue that a question belongs to. */
enum priority question_priority(const struct question *question);

/* Whether the answer depends on the module's separate debug files. */
bool question_needs_debug_files(const struct question *question);

#endif
