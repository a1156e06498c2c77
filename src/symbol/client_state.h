/*
 * The parts of a client, for the files that make it up: client.c (questions, and the life of the
 * worker), client_answers.c (what becomes of the answers) and client_files.c (what it looks for in files
 * itself).
 */
#ifndef RSP_SYMBOL_CLIENT_STATE_H
#define RSP_SYMBOL_CLIENT_STATE_H

#include "symbol/known_functions.h"
#include "symbol/client.h"
#include "symbol/debug_fetch.h"
#include "symbol/debug_search.h"
#include "symbol/file_thread.h"
#include "symbol/question.h"
#include "symbol/worker_link.h"

/* What the worker was told of a module. */
struct announcement {
	bool done;		     /* this worker has its file */
	bool debug_taken;	     /* and a separate debug file */
	bool debug_over;	     /* a worker died with one: none is offered any more */
	uint8_t deaths;		     /* of workers */
	bool debug_kept;	     /* debug_fd is open */
	int debug_fd;		     /* what was found on disk and taken, until probes are checked */
	struct debug_search *search; /* NULL: over */
	struct search_job *looking;  /* the thread has the search; NULL: it does not */
	struct module *module;
	struct question *parked; /* they wait until it is over */
};

struct symbol_client {
	struct worker_link link;
	struct file_thread *files;
	int fd; /* an epoll instance for both */
	struct client_hooks hooks;
	struct question *queues[PRIORITY_COUNT];
	size_t queue_counts[PRIORITY_COUNT];
	double served_ms[PRIORITY_COUNT]; /* when one was last sent, or the first was queued */
	struct question *sent;		  /* in the order in which answers will come */
	size_t sent_count;
	size_t lines_sent;
	size_t parked_count;
	double first_ms;		/* when the first of them became the first */
	double disk_ms;			/* for so long has its worker been waiting for a disk */
	double looked_ms;		/* when the worker was last looked after */
	struct announcement *announced; /* by module number */
	size_t announced_count;
	struct symbol_store *store;
	struct known_functions kernel;
	struct debug_fetch *fetch; /* NULL: no server is to be asked */
	uint64_t generation;
	bool perf_map_is_cut;
	unsigned probes_refused;
	unsigned restarts;
	unsigned failures; /* in a row */
	double retry_ms;   /* no worker is started before */
	struct reply reply;
};

/* What the worker was told of a module. Valid until that of another module is asked for. */
struct announcement *client_announcement(struct symbol_client *client, const struct module *module);

/* Closes its debug file. */
void client_forget_debug_file(struct announcement *announcement);

/* Ends the search for debug files, whoever has it. */
void client_forget_search(struct announcement *announcement);

/* Looks for the next debug file of a module, and then offers it to the worker; if there is none, the search is
 * over. */
void client_look_for_debug_file(struct symbol_client *client, struct module *module);

/* Checks what the worker says of a module's allocators, and then hands it on. */
void client_check_allocators(struct symbol_client *client, struct module *module, const struct reply *reply);

/* Puts a question, owned from now on, into its queue. */
void client_enqueue(struct symbol_client *client, struct question *question);

/* Hands the answer to whoever asked. `reply` with found == 0 stands for "not known". */
void client_answer(struct symbol_client *client, struct question *question,
		   const struct reply *reply);

/* Offers the worker what debuginfod servers have given. */
void client_take_fetched(struct symbol_client *client);

#endif
