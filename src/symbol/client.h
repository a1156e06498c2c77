/*
 * Names and rules, asked for asynchronously: every question is queued, the worker's answers arrive
 * through client_read(), and until then a symbol is called "module+0xoffset". Rules go before names,
 * names from the symbol table before lines from DWARF, which are asked for only where the caller
 * wants them.
 */
#ifndef RSP_SYMBOL_CLIENT_H
#define RSP_SYMBOL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "symbol/file_thread.h"
#include "symbol/module_table.h"
#include "symbol/symbol_store.h"

struct symbol_client;

struct client_hooks {
	/* The rule that client_ask_rule() asked for. NULL: it was asked ahead, and no CFI says it. */
	void (*rule)(void *context, uint64_t address, const struct module *module, uint64_t offset,
		     const struct unwind_rule *rule);
	/* The answer to client_ask_allocators(), valid during the call; NULL: the module has none. */
	void (*allocators)(void *context, struct module *module, const struct reply *answer);
	/* Whether lines and inlined functions are worth the DWARF of this module. */
	bool (*wants_lines)(void *context, const struct module *module);
	void *context;
	int pid; /* the target, in whose root folder debug files are looked for */
};

/* Starts the worker. 0, or -errno with one line in `err`. */
int client_new(struct symbol_client **ret_client, const struct client_hooks *hooks, struct err *err);

/* Ends the worker. NULL is allowed. */
void client_free(struct symbol_client *client);

/* The symbol of an address; its name is asked for when it is new. Borrowed from the client, until a sweep. */
struct symbol *client_symbol(struct symbol_client *client, struct module *module, uint64_t offset);

/* Frees every symbol that nobody holds: the holders have given theirs this mark. Those of questions stay. */
void client_sweep(struct symbol_client *client, uint64_t mark);

/* Puts the question for a symbol's name, if it is not sent yet, before all others of names. */
void client_prefer_name(struct symbol_client *client, const struct symbol *symbol);

/*
 * Asks for the lines and inlined functions of a symbol that is LINES_WANTED. False when it is not,
 * or when its module's DWARF is not read any more.
 */
bool client_want_lines(struct symbol_client *client, struct symbol *symbol);

/* Symbols that are LINES_WANTED. */
size_t client_lines_wanted(const struct symbol_client *client);

/* Symbols whose lines were asked for and have not been answered. */
size_t client_lines_queued(const struct symbol_client *client);

/*
 * Asks again for the name of a symbol of a perf map that is not known yet, though not more often than
 * every few seconds: the map grows. Nothing for any other symbol.
 */
void client_ask_again(struct symbol_client *client, struct symbol *symbol);

/* Asks for every symbol without a name of a module whose file has come only now, or has grown. */
void client_ask_symbols(struct symbol_client *client, const struct module *module);

/*
 * Asks for the unwind rule of `address`, which is at `offset` of the module. For memory without a file
 * it is the guess unwind_rule_frame_pointer(). Ahead, where no frame is known to be, CFI alone is asked: without
 * it, code is followed to a return, which takes the worker ten times as long.
 */
void client_ask_rule(struct symbol_client *client, struct module *module, uint64_t offset, uint64_t address,
		     bool ahead);

/* Asks where a module has allocator functions. */
void client_ask_allocators(struct symbol_client *client, struct module *module);

/* Keeps such questions back, which for a big module take the worker a tenth of a second, or no longer. */
void client_hold_allocators(struct symbol_client *client, bool hold);

/* The thread for what may have to wait for a disk. What it has done is taken back by client_flush(). Borrowed. */
struct file_thread *client_files(struct symbol_client *client);

/* The descriptor to wait on for client_read(): always the same one. */
int client_fd(const struct symbol_client *client);

/* False while none can be started: nothing is answered then but with "not known". */
bool client_has_worker(const struct symbol_client *client);

/*
 * Reads what the worker has answered and sends what is queued. A worker that has died or answers
 * nonsense is replaced; the question it died of is answered with "not known", but allocators are
 * asked for once more. A module whose lines it died of is marked `degraded`, one that it died of
 * twice with other questions `skipped`, and no such question is asked any more. When none lives long
 * enough to answer anything, all is "not known" for some seconds.
 */
void client_read(struct symbol_client *client);

/*
 * Sends what is queued, as far as the worker takes it, and replaces a worker that has not answered
 * in time: 2 s for lines, 5 s for anything else, without what it waited for a disk (up to a minute).
 * To be called in each turn of the loop and at least once a second.
 */
void client_flush(struct symbol_client *client);

/* Questions without an answer yet. */
size_t client_outstanding(const struct symbol_client *client);

/* Whether the perf map has more names than are kept. */
bool client_perf_map_is_cut(const struct symbol_client *client);

/* Whether names were not taken because they would need too much memory. */
bool client_names_are_full(const struct symbol_client *client);

/* Changes with every answer that named something. */
uint64_t client_generation(const struct symbol_client *client);

/* Debug files that no debuginfod server gave. */
unsigned client_fetch_failures(const struct symbol_client *client);

/* Functions that the worker named for probing, and that the file itself does not confirm. */
unsigned client_probes_refused(const struct symbol_client *client);

/* Text kept once and as long as the client. */
const char *client_intern(struct symbol_client *client, const char *text);

/* The worker's process, 0 when there is none; and how often it had to be replaced. */
pid_t client_worker_pid(const struct symbol_client *client);
unsigned client_worker_restarts(const struct symbol_client *client);

#endif
